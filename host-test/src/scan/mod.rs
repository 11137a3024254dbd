//! Files through a detector.

use std::error::Error as StdError;
use std::io;

use orgwatch::finding::Finding;

use crate::input::{self, Batch, Limits, PathError, Reader, Source};
use crate::plugin::{self, Counts, Detector};

mod raw;

/// Takes what a scan comes upon, in the order of the input.
///
/// An error ends the scan: what is found can no longer be delivered.
pub trait Observer {
    /// A finding that was not given before.
    fn finding(&mut self, found: &Found<'_>) -> io::Result<()>;

    /// Something that could not be read. Not all are told; [`Totals`] counts all.
    fn unreadable(&mut self, source: &Source, line: u64, reason: &str) -> io::Result<()>;

    /// A path, or the rest of a file, that could not be read.
    fn failed(&mut self, what: &dyn std::fmt::Display, err: &dyn StdError) -> io::Result<()>;

    /// The end of a file, with how many unreadable ones it had.
    fn end(&mut self, source: &Source, unreadable: u64) -> io::Result<()>;
}

/// A finding, and the event that gave it.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The file that the event is in.
    pub source: &'a Source,
    /// The line of that file on which the event, or the document that holds it, starts; from 1.
    pub line: u64,
    /// The CloudTrail record as it was read, out of whatever it was wrapped in. An attacker has
    /// written part of it.
    pub raw: &'a [u8],
}

/// A scan that was given up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The detector cannot go on.
    #[error("the scan was given up at {place}")]
    Detector {
        /// The file.
        place: String,
        /// Why.
        #[source]
        source: plugin::Error,
    },

    /// The observer did not take what was found.
    #[error("cannot write")]
    Observer(#[from] io::Error),
}

/// What a scan came upon.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files opened.
    pub files: u64,
    /// Paths and files that could not be read, or not to their end.
    pub failed: u64,
    /// Bytes, decompressed, that were examined.
    pub bytes: u64,
    /// What became of the events.
    pub counts: Counts,
    /// Findings that were given before.
    pub repeats: u64,
}

/// Examines everything that the paths lead to, in order.
pub fn scan(
    found: impl IntoIterator<Item = Result<Source, PathError>>,
    limits: &Limits,
    detector: &mut Detector,
    observer: &mut dyn Observer,
) -> Result<Totals, Error> {
    let mut scan = Scan { detector, observer, totals: Totals::default(), batch: Batch::default() };
    for found in found {
        match found {
            Ok(source) => scan.file(&source, limits)?,
            Err(err) => scan.failed(&err.path.display(), &err.source)?,
        }
    }
    Ok(scan.totals)
}

struct Scan<'a> {
    detector: &'a mut Detector,
    observer: &'a mut dyn Observer,
    totals: Totals,
    batch: Batch,
}

impl Scan<'_> {
    fn failed(
        &mut self,
        what: &dyn std::fmt::Display,
        err: &(dyn StdError + 'static),
    ) -> Result<(), Error> {
        self.totals.failed += 1;
        Ok(self.observer.failed(what, err)?)
    }

    fn file(&mut self, source: &Source, limits: &Limits) -> Result<(), Error> {
        let mut reader = match Reader::open(source, limits) {
            Ok(reader) => reader,
            Err(err) => return self.failed(source, &err),
        };
        self.totals.files += 1;
        let before = self.totals.counts.unreadable;
        loop {
            match reader.next(&mut self.batch) {
                Ok(true) => self.batch(source)?,
                Ok(false) => break,
                Err(err) => self.failed(source, &err)?,
            }
        }
        let unreadable = self.totals.counts.unreadable - before;
        Ok(self.observer.end(source, unreadable)?)
    }

    fn batch(&mut self, source: &Source) -> Result<(), Error> {
        let batch = &mut self.batch;
        let examined = self
            .detector
            .detect_batch(batch.bytes())
            .map_err(|err| Error::Detector { place: source.to_string(), source: err })?;

        let counts = &mut self.totals.counts;
        *counts += examined.counts;
        // What never reached the guest is an event too.
        counts.events += batch.unreadable.len() as u64;
        counts.unreadable += batch.unreadable.len() as u64;
        self.totals.bytes += batch.bytes().len() as u64;

        let mut unreadable = std::mem::take(&mut batch.unreadable);
        for one in examined.unreadable {
            let line = batch.line(one.place.line);
            let reason = match one.place.record {
                0 => one.reason,
                // Of a line with several, as an object of a bucket is.
                record => format!("record {}: {}", u64::from(record) + 1, one.reason),
            };
            unreadable.push(input::Unreadable { line, reason });
        }
        unreadable.sort_by_key(|one| one.line);
        for one in unreadable {
            self.observer.unreadable(source, one.line, &one.reason)?;
        }
        for located in examined.findings {
            if located.finding.repeat {
                self.totals.repeats += 1;
                continue;
            }
            let place = located.place;
            let raw = raw::record(batch.event(place.line), place.record);
            let line = batch.line(place.line);
            self.observer.finding(&Found { finding: &located.finding, source, line, raw: &raw })?;
        }
        Ok(())
    }
}
