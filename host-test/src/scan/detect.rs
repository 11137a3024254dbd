//! Detection: one detector examines the candidates, in the order of the input.

use super::file_tally::FileTally;
use super::filter::Filter;
use super::read::{Failure, ReadBatch, SplitFile};
use super::screened::{Piece, Screened, Slice};
use super::{Error, Found, Observer, Totals, screen};
use crate::input::{self, Source, Unreadable};
use crate::plugin::{Detector, Located};

/// Examines what was screened, and tells what it comes upon.
pub(super) struct Detection<'a> {
    pub(super) detector: &'a mut Detector,
    observer: &'a mut dyn Observer,
    pub(super) totals: Totals,
    /// What the current file held so far.
    file: FileTally,
    /// The current file, if it is read in pieces.
    pub(super) split: Option<SplitFile>,
}

impl<'a> Detection<'a> {
    pub(super) fn new(detector: &'a mut Detector, observer: &'a mut dyn Observer) -> Self {
        let (totals, file) = Default::default();
        Detection { detector, observer, totals, file, split: None }
    }

    /// Takes the next batch, which is emptied, before it is screened.
    pub(super) fn read_batch(
        &mut self,
        read_batch: &mut ReadBatch,
        filter: &Filter,
    ) -> Result<(), Error> {
        let place = read_batch.name();
        let at = |source| Error::Detector { place, source };
        match read_batch.read_piece(self.detector) {
            Ok(true) => {
                let screened = screen::screen(read_batch, filter, self.detector).map_err(at)?;
                self.examine(screened)
            }
            Ok(false) => {
                read_batch.clear();
                self.leave_pieces();
                Ok(())
            }
            Err(source) => Err(at(source)),
        }
    }

    /// A piece of the current file cannot be read by itself: what follows is read in order.
    pub(super) fn leave_pieces(&self) {
        if let Some(split) = &self.split {
            split.pieces.give_up();
        }
    }

    /// Takes the next batch. One of a file that is no longer read in pieces is left out.
    pub(super) fn examine(&mut self, mut screened: Screened) -> Result<(), Error> {
        if let Some(stretch) = screened.stretch {
            let split = self.split.as_mut().filter(|split| !split.pieces.are_given_up());
            let Some(split) = split else { return Ok(()) };
            screened.pieces.iter_mut().for_each(|piece| piece.shift(split.line - 1));
            split.pass(stretch);
        }
        let before = self.totals.counts.events;
        self.totals.counts += screened.counts;
        self.totals.bytes += screened.bytes;
        self.totals.filtered_out += screened.filtered_out;
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
        self.file += piece.tally;
        let mut unreadable = std::mem::take(&mut piece.unreadable).into_iter().peekable();
        let mut next = 0;
        while next < piece.places.len() {
            let slice;
            (slice, next) = piece.split(next);
            let mut examined = self
                .detector
                .detect_batch(slice.bytes)
                .map_err(|err| Error::Detector { place: source.to_string(), source: err })?;
            // They were counted when they were screened.
            examined.counts.lines = 0;
            self.totals.counts += examined.counts;
            self.file.add(&examined.counts);
            let last = slice.last_line();
            let before = std::iter::from_fn(|| unreadable.next_if(|one| one.line <= last));
            let here = examined
                .unreadable
                .into_iter()
                .map(|one| slice.candidate(one.place).1.unreadable(one.reason));
            let mut broken: Vec<Unreadable> = before.chain(here).collect();
            broken.sort_by_key(|one| one.line);
            self.file.note(&broken);
            self.tell_unreadable(source, broken)?;
            for located in examined.findings {
                self.tell_finding(source, &slice, located)?;
            }
            self.observer.batch_end();
        }
        self.tell_unreadable(source, unreadable)?;
        self.failed(piece.origin.failed, Some(source))?;
        if piece.origin.ended {
            self.observer.end(source, &std::mem::take(&mut self.file))?;
        }
        Ok(())
    }

    fn tell_unreadable(
        &mut self,
        source: &Source,
        broken: impl IntoIterator<Item = Unreadable>,
    ) -> Result<(), Error> {
        for one in broken {
            self.observer.unreadable(source, one.line, &one.reason)?;
        }
        Ok(())
    }

    fn tell_finding(
        &mut self,
        source: &Source,
        slice: &Slice<'_>,
        Located { place, finding }: Located,
    ) -> Result<(), Error> {
        if finding.repeat {
            self.totals.repeats += 1;
            return Ok(());
        }
        let record = place.record;
        let (event, place) = slice.candidate(place);
        self.observer.finding(Found { finding, source, line: place.line, event, record })?;
        Ok(())
    }

    fn failed(&mut self, failure: Option<Failure>, source: Option<&Source>) -> Result<(), Error> {
        match (failure, source) {
            (Some(Failure::Path(err)), _) => {
                self.totals.failed += 1;
                self.observer.failed(&err.path.display(), &err.source)?;
            }
            (Some(Failure::File(err @ input::Error::NotALog { .. })), Some(source))
                if !self.file.records =>
            {
                self.observer.not_a_log(source, &err)?;
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
