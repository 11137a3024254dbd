//! Whether there is a standard output.
//!
//! The standard library opens `/dev/null` in its place if it is closed (`>&-`), before `main` can
//! see that. So this is looked at before the standard library is.

use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::bail;

static CLOSED: AtomicBool = AtomicBool::new(false);

/// The linker puts this among what is called before `main`.
#[allow(unsafe_code)]
#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    const EBADF: i32 = 9;
    let copy = io::stdout().as_fd().try_clone_to_owned();
    CLOSED.store(copy.is_err_and(|err| err.raw_os_error() == Some(EBADF)), Relaxed);
}

/// Fails if standard output was closed when this program started.
pub(super) fn check() -> anyhow::Result<()> {
    if CLOSED.load(Relaxed) {
        bail!(
            "standard output is closed: findings would be lost (> /dev/null if they are not wanted)"
        );
    }
    Ok(())
}
