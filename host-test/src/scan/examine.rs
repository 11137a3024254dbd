//! What one detector makes of the candidates, in the order of the input.

use super::load::Failure;
use super::screen::{Piece, Screened};
use super::{Error, Found, Observer, Totals, raw};
use crate::input::Source;
use crate::plugin::Detector;

/// Examines what was screened, and tells what it comes upon.
pub(super) struct Examiner<'a> {
    pub(super) detector: &'a mut Detector,
    observer: &'a mut dyn Observer,
    pub(super) totals: Totals,
    /// How much of the current file could not be read.
    unreadable: u64,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(detector: &'a mut Detector, observer: &'a mut dyn Observer) -> Self {
        Examiner { detector, observer, totals: Totals::default(), unreadable: 0 }
    }

    /// Takes the next batch.
    pub(super) fn examine(&mut self, screened: Screened) -> Result<(), Error> {
        let before = self.totals.counts.events;
        self.totals.counts += screened.counts;
        self.totals.bytes += screened.bytes;
        self.totals.left_out += screened.left_out;
        self.totals.sources.add_all(&screened.sources);
        self.totals.accounts.add_all(&screened.accounts);
        for piece in screened.pieces {
            self.piece(piece)?;
        }
        if let Some(account) = screened.account {
            let events = self.totals.counts.events.saturating_sub(before);
            self.totals.folders.add(&account, events);
        }
        Ok(())
    }

    fn piece(&mut self, mut piece: Piece) -> Result<(), Error> {
        let Some(source) = &piece.origin.source else {
            return self.failed(piece.origin.failed, None);
        };
        self.totals.files += u64::from(piece.origin.opened);
        self.unreadable += piece.unreadables;
        let mut unreadable = std::mem::take(&mut piece.unreadable);
        let mut found = Vec::new();
        if !piece.candidates.is_empty() {
            let mut examined = self
                .detector
                .detect_batch(&piece.candidates)
                .map_err(|err| Error::Detector { place: source.to_string(), source: err })?;
            // They were counted when they were screened.
            examined.counts.lines = 0;
            self.totals.counts += examined.counts;
            self.unreadable += examined.counts.unreadable;
            for one in examined.unreadable {
                unreadable.push(piece.candidate(one.place).1.unreadable(one.reason));
            }
            unreadable.sort_by_key(|one| one.line);
            found = examined.findings;
        }
        for one in unreadable {
            self.observer.unreadable(source, one.line, &one.reason)?;
        }
        for located in found {
            if located.finding.repeat {
                self.totals.repeats += 1;
                continue;
            }
            let (event, place) = piece.candidate(located.place);
            let raw = raw::record(event, located.place.record);
            let finding = &located.finding;
            self.observer.finding(&Found { finding, source, line: place.line, raw: &raw })?;
        }
        self.failed(piece.origin.failed, Some(source))?;
        if piece.origin.ended {
            self.observer.end(source, std::mem::take(&mut self.unreadable))?;
        }
        Ok(())
    }

    fn failed(&mut self, failure: Option<Failure>, source: Option<&Source>) -> Result<(), Error> {
        match (failure, source) {
            (Some(Failure::Path(err)), _) => {
                self.totals.failed += 1;
                self.observer.failed(&err.path.display(), &err.source)?;
            }
            (Some(Failure::File(err)), Some(source)) => {
                self.totals.failed += 1;
                self.observer.failed(source, &err)?;
            }
            _ => {}
        }
        Ok(())
    }
}
