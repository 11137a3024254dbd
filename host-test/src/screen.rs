//! The events that any rule could match, out of files: for shells and for engines that examine them elsewhere.
//!
//! [`screen`] needs no memory and no order. Whatever comes out may be examined by one detector, in the order of
//! time, and gives the findings that all of it would have given.

use std::io::{self, Write};

use crate::input::{Batch, Limits, OnePerLine, PathError, ReadProgress, Reader, Source};
use crate::plugin::{self, Detector};
use crate::split::Observer;

/// Totals of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Files read.
    pub sources: u64,
    /// Events in them.
    pub events: u64,
    /// Events that were printed.
    pub candidates: u64,
    /// Parts of files that could not be made into events.
    pub unreadable: u64,
    /// Paths and files that could not be read, or not to their end.
    pub failed: u64,
}

/// Why it could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The output cannot be written.
    #[error("cannot write the events")]
    Write(#[from] io::Error),
    /// The detector failed.
    #[error("cannot screen the events")]
    Screen(#[from] plugin::Error),
}

/// Writes every event that a rule of the detector could match, as it stands, one a line.
///
/// The detector is asked nothing else: its memory stays as it is. Blocks until all is read.
pub fn screen(
    found: impl IntoIterator<Item = Result<Source, PathError>>,
    limits: &Limits,
    detector: &mut Detector,
    out: &mut dyn Write,
    observer: &mut dyn Observer,
) -> Result<Totals, Error> {
    let mut run = Run { detector, out, observer, totals: Totals::default() };
    let mut single = OnePerLine::new();
    for found in found {
        match found {
            Ok(source) => run.file(&source, limits, &mut single)?,
            Err(err) => {
                run.totals.failed += 1;
                run.observer.failed(&err.path.display(), &err.source);
            }
        }
    }
    run.out.flush()?;
    Ok(run.totals)
}

struct Run<'a> {
    detector: &'a mut Detector,
    out: &'a mut dyn Write,
    observer: &'a mut dyn Observer,
    totals: Totals,
}

impl Run<'_> {
    fn file(
        &mut self,
        source: &Source,
        limits: &Limits,
        single: &mut OnePerLine,
    ) -> Result<(), Error> {
        self.totals.sources += 1;
        let mut reader = match Reader::open(source, limits, &ReadProgress::default()) {
            Ok(reader) => reader,
            Err(err) => {
                self.totals.failed += 1;
                self.observer.failed(source, &err);
                return Ok(());
            }
        };
        let mut batch = Batch::default();
        let before = self.totals.unreadable;
        loop {
            batch.clear();
            match reader.next(&mut batch, &mut |_| None) {
                Ok(true) => {}
                Ok(false) => break,
                Err(err) => {
                    self.totals.failed += 1;
                    self.observer.failed(source, &err);
                    continue;
                }
            }
            single.each(&mut batch, |events, broken| {
                for one in broken {
                    self.unreadable(source, one.line, &one.reason);
                }
                self.events(source, events)
            })?;
            // Whoever reads it may be waiting.
            if reader.is_live() {
                self.out.flush()?;
            }
        }
        self.observer.end(source, self.totals.unreadable - before);
        Ok(())
    }

    fn events(&mut self, source: &Source, events: &Batch) -> Result<(), Error> {
        let (bytes, part) = (events.bytes(), &events.parts()[0]);
        let screened = self.detector.screen(bytes)?;
        // A candidate is counted by who examines it.
        self.totals.events += screened.counts.events + screened.spans.len() as u64;
        for one in &screened.unreadable {
            self.unreadable(source, part.line(one.place.line), &one.reason);
        }
        self.totals.unreadable +=
            screened.counts.unreadable.saturating_sub(screened.unreadable.len() as u64);
        self.totals.candidates += screened.spans.len() as u64;
        for span in &screened.spans {
            let event = bytes.get(span.offset..span.offset + span.length).unwrap_or_default();
            self.out.write_all(event.trim_ascii_end())?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn unreadable(&mut self, source: &Source, line: u64, reason: &str) {
        self.totals.unreadable += 1;
        self.observer.unreadable(source, line, reason);
    }
}
