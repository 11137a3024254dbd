//! The candidates that a detector has examined since its memory was saved, in a file beside it.
//!
//! Entries with candidates are numbered and on the disk when [`push`](Journal::push) returns; those with
//! acknowledgements are not waited for: without them findings are delivered twice.
//!
//! A state says which entries it holds ([`Position`]), so that a kill at any moment leaves a state
//! and a journal that fit: entries that both hold are passed over.

mod entries;

use std::fs::{File, OpenOptions};
use std::hash::Hasher as _;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use orgwatch::digest::Digest128;
use twox_hash::XxHash64;

use entries::{CANDIDATES, DELIVERED, HEADER, header, read_entries, read_header};

pub(crate) use entries::Entry;

use super::Position;
use crate::file;
use crate::steps::step;

/// From this length on the state should be saved, which empties the journal.
pub(crate) const LONG: u64 = 16 << 20;
/// No entry makes it longer than this.
const MAX: u64 = 256 << 20;
/// Less than this is not worth rewriting the journal for.
const WORTH_REWRITING: u64 = 1 << 20;

/// A journal that cannot be used. It was left as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It cannot be read.
    #[error("cannot read the journal {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// It is none, or damaged, or newer.
    #[error(
        "cannot use the journal {path}, which is left as it is: {reason}. Without it the events \
         that it holds are forgotten; to start so, move it away"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A place in a journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) position: Position,
    length: u64,
}

/// The journal of a state file that is locked.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    /// Made when there is something to write.
    file: Option<File>,
    id: u64,
    /// The number of the next entry with candidates.
    next: u64,
    /// Up to here the file is whole; what a failed write left behind is cut off by the next.
    length: u64,
}

/// The content of a journal when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Since the position of the state.
    pub(crate) entries: Vec<Entry>,
    /// Entries between the state and the journal are missing: the state is an older one.
    pub(crate) gap: bool,
    /// So many bytes at the end were cut off: they were being written when the process was killed.
    pub(crate) torn: u64,
}

impl Journal {
    /// Opens the journal beside a state of this position, which need not be there.
    pub(crate) fn open(
        path: PathBuf,
        position: Option<Position>,
    ) -> Result<(Self, Contents), JournalError> {
        let (mut journal, contents) = Self::read(path, position)?;
        if journal.path.exists() {
            let failed = |source| JournalError::Read { path: journal.path.clone(), source };
            journal.file = Some(open_file(&journal.path).map_err(failed)?);
        }
        Ok((journal, contents))
    }

