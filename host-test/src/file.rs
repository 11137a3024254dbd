//! Files that are replaced in one step.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::steps::step;

/// The longest wait for a lock: a process that ends, or that is about to become another program, may
/// hold it for a moment longer than it should.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// Opens a file, or makes it, and locks it for as long as what is returned is open.
pub fn lock(path: &Path) -> Result<File, TryLockError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(TryLockError::Error)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => {
                thread::sleep(Duration::from_millis(5));
            }
            other => return other.map(|()| file),
        }
    }
}

/// Replaces what a file holds, or makes it, and returns when that is on the disk. A reader finds
/// the old bytes or the new ones, and never a part of them.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // In the same folder, since a rename does not cross disks. Always of the same name: what a killed
    // run left is replaced, not added to.
    let new = with_suffix(path, ".new");
    match fs::remove_file(&new) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    let written = write_new(&new, path, bytes).and_then(|()| {
        step("new file synced");
        fs::rename(&new, path)
    });
    if written.is_err() {
        // The first error says more than one from tidying up.
        let _ = fs::remove_file(&new);
    }
    written?;
    step("new file renamed");
    sync_folder(folder(path))
}

fn write_new(new: &Path, old: &Path, bytes: &[u8]) -> io::Result<()> {
    // Only where nothing is: a link that somebody put there would be followed.
    let mut file = OpenOptions::new().write(true).create_new(true).open(new)?;
    if let Ok(old) = old.metadata() {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    step("new file written");
    file.sync_all()
}

/// The folder that a file stands in.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns when what was renamed in a folder is on the disk, which it is when the folder is.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
