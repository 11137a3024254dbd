//! Findings to a file or to standard output, where there is no downstream.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::http_sink::SinkError;

/// The file or standard output that findings are written to, one a line. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct FileSink(Arc<Mutex<Target>>);

#[derive(Debug)]
struct Target {
    file: File,
    /// By which it can be opened again; standard output cannot.
    path: Option<PathBuf>,
}

/// The only one who may write.
pub(super) struct Turn(OwnedMutexGuard<Target>);

impl FileSink {
    pub(super) fn stdout() -> io::Result<Self> {
        // Not through the standard library's buffer, which keeps what could not be written.
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(FileSink(Arc::new(Mutex::new(Target { file: stdout.into(), path: None }))))
    }

    /// Appends to a file, which need not be there yet.
    pub(super) fn file(path: &Path) -> io::Result<Self> {
        let target = Target { file: open(path)?, path: Some(path.to_owned()) };
        Ok(FileSink(Arc::new(Mutex::new(target))))
    }

    /// Waits until nobody else writes.
    pub(super) async fn turn(&self) -> Turn {
        Turn(Arc::clone(&self.0).lock_owned().await)
    }

    /// Opens the file again: what rotates logs has moved it away.
    pub(super) async fn reopen(&self) -> io::Result<()> {
        let mut target = self.0.lock().await;
        if let Some(path) = &target.path {
            target.file = open(path)?;
        }
        Ok(())
    }
}

impl Turn {
    /// Appends the whole buffer or leaves the file unchanged, then syncs it. Blocks while a pipe's
    /// reader is slow.
    pub(super) fn write(mut self, findings: &[u8]) -> Result<(), SinkError> {
        let written = self.0.write(findings);
        written.map_err(|err| match (err.kind(), &self.0.path) {
            (io::ErrorKind::BrokenPipe, None) => SinkError::Closed,
            _ => SinkError::Write(err.to_string()),
        })
    }
}

impl Target {
    fn write(&mut self, findings: &[u8]) -> io::Result<()> {
        let file = &mut self.file;
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

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_was_rotated_away_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("findings"), folder.path().join("findings.1"));
        std::fs::write(&path, "before\n").unwrap();
        let output = FileSink::file(&path).unwrap();
        output.turn().await.write(b"one\n").unwrap();
        std::fs::rename(&path, &old).unwrap();
        output.turn().await.write(b"two\n").unwrap();
        output.reopen().await.unwrap();
        output.turn().await.write(b"three\n").unwrap();
        assert_eq!(std::fs::read(&old).unwrap(), b"before\none\ntwo\n");
        assert_eq!(std::fs::read(&path).unwrap(), b"three\n");
    }
}
