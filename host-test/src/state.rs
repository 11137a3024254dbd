//! A detector's memory in a file, and beside it a journal of what came since.
//!
//! One run at a time may use it: it is locked from the time it is opened until it is dropped. Saving
//! replaces it in one step: for a reader, and after a save that was cut short, there is the old memory
//! or the new one and never half of one. A start takes up the file and replays the
//! journal.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::unwrap_used))]

pub(crate) mod journal;
mod resume;
mod saved;
pub(crate) mod undelivered;

use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

pub use journal::JournalError;
pub(crate) use resume::Pending;
pub use resume::{ResumeError, Resumed};
pub use saved::{Position, Saved, SavedError, StreamPosition};
pub use undelivered::Undelivered;

use crate::file;
use crate::steps::step;

/// More than this no detector takes.
const MAX_STATE: u64 = 1 << 30;

/// A state file that is ours for now.
///
/// The lock is a file of its own beside it, `<name>.lock`, which stays: the state itself is another
/// file after each save, and a lock that comes and goes can be held twice.
#[derive(Debug)]
pub struct StateFile {
    /// As it was named.
    name: PathBuf,
    /// The file that this name leads to.
    path: PathBuf,
    _lock: File,
}

/// A state file that cannot be used. It was left as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// Another run uses it.
    #[error("another orgwatch is using the state {path}: run this again when that one is done")]
    InUse {
        /// The file.
        path: PathBuf,
    },

    /// It cannot be locked.
    #[error("cannot lock the state {path}")]
    Lock {
        /// The file that locks it.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// It cannot be read.
    #[error("cannot read the state {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// It cannot be written.
    #[error("cannot save the state {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl StateFile {
    /// Locks a state file, which need not be there yet. Its folder must be.
    pub fn open(name: &Path) -> Result<Self, StateError> {
        let name = name.to_owned();
        // Where a link leads: replacing the link would leave what it leads to behind.
        let path = name.canonicalize().unwrap_or_else(|_| name.clone());
        // A lock beside a device, say, would be there for ever and for nothing.
        if path.metadata().is_ok_and(|known| !known.is_file()) {
            return Err(StateError::Read { path: name, source: not_a_file() });
        }
        let beside = file::with_suffix(&path, ".lock");
        match file::lock(&beside) {
            Ok(lock) => Ok(StateFile { name, path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse { path: name }),
            Err(TryLockError::Error(source)) => Err(StateError::Lock { path: beside, source }),
        }
    }

    /// The file, as it was named.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The journal beside it.
    fn journal_path(&self) -> PathBuf {
        Self::journal_of(&self.path)
    }

    /// The journal beside a state of this name.
    fn journal_of(name: &Path) -> PathBuf {
        let path = name.canonicalize().unwrap_or_else(|_| name.to_owned());
        file::with_suffix(&path, ".journal")
    }

    /// Its content; none if it is not there.
    pub fn load(&self) -> Result<Option<Vec<u8>>, StateError> {
        Self::peek(&self.name)
    }

    /// The content of a file at this moment, in use or not; none if it is not there.
    pub fn peek(name: &Path) -> Result<Option<Vec<u8>>, StateError> {
        match read(name) {
            Ok(state) => Ok(Some(state)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateError::Read { path: name.to_owned(), source }),
        }
    }

    /// Replaces what it holds, and returns when that is on the disk.
    pub fn save(&self, state: &[u8]) -> Result<(), StateError> {
        let saved = file::replace(&self.path, state);
        step("state saved");
        saved.map_err(|source| StateError::Write { path: self.name.clone(), source })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would be waited for, and a device may never end.
    if !path.metadata()?.is_file() {
        return Err(not_a_file());
    }
    let mut state = Vec::new();
    File::open(path)?.take(MAX_STATE + 1).read_to_end(&mut state)?;
    if state.len() as u64 > MAX_STATE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "longer than any state, 1 GiB"));
    }
    Ok(state)
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a file")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = folder();
        let path = folder.path().join("state");
        let state = StateFile::open(&path).unwrap();
        assert_eq!(state.load().unwrap(), None);
        for text in [&b"one"[..], b"another", b""] {
            state.save(text).unwrap();
            assert_eq!(state.load().unwrap().unwrap(), text);
        }
        assert!(!folder.path().join("state.new").exists());
    }

    #[test]
    fn only_one_uses_it_at_a_time() {
        let folder = folder();
        let path = folder.path().join("state");
        let first = StateFile::open(&path).unwrap();
        let err = StateFile::open(&path).unwrap_err();
        assert!(matches!(err, StateError::InUse { .. }), "{err}");
        drop(first);
        assert!(StateFile::open(&path).is_ok());
    }

    #[test]
    fn what_a_killed_run_left_is_in_nobodys_way() {
        let folder = folder();
        let path = folder.path().join("state");
        let state = StateFile::open(&path).unwrap();
        state.save(b"whole").unwrap();
        fs::write(folder.path().join("state.new"), "hal").unwrap();
        assert_eq!(state.load().unwrap().unwrap(), b"whole");
        state.save(b"next").unwrap();
        assert_eq!(state.load().unwrap().unwrap(), b"next");
        assert!(!folder.path().join("state.new").exists());
    }

    #[test]
    fn a_state_that_cannot_be_saved_keeps_what_it_held() {
        let folder = folder();
        let path = folder.path().join("state");
        let state = StateFile::open(&path).unwrap();
        state.save(b"old").unwrap();
        // A folder stands where the new one is to be written.
        fs::create_dir(folder.path().join("state.new")).unwrap();
        assert!(matches!(state.save(b"new"), Err(StateError::Write { .. })));
        assert_eq!(state.load().unwrap().unwrap(), b"old");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = folder();
        let path = folder.path().join("state");
        fs::create_dir(&path).unwrap();
        assert!(matches!(StateFile::open(&path), Err(StateError::Read { .. })));
        // Nothing is left beside it.
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        assert!(StateFile::open(&folder.path().join("none/state")).is_err());
    }

    #[test]
    fn a_link_keeps_leading_to_the_state_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = folder();
        let (path, link) = (folder.path().join("state"), folder.path().join("link"));
        StateFile::open(&path).unwrap().save(b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        StateFile::open(&link).unwrap().save(b"new").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        // Two names, one state, one lock.
        let _first = StateFile::open(&path).unwrap();
        assert!(matches!(StateFile::open(&link), Err(StateError::InUse { .. })));
    }
}
