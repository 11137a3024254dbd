//! What in a batch a rule could match: the part of a scan that needs no memory, and so no order.

use super::budget::Permit;
use super::candidates::Candidates;
use super::filter::{Filter, FilteredOut};
use super::read::{Origin, ReadBatch};
use super::tally::Tally;
use crate::input::{Batch, Unreadable};
use crate::plugin::{self, Counts, Detector, Error, Span};

/// A batch without what no rule could match.
#[derive(Debug)]
pub(super) struct Screened {
    /// In the order of the input.
    pub(super) pieces: Vec<Piece>,
    /// Of everything but the candidates.
    pub(super) counts: Counts,
    /// Candidates that the filter does not want.
    pub(super) filtered_out: FilteredOut,
    /// How many bytes were examined.
    pub(super) bytes: u64,
    /// The sources and accounts of the candidates.
    pub(super) sources: Tally,
    pub(super) accounts: Tally,
    /// The account that the folders name, if they do.
    pub(super) account: Option<String>,
    /// Counts its bytes until it is dropped.
    pub(super) _permit: Option<Permit>,
}

/// What of it is from one file.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) origin: Origin,
    /// Events that a rule could match, one a line.
    pub(super) candidates: Vec<u8>,
    /// For each of them, where it ends there, and where it is in the file.
    pub(super) places: Vec<(usize, Place)>,
    /// The first of what could not be read, in order of their lines.
    pub(super) unreadable: Vec<Unreadable>,
    /// How many could not be read.
    pub(super) unreadables: u64,
}

impl Piece {
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

/// Of JSON on one line: how many events are in it, if no rule can match any of them.
pub(super) fn reject(json: &[u8], detector: &mut Detector) -> Option<u64> {
    // A guest that fails at it fails again at what is made of this, and is told of then.
    let plugin::Screened { spans, counts, .. } = detector.screen(json).ok()?;
    (spans.is_empty() && counts.rejected > 0 && counts.rejected == counts.events)
        .then_some(counts.events)
}

/// Screens a batch, which is emptied.
pub(super) fn screen(
    read_batch: &mut ReadBatch,
    filter: &Filter,
    detector: &mut Detector,
) -> Result<Screened, Error> {
    let batch = &read_batch.batch;
    let Looked { spans, mut counts, unreadable, unreadables } = look(batch, detector)?;
    let mut pieces = Vec::with_capacity(read_batch.origins.len());
    for (number, origin) in read_batch.origins.drain(..).enumerate() {
        let part = &batch.parts()[number];
        // What never reached the guest is an event too.
        let lost = part.unreadable.len() as u64;
        counts.events += lost + part.rejected;
        counts.unreadable += lost;
        counts.rejected += part.rejected;
        pieces.push(Piece {
            origin,
            candidates: Vec::new(),
            places: Vec::new(),
            unreadable: part.unreadable.clone(),
            unreadables: unreadables[number] + lost,
        });
    }
    for one in unreadable {
        let number = part_of_line(batch, one.place.line);
        let line = batch.parts()[number].line(one.place.line);
        let place = Place { line, record: one.place.record };
        pieces[number].unreadable.push(place.unreadable(one.reason));
    }

    let mut candidates = Candidates::new(filter);
    let mut number = 0;
    for span in spans {
        while batch.parts().get(number + 1).is_some_and(|next| next.start <= span.offset) {
            number += 1;
        }
        let text = &batch.bytes()[span.offset..span.offset + span.length];
        let line = batch.parts()[number].line(span.line);
        candidates.add(text.trim_ascii_end(), line, number, &mut pieces[number], &mut counts);
    }
    let bytes = batch.bytes().len() as u64
        + batch.parts().iter().map(|part| part.rejected_bytes).sum::<u64>();
    let mut screened = Screened {
        pieces,
        counts,
        filtered_out: FilteredOut::default(),
        bytes,
        sources: Tally::default(),
        accounts: Tally::default(),
        account: read_batch.account.clone(),
        _permit: read_batch.permit.take(),
    };
    candidates.keep(detector, &mut screened)?;
    for piece in &mut screened.pieces {
        piece.unreadable.sort_by_key(|one| one.line);
    }
    read_batch.clear();
    Ok(screened)
}

/// What the guest says of a batch.
struct Looked {
    spans: Vec<Span>,
    counts: Counts,
    unreadable: Vec<plugin::Unreadable>,
    /// How many could not be read, by part.
    unreadables: Vec<u64>,
}

fn look(batch: &Batch, detector: &mut Detector) -> Result<Looked, Error> {
    let parts = batch.parts();
    let screened = detector.screen(batch.bytes())?;
    let told = screened.unreadable.len() as u64;
    let mut looked = Looked {
        spans: screened.spans,
        counts: screened.counts,
        unreadable: screened.unreadable,
        unreadables: vec![0; parts.len()],
    };
    if let [_] = parts {
        looked.unreadables[0] = looked.counts.unreadable;
    } else if looked.counts.unreadable <= told {
        for one in &looked.unreadable {
            looked.unreadables[part_of_line(batch, one.place.line)] += 1;
        }
    } else {
        // More than the guest names: which file they are in comes out one by one.
        looked.unreadable.clear();
        for (number, part) in parts.iter().enumerate() {
            let screened = detector.screen(batch.of(number))?;
            looked.unreadables[number] = screened.counts.unreadable;
            looked.unreadable.extend(screened.unreadable.into_iter().map(|mut one| {
                one.place.line = one.place.line.saturating_add(part.before);
                one
            }));
        }
    }
    Ok(looked)
}

/// Which part of a batch a line is in.
fn part_of_line(batch: &Batch, line: u32) -> usize {
    batch.parts().partition_point(|part| part.before < line).saturating_sub(1)
}