    /// The same without writing to it: it may be another process's.
    pub(crate) fn read(
        path: PathBuf,
        position: Option<Position>,
    ) -> Result<(Self, Contents), JournalError> {
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(err) if err.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(JournalError::Read { path, source }),
        };
        let unusable = |reason: String| JournalError::Unusable { path: path.clone(), reason };
        let id = read_header(&bytes).map_err(unusable)?;
        let (held, next) = match position {
            Some(Position::Journal { id, next }) => (Some(id), next),
            None => (None, 0),
        };
        // A header alone, or a part of one, is the beginning of a journal that was never used.
        let Some(id) = id else {
            let id = held.unwrap_or_else(new_id);
            let journal = Journal { path, file: None, id, next, length: 0 };
            return Ok((journal, Contents { torn: bytes.len() as u64, ..Contents::default() }));
        };
        // Another journal than the state's has nothing that the state is known to hold.
        let from = if held == Some(id) { next } else { 0 };
        let read = read_entries(id, &bytes).map_err(unusable)?;
        let first = read.entries.first().map(|(number, _)| *number);
        let journal =
            Journal { path, file: None, id, next: read.next.max(from), length: read.length as u64 };
        let since = read.entries.into_iter().filter(|(number, _)| *number >= from);
        Ok((
            journal,
            Contents {
                entries: since.map(|(_, entry)| entry).collect(),
                gap: first.is_some_and(|first| first > from),
                torn: bytes.len().saturating_sub(read.length) as u64,
            },
        ))
    }

    /// Writes lines that were examined, and returns when they are on the disk.
    pub(crate) fn push(&mut self, candidates: &[u8]) -> io::Result<()> {
        let number = self.next;
        self.append(CANDIDATES, number, candidates, |file| {
            step("journal written");
            file.sync_data()
        })?;
        self.next = self.next.saturating_add(1);
        step("journal synced");
        Ok(())
    }

    /// Writes that downstream has acknowledged findings.
    pub(crate) fn delivered(&mut self, keys: &[Digest128]) -> io::Result<()> {
        let payload: Vec<u8> = keys.iter().flat_map(|key| key.bytes()).collect();
        self.append(DELIVERED, self.next, &payload, |_| Ok(()))
    }

    fn append(
        &mut self,
        kind: u8,
        number: u64,
        payload: &[u8],
        finish: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<()> {
        let entry = entries::encode(self.id, kind, number, payload).map_err(io::Error::other)?;
        let added = entry.len() as u64;
        if self.length.max(HEADER as u64).saturating_add(added) > MAX {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "the journal is as long as it may be, 256 MiB, since the state cannot be saved",
            ));
        }
        self.begin()?;
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        // After what is whole: a write that failed may have left a part.
        let written = file
            .set_len(self.length)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .and_then(|_| file.write_all(&entry))
            .and_then(|()| finish(file));
        if let Err(err) = written {
            let _ = file.set_len(self.length);
            return Err(err);
        }
        self.length = self.length.saturating_add(added);
        Ok(())
    }

    /// Makes the file, if it is not there yet.
    fn begin(&mut self) -> io::Result<()> {
        if self.file.is_some() && self.length > 0 {
            return Ok(());
        }
        let mut file = open_file(&self.path)?;
        file.set_len(0)?;
        file.write_all(&header(self.id))?;
        file.sync_all()?;
        file::sync_folder(file::folder(&self.path))?;
        (self.file, self.length) = (Some(file), HEADER as u64);
        Ok(())
    }

    /// The place of the next entry.
    pub(crate) fn mark(&self) -> Mark {
        let position = Position::Journal { id: self.id, next: self.next };
        Mark { position, length: self.length }
    }

    /// Drops what stands before a mark: a state that holds it is on the disk.
    pub(crate) fn forget(&mut self, mark: &Mark) -> io::Result<()> {
        let header_length = HEADER as u64;
        let Some(file) = &mut self.file else { return Ok(()) };
        if mark.length <= header_length || mark.length > self.length {
            return Ok(());
        }
        if mark.length == self.length {
            // Not waited for: entries that stay behind are passed over.
            file.set_len(header_length)?;
            self.length = header_length;
        } else if mark.length >= WORTH_REWRITING {
            let mut whole = header(self.id);
            file.seek(SeekFrom::Start(mark.length))?;
            file.take(self.length.saturating_sub(mark.length)).read_to_end(&mut whole)?;
            file::replace(&self.path, &whole)?;
            (self.file, self.length) = (None, whole.len() as u64);
            self.file = Some(open_file(&self.path)?);
        }
        step("journal emptied");
        Ok(())
    }

    /// The entries since a position.
    pub(crate) fn since(&self, position: Option<Position>) -> Result<Vec<Entry>, JournalError> {
        Ok(Self::read(self.path.clone(), position)?.1.entries)
    }

    /// Whether there is a journal, or has been one.
    pub(crate) fn is_used(&self) -> bool {
        self.length > 0 || self.next > 0
    }

    /// Its length in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

/// One that no other journal has had.
fn new_id() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut hash = XxHash64::with_seed(u64::from(std::process::id()));
    hash.write_u128(now.as_nanos());
    hash.finish()
}

/// Events are nobody else's to read.
fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would be waited for, and a device may never end.
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "longer than any journal, 256 MiB",
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
