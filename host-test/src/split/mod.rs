//! Files of events into newline-delimited files that a router can follow, each event once.
//!
//! A router that follows files reads lines, and can neither decompress an object of a bucket nor look
//! into its `Records`. [`split`] writes the events of each source to a file of its own in a
//! [`Folder`], and remembers there what it has written, so that a second run adds only what is new.

mod folder;
mod note;
mod part;

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

pub use folder::{Folder, FolderError};

use crate::input::{Batch, Limits, OnePerLine, PathError, ReadProgress, Reader, Source};
use note::{Name, Note, Stamp};
use part::Summed;

/// Receives what could not be read, as soon as it is found.
pub trait Observer {
    /// Something in a source that could not be made into an event, and is in no output.
    fn unreadable(&mut self, source: &Source, line: u64, reason: &str);

    /// A path, or the rest of a file, that could not be read. The next run tries again.
    fn failed(&mut self, what: &dyn Display, err: &dyn StdError);

    /// The end of a source, with how many unreadable ones it had.
    fn end(&mut self, source: &Source, unreadable: u64);
}

/// An output that cannot be written. It ends the run; what was written before is whole.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the events of {whose}")]
pub struct Error {
    /// The source whose events they are.
    pub whose: String,
    /// The problem.
    #[source]
    pub source: io::Error,
}

/// Totals of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Sources found, those inside the folder itself not counted.
    pub sources: u64,
    /// Sources of an earlier run that have not changed since: not read again.
    pub unchanged: u64,
    /// Files written.
    pub written: u64,
    /// Events in them.
    pub events: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Parts of sources that could not be made into events.
    pub unreadable: u64,
    /// Paths and sources that could not be read, or not to their end.
    pub failed: u64,
}

/// Writes the events of every source that the paths lead to.
///
/// A source is known by its path, links resolved. One that has grown since it was split gets another
/// file with what is new; one that holds something else now is written once more, whole.
pub fn split(
    found: impl IntoIterator<Item = Result<Source, PathError>>,
    folder: &mut Folder,
    limits: &Limits,
    observer: &mut dyn Observer,
) -> Result<Totals, Error> {
    let mut run =
        Run { folder, limits, observer, totals: Totals::default(), single: OnePerLine::new() };
    for found in found {
        match found {
            Ok(source) => run.source(&source)?,
            Err(err) => run.failed(&err.path.display(), &err.source),
        }
    }
    run.folder.settle().map_err(|source| Error { whose: "the last sources".into(), source })?;
    Ok(run.totals)
}

struct Run<'a> {
    folder: &'a mut Folder,
    limits: &'a Limits,
    observer: &'a mut dyn Observer,
    totals: Totals,
    single: OnePerLine,
}

impl Run<'_> {
    fn failed(&mut self, what: &dyn Display, err: &dyn StdError) {
        self.totals.failed += 1;
        self.observer.failed(what, err);
    }

    fn source(&mut self, source: &Source) -> Result<(), Error> {
        let (path, stamp) = match identify(source) {
            Ok((path, _)) if self.folder.contains(&path) => return Ok(()),
            Ok(identified) => identified,
            Err(err) => {
                self.totals.sources += 1;
                self.failed(source, &err);
                return Ok(());
            }
        };
        self.totals.sources += 1;
        self.file(source, &path, stamp)
            .map_err(|err| Error { whose: source.to_string(), source: err })
    }

    fn file(&mut self, source: &Source, path: &Path, stamp: Stamp) -> io::Result<()> {
        let name = Name::of(path);
        let mut known = self.folder.note(&name);
        if known.stamp == Some(stamp) {
            self.totals.unchanged += 1;
            return Ok(());
        }
        if known.bytes > 0 && !self.continues(source, &known) {
            known = Note { parts: known.parts, ..Note::default() };
        }
        let mut reader = match Reader::open(source, self.limits, &ReadProgress::default()) {
            Ok(reader) => reader,
            Err(err) => {
                self.failed(source, &err);
                return Ok(());
            }
        };
        let mut part = self.folder.part(known.bytes)?;
        let mut batch = Batch::default();
        let (mut unreadable, mut whole) = (0, true);
        loop {
            batch.clear();
            match reader.next(&mut batch, &mut |_| None) {
                Ok(true) => {}
                Ok(false) => break,
                Err(err) => {
                    self.failed(source, &err);
                    whole = false;
                    continue;
                }
            }
            let observer = &mut self.observer;
            self.single.each(&mut batch, |events, broken| {
                unreadable += broken.len() as u64;
                for one in broken {
                    observer.unreadable(source, one.line, &one.reason);
                }
                part.add(events.bytes())
            })?;
        }
        self.totals.unreadable += unreadable;
        self.observer.end(source, unreadable);
        let (events, bytes) = part.written();
        // A source that was not read to its end is read again, until somebody repairs or removes it.
        if self.folder.place(&name, part, known, whole.then_some(stamp))? {
            self.totals.written += 1;
            self.totals.events += events;
            self.totals.bytes += bytes;
        }
        Ok(())
    }

    /// Whether a source begins with what was written of it. Its problems are reported when it is read
    /// for its events.
    fn continues(&mut self, source: &Source, known: &Note) -> bool {
        let Ok(mut reader) = Reader::open(source, self.limits, &ReadProgress::default()) else {
            return false;
        };
        let mut batch = Batch::default();
        let mut before = Summed::default();
        let mut left = usize::try_from(known.bytes).unwrap_or(usize::MAX);
        while left > 0 && reader.next(&mut batch, &mut |_| None).is_ok_and(|more| more) {
            let done: Result<(), Infallible> = self.single.each(&mut batch, |events, _| {
                let events = events.bytes();
                let bytes = &events[..left.min(events.len())];
                left -= bytes.len();
                before.add(bytes);
                Ok(())
            });
            let Ok(()) = done;
            batch.clear();
        }
        left == 0 && before.digest() == known.sha256
    }
}

/// Which file it is, links resolved, and how it stands.
fn identify(source: &Source) -> io::Result<(PathBuf, Stamp)> {
    let Source::File(path) = source else {
        return Err(io::Error::other("it has no name to know it by: name files or folders"));
    };
    let path = path.canonicalize()?;
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let stamp = Stamp::of(&metadata)?;
    Ok((path, stamp))
}

#[cfg(test)]
mod tests;
