//! Standard output: whether there is one, and whether anybody reads it.
//!
//! The standard library opens `/dev/null` in its place if it is closed (`>&-`), before `main` can
//! see that. So this is looked at before the standard library is.

use std::io::{self, Write};
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

/// Nobody reads standard output any more. Other pipes break, too, and connections, which is a failure.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output")]
struct Unread;

/// Whether a command failed for want of a reader, which is the reader's choice and no failure.
pub(crate) fn is_unread(err: &anyhow::Error) -> bool {
    err.chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|err| err.get_ref().is_some_and(|inner| inner.is::<Unread>()))
}

/// Standard output. Whatever is printed goes through it, so that its errors are told from others.
pub(super) struct Stdout(io::StdoutLock<'static>);

pub(super) fn lock() -> Stdout {
    Stdout(io::stdout().lock())
}

/// Prints all of a text.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut stdout = lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(err: io::Error) -> io::Error {
    match err.kind() {
        kind @ io::ErrorKind::BrokenPipe => io::Error::new(kind, Unread),
        _ => err,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_standard_output_may_lose_its_reader() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let context = |err| anyhow::Error::from(err).context("it cannot go on");
        assert!(is_unread(&context(named(broken()))));
        assert!(!is_unread(&context(broken())));
        assert!(!is_unread(&context(named(io::ErrorKind::StorageFull.into()))));
    }
}
