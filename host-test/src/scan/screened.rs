//! A screened batch: its candidates and counts.

use super::budget::Permit;
use super::file_tally::FileTally;
use super::filter::FilteredOut;
use super::read::Origin;
use super::tally::Tally;
use crate::input::{Stretch, Unreadable};
use crate::plugin::{self, Counts};

/// A batch without what no rule could match.
#[derive(Debug)]
pub(super) struct Screened {
    /// In the order of the input.
    pub(super) pieces: Vec<Piece>,
    /// Counts of everything but the candidates.
    pub(super) counts: Counts,
    /// Candidates that the filter does not want.
    pub(super) filtered_out: FilteredOut,
    /// How many bytes were examined.
    pub(super) bytes: u64,
    /// The sources and accounts of the candidates.
    pub(super) sources: Tally,
    pub(super) accounts: Tally,
    /// The lines of a file that these are, if it is read in pieces: they are numbered from 1.
    pub(super) stretch: Option<Stretch>,
    /// The account that the folders name, if they do.
    pub(super) account: Option<String>,
    /// Counts its bytes until it is dropped.
    pub(super) _permit: Option<Permit>,
}

/// The part of a batch that is from one file.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) origin: Origin,
    /// Events that a rule could match, one a line.
    pub(super) candidates: Vec<u8>,
    /// For each of them, where it ends there, and where it is in the file.
    pub(super) places: Vec<(usize, Place)>,
    /// The first of what could not be read, in order of their lines.
    pub(super) unreadable: Vec<Unreadable>,
    /// What is in it, beside its candidates.
    pub(super) tally: FileTally,
}

impl Piece {
    /// One without candidates yet.
    pub(super) fn new(origin: Origin, unreadable: Vec<Unreadable>, tally: FileTally) -> Self {
        let (candidates, places) = (Vec::new(), Vec::new());
        Piece { origin, candidates, places, unreadable, tally }
    }

    /// Numbers its lines so many further.
    pub(super) fn shift(&mut self, lines: u64) {
        self.places.iter_mut().for_each(|(_, place)| place.line = place.line.saturating_add(lines));
        self.unreadable.iter_mut().for_each(|one| one.line = one.line.saturating_add(lines));
    }

    /// As many candidates from one on as are examined at once, and those that are left.
    pub(super) fn split(&self, from: usize) -> (Slice<'_>, usize) {
        let start = from.checked_sub(1).map_or(0, |before| self.places[before].0);
        let rest = &self.places[from..];
        let fit = rest.iter().take(Slice::MOST).take_while(|(end, _)| end - start <= Slice::BYTES);
        let to = from + fit.count().max(1).min(rest.len());
        let end = to.checked_sub(1).map_or(0, |last| self.places[last].0);
        let bytes = &self.candidates[start..end];
        (Slice { bytes, start, places: &self.places[from..to] }, to)
    }
}

/// Some candidates of a piece.
pub(super) struct Slice<'a> {
    pub(super) bytes: &'a [u8],
    /// Where they start in the piece.
    start: usize,
    places: &'a [(usize, Place)],
}

impl<'a> Slice<'a> {
    /// A finding takes several thousand bytes, in the guest and here, however short its event is.
    const MOST: usize = 256;
    const BYTES: usize = 64 << 10;

    /// The last line of the file that one of them stands on.
    pub(super) fn last_line(&self) -> u64 {
        self.places.last().map_or(0, |(_, place)| place.line)
    }

    /// The candidate at a place that the guest names, and where what it names is in the file.
    pub(super) fn candidate(&self, at: plugin::Place) -> (&'a [u8], Place) {
        let index = (at.line.max(1) as usize - 1).min(self.places.len().saturating_sub(1));
        let Some(&(end, place)) = self.places.get(index) else {
            return (&[], Place { line: 1, record: 0 });
        };
        let start = if index == 0 { self.start } else { self.places[index - 1].0 };
        let record = place.record.saturating_add(at.record);
        (&self.bytes[start - self.start..end - 1 - self.start], Place { record, ..place })
    }
}

/// A line of the file, and which of the records that stand on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) record: u32,
}

impl Place {
    /// What is wrong with what is here. Of several on a line, as in an object of a bucket, it is
    /// said which.
    pub(super) fn unreadable(self, reason: String) -> Unreadable {
        let reason = match self.record {
            0 => reason,
            record => format!("record {}: {reason}", u64::from(record) + 1),
        };
        Unreadable { line: self.line, reason }
    }
}
