//! Findings to a file or to standard output, where there is no downstream.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where findings are written, one a line. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Output(Arc<Mutex<Target>>);

#[derive(Debug)]
enum Target {
    Stdout,
    File { path: PathBuf, file: File },
}

impl Output {
    pub(super) fn stdout() -> Self {
        Output(Arc::new(Mutex::new(Target::Stdout)))
    }

    /// Appends to a file, which need not be there yet.
    pub(super) fn file(path: &Path) -> io::Result<Self> {
        let target = Target::File { path: path.to_owned(), file: open(path)? };
        Ok(Output(Arc::new(Mutex::new(target))))
    }

    /// Writes all or nothing, and returns when a file has it on the disk.
    pub(super) fn write(&self, findings: &[u8]) -> io::Result<()> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Target::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(findings)?;
                stdout.flush()
            }
            Target::File { file, .. } => {
                let regular = file.metadata()?.is_file();
                let before = if regular { file.seek(SeekFrom::End(0))? } else { 0 };
                let written = file.write_all(findings).and_then(|()| match regular {
                    true => file.sync_data(),
                    false => Ok(()),
                });
                if written.is_err() && regular {
                    // Half a line would spoil the one that is written when this comes again.
                    let _ = file.set_len(before);
                }
                written
            }
        }
    }

    /// Opens the file again: what rotates logs has moved it away.
    pub(super) fn reopen(&self) -> io::Result<()> {
        if let Target::File { path, file } =
            &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        {
            *file = open(path)?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_rotated_away_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("findings"), folder.path().join("findings.1"));
        std::fs::write(&path, "before\n").unwrap();
        let output = Output::file(&path).unwrap();
        output.write(b"one\n").unwrap();
        std::fs::rename(&path, &old).unwrap();
        output.write(b"two\n").unwrap();
        output.reopen().unwrap();
        output.write(b"three\n").unwrap();
        assert_eq!(std::fs::read(&old).unwrap(), b"before\none\ntwo\n");
        assert_eq!(std::fs::read(&path).unwrap(), b"three\n");
    }
}
