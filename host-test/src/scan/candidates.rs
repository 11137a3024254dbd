//! Candidates, looked at more closely than screening does.

mod cut_up;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::mem;
use std::ops::Range;

use memchr::memmem;
use orgwatch::envelope::{self, Companion, Content, Located, Origin, Reach, TapePool};

use super::filter::{Filter, FilterReason};
use super::screen::Screen;
use super::screened::{Piece, Place, Screened};
use super::tally::value_of;
use crate::input::{self, Unreadable};
use crate::native;
use crate::plugin::{Counts, Error};

/// The candidates of a batch, in order.
pub(super) struct Candidates<'a> {
    filter: &'a Filter,
    tapes: TapePool,
    /// One a line.
    bytes: Vec<u8>,
    lines: Vec<Candidate>,
}

struct Candidate {
    range: Range<usize>,
    place: Place,
    /// Which piece of the batch it is in.
    piece: usize,
    filtered: Option<FilterReason>,
    /// Whether screening has said of this very line that it may match.
    screened_in: bool,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(filter: &'a Filter) -> Self {
        Candidates { filter, tapes: TapePool::default(), bytes: Vec::new(), lines: Vec::new() }
    }

    /// Adds a line that may match.
    ///
    /// One of several records, such as an object of a bucket, is taken apart: only those of them
    /// that may match by themselves need be parsed where order matters. Any line is, if there is a
    /// filter to be asked.
    ///
    /// The line is as it was, unless this fails.
    pub(super) fn add(
        &mut self,
        text: &mut [u8],
        line: u64,
        number: usize,
        piece: &mut Piece,
        counts: &mut Counts,
        screener: &mut dyn Screen,
    ) -> Result<(), Error> {
        let place = Place { line, record: 0 };
        if !self.takes_apart(text) {
            self.push(text, Candidate::new(place, number, None, true));
        } else if let Some(rejected) = self.cut_up(text, line, number, screener)? {
            counts.events += rejected;
            counts.rejected += rejected;
            piece.tally.records = true;
        } else {
            self.add_parsed(text, line, number, piece, counts);
        }
        Ok(())
    }

    /// Adds a line that is to be parsed as a whole.
    fn add_parsed(
        &mut self,
        text: &[u8],
        line: u64,
        number: usize,
        piece: &mut Piece,
        counts: &mut Counts,
    ) {
        let place = Place { line, record: 0 };
        let (before, bytes, counted) = (self.lines.len(), self.bytes.len(), *counts);
        let unreadable = Vec::new();
        let mut parts = Parts { place, piece: number, counts, unreadable, foreign: false };
        let parsed = native::parse(text, || self.take_all_apart(text, &mut parts));
        if parsed.is_none() {
            // The detector is to say what it is, whatever the filter wants.
            *parts.counts = counted;
            self.lines.truncate(before);
            self.bytes.truncate(bytes);
            return self.push(text, Candidate::new(place, number, None, true));
        }
        if self.lines.len() == before && parts.foreign {
            // The guest says whether it names an event that a rule wants and is no record.
            *parts.counts = counted;
            return self.push(text, Candidate::new(place, number, None, true));
        }
        if let (1, [only]) = (parts.place.record, &mut self.lines[before..]) {
            only.screened_in = true;
        }
        let unreadables = parts.unreadable.len() as u64;
        parts.counts.events += unreadables;
        parts.counts.unreadable += unreadables;
        piece.tally.unreadable += unreadables;
        piece.tally.records |= self.lines.len() > before;
        piece.unreadable.append(&mut parts.unreadable);
    }

    /// Whether a line is to be taken apart.
    pub(super) fn takes_apart(&self, text: &[u8]) -> bool {
        !self.filter.is_empty() || memmem::find_iter(text, b"eventName").take(2).count() > 1
    }

    /// Adds the last line of a batch as it is, in the memory of the batch: it may be long.
    pub(super) fn add_last(
        &mut self,
        mut batch: Vec<u8>,
        text: Range<usize>,
        line: u64,
        number: usize,
    ) {
        batch.truncate(text.end);
        let start = self.bytes.len();
        batch.splice(..text.start, mem::take(&mut self.bytes));
        self.bytes = batch;
        self.push_from(start, Candidate::new(Place { line, record: 0 }, number, None, true));
    }

