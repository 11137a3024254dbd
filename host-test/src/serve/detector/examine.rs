//! The examination of a batch, part by part.

use std::ops::Range;

use bytes::Bytes;
use tokio::sync::oneshot;
use tracing::error;

use super::{State, Thread};
use crate::input::unpacked_lines;
use crate::plugin::{self, Counts, Located, Place, Span, Unreadable};
use crate::serve::order::{DetectorStopped, Examined, Failure, Task};
use crate::state::journal::LONG;
use crate::steps::step;

/// A part of a batch: enough that a call costs nothing, and little enough that it is done soon.
const PART: usize = 1 << 20;

/// So many unreadable events of a batch are named.
const MAX_UNREADABLE: usize = 100;

/// Why a batch is not examined any further.
enum Stop {
    Unwanted,
    Failed(Failure),
    DetectorStopped(DetectorStopped),
}

impl Thread {
    pub(super) fn task(&mut self, task: Task) -> Result<(), DetectorStopped> {
        let Task { events, in_flight, reply } = task;
        let mut examined = Examined::default();
        match self.examine(&events, &reply, &mut examined) {
            // What nobody takes is dropped, and with it what it held.
            Ok(()) => drop(reply.send(Ok((examined, in_flight)))),
            Err(Stop::Unwanted) => drop(self.state.metrics.abandoned.inc()),
            Err(Stop::Failed(failure)) => drop(reply.send(Err(failure))),
            Err(Stop::DetectorStopped(gone)) => return Err(gone),
        }
        Ok(())
    }

    fn examine<T>(
        &mut self,
        events: &Bytes,
        reply: &oneshot::Sender<T>,
        examined: &mut Examined,
    ) -> Result<(), Stop> {
        for part in parts(events) {
            while let Ok(order) = self.orders.try_recv() {
                self.order(order).map_err(Stop::DetectorStopped)?;
            }
            if reply.is_closed() {
                return Err(Stop::Unwanted);
            }
            match self.part(events, part, examined) {
                Ok(candidates) => self.journal(&candidates)?,
                Err(err) => {
                    self.replace(&err).map_err(Stop::DetectorStopped)?;
                    return Err(Stop::Failed(Failure::Replaced));
                }
            }
        }
        examined.found.sort_by_key(|one| one.place);
        examined.unreadable.truncate(MAX_UNREADABLE);
        Ok(())
    }

    /// Examines a part; gives what of it entered the detector.
    fn part(
        &mut self,
        events: &Bytes,
        part: Range<usize>,
        examined: &mut Examined,
    ) -> Result<Vec<u8>, plugin::Error> {
        let State { detector, deliveries, dirty, .. } = &mut self.state;
        let came = &events[part.clone()];
        // Line for line: what is passed on stays as it came.
        let unpacked = unpacked_lines(came);
        let bytes = unpacked.as_deref().unwrap_or(came);
        let before = u32::try_from(examined.counts.lines).unwrap_or(u32::MAX);
        let screened = detector.screen(bytes)?;
        let candidates = screened.candidates(bytes);
        let of_batch = |line: u32| line.saturating_add(before);
        examined.counts += screened.counts;
        examined.unreadable.extend(screened.unreadable.into_iter().map(|one| {
            let place = Place { line: of_batch(one.place.line), ..one.place };
            Unreadable { place, ..one }
        }));
        let mut spans = screened.spans;
        if unpacked.is_some() {
            place_as_they_came(&mut spans, came);
        }
        for span in &mut spans {
            (span.line, span.offset) = (of_batch(span.line), span.offset + part.start);
        }
        if spans.is_empty() {
            return Ok(candidates);
        }
        let batch = detector.detect_batch(&candidates)?;
        *dirty |= batch.counts.evaluated > 0;
        let place = |place: Place| {
            let nth = usize::try_from(place.line).unwrap_or(1).clamp(1, spans.len());
            Place { line: spans[nth - 1].line, ..place }
        };
        examined.counts += Counts { lines: 0, ..batch.counts };
        examined.unreadable.extend(
            batch.unreadable.into_iter().map(|one| Unreadable { place: place(one.place), ..one }),
        );
        let all = batch.findings.len();
        let found = batch.findings.into_iter();
        let found = found.map(|one| Located { place: place(one.place), ..one }).collect();
        let found = deliveries.take_up(found, &mut examined.seen);
        examined.repeats += (all - found.len()) as u64;
        examined.found.extend(found);
        examined.spans.extend(spans);
        step("part examined");
        Ok(candidates)
    }

    /// Writes down what entered the detector; without that a crash would forget it.
    fn journal(&mut self, candidates: &[u8]) -> Result<(), Stop> {
        let journal = self.state.journal.as_mut().filter(|_| self.state.journaling);
        let Some(journal) = journal else { return Ok(()) };
        if candidates.is_empty() {
            return Ok(());
        }
        let written = journal.push(candidates);
        self.state.metrics.journaled(written.is_ok(), journal.length());
        if journal.length() > LONG {
            self.state.save_soon.notify_one();
        }
        written.map_err(|err| {
            if let Some(before) = self.journal_failed.pass() {
                error!(
                    reason = %err,
                    suppressed = before,
                    "the journal cannot be written: batches with candidates are to be sent again"
                );
            }
            Stop::Failed(Failure::Journal)
        })
    }
}

/// Places spans of unpacked lines where the same lines stand packed.
fn place_as_they_came(spans: &mut [Span], came: &[u8]) {
    let mut lines = came.split_inclusive(|byte| *byte == b'\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line.trim_ascii_end().len()))
    });
    let mut next = 1;
    for span in spans {
        let skipped = usize::try_from(span.line.saturating_sub(next)).unwrap_or(usize::MAX);
        next = span.line.saturating_add(1);
        (span.offset, span.length) = lines.nth(skipped).unwrap_or((came.len(), 0));
    }
}

/// Lines of a batch, so many that they are about a part.
fn parts(events: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = events.get(start..).filter(|rest| !rest.is_empty())?;
        let end = rest.get(PART..).and_then(|after| memchr::memchr(b'\n', after));
        let end = start + end.map_or(rest.len(), |end| PART + end + 1);
        Some(std::mem::replace(&mut start, end)..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_lines_and_all_of_them() {
        assert_eq!(parts(b"").count(), 0);
        assert!(parts(b"a\nb").eq(std::iter::once(0..3)));
        let line = [vec![b'x'; PART / 3], vec![b'\n']].concat();
        let events = [line.repeat(7), vec![b'y'; 3 * PART]].concat();
        let parts: Vec<_> = parts(&events).collect();
        assert!(parts.len() > 2 && parts.len() < 5, "{parts:?}");
        assert!(parts.windows(2).all(|two| two[0].end == two[1].start));
        assert!(parts.iter().rev().skip(1).all(|part| events[part.end - 1] == b'\n'));
        assert_eq!(parts.last().unwrap().end, events.len());
    }
}
