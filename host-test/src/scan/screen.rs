//! Screening, which finds the candidates of a batch: the part of a scan that needs no memory, and so
//! no order.

use super::candidates::Candidates;
use super::file_tally::FileTally;
use super::filter::{Filter, FilteredOut};
use super::read::ReadBatch;
use super::screened::{Piece, Place, Screened};
use super::tally::Tally;
use crate::input::Batch;
use crate::plugin::{self, Counts, Detector, Error, Screener, Span};

/// A longer one is not copied: it is the last of its batch, which is full with it.
const LONG_EVENT: usize = 512 << 10;

/// The one detector, or the screening of another thread.
pub(super) trait Screen {
    fn screen(&mut self, events: &[u8]) -> Result<plugin::Screened, Error>;
}

impl Screen for Detector {
    fn screen(&mut self, events: &[u8]) -> Result<plugin::Screened, Error> {
        Detector::screen(self, events)
    }
}

impl Screen for Screener {
    fn screen(&mut self, events: &[u8]) -> Result<plugin::Screened, Error> {
        Screener::screen(self, events)
    }
}

/// The number of events in JSON on one line, if no rule can match any of them.
pub(super) fn reject(json: &[u8], screener: &mut dyn Screen) -> Option<u64> {
    // A guest that fails at it fails again at what is made of this, and is told of then.
    let plugin::Screened { spans, counts, .. } = screener.screen(json).ok()?;
    (spans.is_empty() && counts.rejected > 0 && counts.rejected == counts.events)
        .then_some(counts.events)
}

/// Screens a batch, which is emptied.
pub(super) fn screen(
    read_batch: &mut ReadBatch,
    filter: &Filter,
    screener: &mut dyn Screen,
) -> Result<Screened, Error> {
    let batch = &mut read_batch.batch;
    let screened = match read_batch.screened.take() {
        Some(screened) => screened,
        None => screener.screen(batch.bytes())?,
    };
    let Looked { spans, mut counts, unreadable, tallies } = look(batch, screened, screener)?;
    let mut pieces = Vec::with_capacity(read_batch.origins.len());
    for (number, origin) in read_batch.origins.drain(..).enumerate() {
        let part = &batch.parts()[number];
        // Something that was never screened is an event too.
        let lost = part.unreadable.len() as u64;
        counts.events += lost + part.rejected;
        counts.unreadable += lost;
        counts.rejected += part.rejected;
        let mut tally = tallies[number];
        tally.unreadable += lost;
        tally.records |= part.rejected > 0;
        pieces.push(Piece::new(origin, part.unreadable.clone(), tally));
    }
    for one in unreadable {
        let number = part_of_line(batch, one.place.line);
        let line = batch.parts()[number].line(one.place.line);
        let place = Place { line, record: one.place.record };
        pieces[number].unreadable.push(place.unreadable(one.reason));
    }

    let bytes = batch.bytes().len() as u64
        + batch.parts().iter().map(|part| part.rejected_bytes).sum::<u64>();
    let mut candidates = Candidates::new(filter);
    let mut number = 0;
    for span in spans {
        while batch.parts().get(number + 1).is_some_and(|next| next.start <= span.offset) {
            number += 1;
        }
        let text = batch.bytes()[span.offset..span.offset + span.length].trim_ascii_end();
        let line = batch.parts()[number].line(span.line);
        let behind = batch.bytes().len() - span.offset - span.length;
        if text.len() > LONG_EVENT && behind <= 1 && !candidates.takes_apart(text) {
            let text = span.offset..span.offset + text.len();
            candidates.add_last(batch.take_bytes(), text, line, number);
            break;
        }
        let text = span.offset..span.offset + text.len();
        let text = &mut batch.bytes_mut()[text];
        candidates.add(text, line, number, &mut pieces[number], &mut counts, screener)?;
    }
    let mut screened = Screened {
        pieces,
        counts,
        filtered_out: FilteredOut::default(),
        bytes,
        sources: Tally::default(),
        accounts: Tally::default(),
        stretch: read_batch.stretch,
        account: read_batch.account.clone(),
        _permit: read_batch.permit.take(),
    };
    candidates.keep(screener, &mut screened)?;
    for piece in &mut screened.pieces {
        piece.unreadable.sort_by_key(|one| one.line);
        piece.tally.note(&piece.unreadable);
    }
    read_batch.clear();
    Ok(screened)
}

/// The screening of a batch.
struct Looked {
    spans: Vec<Span>,
    counts: Counts,
    unreadable: Vec<plugin::Unreadable>,
    /// What is in each part, beside its candidates.
    tallies: Vec<FileTally>,
}

fn look(
    batch: &Batch,
    screened: plugin::Screened,
    screener: &mut dyn Screen,
) -> Result<Looked, Error> {
    let parts = batch.parts();
    let told = screened.unreadable.len() as u64;
    let mut looked = Looked {
        spans: screened.spans,
        counts: screened.counts,
        unreadable: screened.unreadable,
        tallies: vec![FileTally::default(); parts.len()],
    };
    let counts = &looked.counts;
    if let [tally] = &mut looked.tallies[..] {
        tally.add(counts);
    } else if counts.unreadable == 0 && counts.foreign == 0 {
        // Nothing but records, and candidates, which may be none.
        for (number, tally) in looked.tallies.iter_mut().enumerate() {
            tally.records = has_rejected(batch, number, &looked.spans);
        }
    } else {
        // Which file they are in comes out one by one.
        let all = counts.unreadable > told;
        if all {
            looked.unreadable.clear();
        }
        for (number, part) in parts.iter().enumerate() {
            let screened = screener.screen(batch.of(number))?;
            looked.tallies[number].add(&screened.counts);
            // More than are named.
            looked.unreadable.extend(screened.unreadable.into_iter().filter(|_| all).map(
                |mut one| {
                    one.place.line = one.place.line.saturating_add(part.before);
                    one
                },
            ));
        }
    }
    Ok(looked)
}

/// Whether a part has lines beside the candidates of its batch.
fn has_rejected(batch: &Batch, number: usize, spans: &[Span]) -> bool {
    let start = batch.parts()[number].start;
    let end = start + batch.of(number).len();
    let is_blank = |from: usize, to: usize| batch.bytes()[from..to].trim_ascii().is_empty();
    let first = spans.partition_point(|span| span.offset < start);
    let mut at = start;
    for span in spans[first..].iter().take_while(|span| span.offset < end) {
        if !is_blank(at, span.offset) {
            return true;
        }
        at = span.offset + span.length;
    }
    !is_blank(at, end)
}

/// Which part of a batch a line is in.
fn part_of_line(batch: &Batch, line: u32) -> usize {
    batch.parts().partition_point(|part| part.before < line).saturating_sub(1)
}
