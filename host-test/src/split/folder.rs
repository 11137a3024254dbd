//! The folder that a router follows.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use super::note::{Name, Note, Stamp};
use super::part::Part;
use crate::file;

/// The part of a folder for notes, and for files that are not whole yet: no pattern that a router
/// follows, such as `*.ndjson`, reaches into it.
const OWN: &str = ".orgwatch-split";

/// The number of notes that wait for one look at the disk.
const WAITING: usize = 100;

/// A folder of newline-delimited files that is ours to write for now.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    own: PathBuf,
    /// Notes of files that may not be on the disk yet: a note that outlived its file would lose what
    /// was in it.
    waiting: Vec<(Name, Note)>,
    _lock: File,
}

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Another run writes to it.
    #[error("another orgwatch is writing to {path}: run this again when that one is done")]
    InUse {
        /// The folder.
        path: PathBuf,
    },

    /// It cannot be made, or not be written.
    #[error("cannot use the folder {path}")]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Folder {
    /// Opens a folder, made if it is not there, and locks it.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let unusable = |source| FolderError::Unusable { path: path.to_owned(), source };
        fs::create_dir_all(path.join(OWN)).map_err(unusable)?;
        let canonical = path.canonicalize().map_err(unusable)?;
        let own = canonical.join(OWN);
        match file::lock(&own.join("lock")) {
            Ok(lock) => Ok(Folder { path: canonical, own, waiting: Vec::new(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Whether a path, links resolved, leads into this folder.
    pub fn contains(&self, path: &Path) -> bool {
        path.starts_with(&self.path)
    }

    /// The note on a source. One that cannot be read is as good as none: the files that it named are
    /// found beside it.
    pub(super) fn note(&self, name: &Name) -> Note {
        if let Some((_, note)) = self.waiting.iter().rev().find(|(known, _)| known == name) {
            return note.clone();
        }
        let note = fs::read(self.own.join(name.note())).ok();
        note.and_then(|note| serde_json::from_slice(&note).ok()).unwrap_or_default()
    }

    /// Begins a file, which takes what comes behind so many bytes.
    pub(super) fn part(&self, skip: u64) -> io::Result<Part> {
        Part::create(&self.temporary(), skip)
    }

    /// Puts a file in its place, whole and in one step, unless there is nothing in it, and notes how
    /// its source stands. Says whether there is a new file.
    pub(super) fn place(
        &mut self,
        name: &Name,
        part: Part,
        known: Note,
        stamp: Option<Stamp>,
    ) -> io::Result<bool> {
        let new = part.written().1 > 0;
        let all = part.finish()?;
        let (mut parts, mut placed) = (known.parts, false);
        if new {
            parts += 1;
            let mut path = self.path.join(name.part(parts));
            // A run that was killed may have placed a file and noted nothing.
            while path.try_exists()? && !same(&self.temporary(), &path)? {
                parts += 1;
                path = self.path.join(name.part(parts));
            }
            placed = !path.try_exists()?;
            if placed {
                fs::rename(self.temporary(), path)?;
            }
        }
        let sha256 = if all.bytes() > 0 { all.digest() } else { String::new() };
        let note = Note { stamp, parts, bytes: all.bytes(), sha256 };
        self.waiting.push((name.clone(), note));
        if self.waiting.len() >= WAITING {
            self.settle()?;
        }
        Ok(placed)
    }

    /// Returns when all files are on the disk, and their notes written.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        file::sync_folder(&self.path)?;
        for (name, note) in self.waiting.drain(..) {
            let temporary = self.own.join("note.tmp");
            let mut file = File::create(&temporary)?;
            serde_json::to_writer(&mut file, &note)?;
            file.write_all(b"\n")?;
            fs::rename(&temporary, self.own.join(name.note()))?;
        }
        match fs::remove_file(self.temporary()) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
            _ => Ok(()),
        }
    }

    fn temporary(&self) -> PathBuf {
        self.own.join("part.tmp")
    }
}

/// Whether two files hold the same.
fn same(one: &Path, other: &Path) -> io::Result<bool> {
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let open = |path| Ok::<_, io::Error>(BufReader::with_capacity(64 << 10, File::open(path)?));
    let (mut one, mut other) = (open(one)?, open(other)?);
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.len() == right.len());
        }
        if left[..length] != right[..length] {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
    }
}