    fn take_all_apart(&mut self, text: &[u8], parts: &mut Parts<'_>) {
        let place = parts.place;
        self.take_apart(text, parts);
        // Several objects with nothing between them, say.
        if let (1, [_]) = (parts.place.record, &parts.unreadable[..])
            && let Some(lines) = input::split_records(text)
        {
            parts.place = place;
            parts.unreadable.clear();
            for text in lines.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
                self.take_apart(text, parts);
            }
        }
    }

    fn take_apart(&mut self, text: &[u8], parts: &mut Parts<'_>) {
        let mut tapes = mem::take(&mut self.tapes);
        envelope::contents(text, &Reach::everywhere(), &mut tapes, &mut |_, content| {
            let place = parts.place;
            parts.place.record = place.record.saturating_add(1);
            match content {
                Content::Record(Located { record, source, origin }) => {
                    let filtered = self.filter.filters_out(&record);
                    let candidate = Candidate::new(place, parts.piece, filtered, false);
                    self.push(&wrapped(&origin, source.raw()), candidate);
                }
                Content::Foreign(_) => {
                    parts.foreign = true;
                    parts.counts.events += 1;
                    parts.counts.foreign += 1;
                }
                Content::Companion(companion) => {
                    parts.counts.events += 1;
                    parts.counts.foreign += 1;
                    match companion {
                        Companion::Notification => parts.counts.notifications += 1,
                        _ => parts.counts.companions += 1,
                    }
                }
                Content::Unreadable(reason) => parts.unreadable.push(place.unreadable(reason)),
            }
        });
        self.tapes = tapes;
    }

    fn push(&mut self, text: &[u8], candidate: Candidate) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.push_from(start, candidate);
    }

    /// Adds the bytes from here on.
    fn push_from(&mut self, start: usize, candidate: Candidate) {
        // JSON in text may stand on several lines.
        input::one_line(&mut self.bytes[start..]);
        let range = start..self.bytes.len();
        self.bytes.push(b'\n');
        self.lines.push(Candidate { range, ..candidate });
    }

    /// Puts those that may match, and that the filter wants, into their pieces.
    pub(super) fn keep(
        mut self,
        screener: &mut dyn Screen,
        screened: &mut Screened,
    ) -> Result<(), Error> {
        // A long event has left long ones.
        self.tapes = TapePool::default();
        if self.lines.iter().any(|candidate| !candidate.screened_in) {
            let again = screener.screen(&self.bytes)?;
            // The detector is to say what is wrong with what had seemed readable here.
            let all = again.counts.unreadable > 0;
            self.lines.iter_mut().for_each(|candidate| candidate.screened_in |= all);
            for span in again.spans {
                if let Some(candidate) = self.lines.get_mut(span.line as usize - 1) {
                    candidate.screened_in = true;
                }
            }
        }
        // Most often they are all of one piece, and are moved.
        let moves = screened.pieces.len() == 1
            && self
                .lines
                .iter()
                .all(|candidate| candidate.screened_in && candidate.filtered.is_none());
        for candidate in self.lines {
            if !candidate.screened_in {
                screened.counts.events += 1;
                screened.counts.rejected += 1;
                continue;
            }
            let end = candidate.range.end + 1;
            let text = &self.bytes[candidate.range];
            if let Some(filtered) = candidate.filtered {
                screened.counts.events += 1;
                screened.filtered_out.count(filtered);
                continue;
            }
            let piece = &mut screened.pieces[candidate.piece];
            if !moves {
                piece.candidates.extend_from_slice(text);
                piece.candidates.push(b'\n');
            }
            let end = if moves { end } else { piece.candidates.len() };
            piece.places.push((end, candidate.place));
            if let Some(source) = value_of(text, b"eventSource") {
                screened.sources.add(source, 1);
            }
            if let Some(account) = value_of(text, b"recipientAccountId") {
                screened.accounts.add(account, 1);
            }
        }
        if moves {
            screened.pieces[0].candidates = self.bytes;
        }
        // They may wait for their turn.
        for piece in &mut screened.pieces {
            piece.candidates.shrink_to_fit();
            piece.places.shrink_to_fit();
        }
        Ok(())
    }
}

impl Candidate {
    fn new(place: Place, piece: usize, filtered: Option<FilterReason>, screened_in: bool) -> Self {
        Candidate { range: 0..0, place, piece, filtered, screened_in }
    }
}

/// A record at the place where it was: the finding says so.
fn wrapped<'a>(origin: &Origin, record: &'a str) -> Cow<'a, [u8]> {
    if origin.keys.is_empty() {
        return record.as_bytes().into();
    }
    let mut line = Vec::with_capacity(record.len() + 64);
    for key in &origin.keys {
        line.push(b'{');
        // Writing a text cannot fail.
        line.extend(serde_json::to_vec(key).unwrap_or_default());
        line.push(b':');
    }
    line.extend_from_slice(record.as_bytes());
    line.extend(std::iter::repeat_n(b'}', origin.keys.len()));
    line.into()
}

/// A line that is taken apart.
struct Parts<'a> {
    /// The next record's.
    place: Place,
    piece: usize,
    counts: &'a mut Counts,
    unreadable: Vec<Unreadable>,
    /// Whether something in it is neither a record nor a companion of records.
    foreign: bool,
}
