//! Recovery after a trap or a deadline.
//!
//! The batch is cut in two until the event that did it stands alone. That event is counted and
//! reported; every other one is examined, by a guest whose memory is what it would have been. A guest that
//! fails for ever, or that cannot be rebuilt, costs its events and no others: they are counted and reported, and the
//! caller passes them on.

use std::ops::Range;
use std::time::{Duration, Instant};

use memchr::{memchr, memchr_iter, memrchr};

use super::guest::Guest;
use super::replay_log::Kind;
use super::{Batch, Detector, Error, Place, Screened, Span, Unreadable, convert};
use crate::input;

/// A batch that is examined in parts may have so many times the findings of one call.
const TIMES_FINDINGS: usize = 10;

/// Of the events of one part that are given up, so many are named; all are counted.
const MAX_NAMED: usize = 1000;

/// The least time for a part: less could be the processor's, busy with something else.
const LEAST_TIME: Duration = Duration::from_millis(100);

impl Detector {
    /// Makes sure that a new guest would remember what was just examined.
    pub(super) fn remember(&mut self, kind: Kind, input: &[u8]) {
        if !self.replay_log.save_due(input.len()) || !self.save() {
            self.replay_log.push(kind, input);
        }
    }

    /// Saves the memory. A guest that fails at it is found out, and replaced, by the next call.
    fn save(&mut self) -> bool {
        let saved = self.guest.save_state();
        saved.map(|saved| self.replay_log.saved(saved)).is_ok()
    }

    /// Replaces the guest by a new one with the same memory.
    pub(super) fn rebuild(&mut self) -> Result<(), Error> {
        let again = || {
            let guest = Guest::instantiate(&self.plugin)?;
            let mut guest = guest.open(&self.settings, &self.plugin.packs)?;
            self.replay_log.replay(&mut guest, self.plugin.options.call_deadline)?;
            Ok(guest)
        };
        self.guest = again().map_err(|err| Error::Rebuild(Box::new(err)))?;
        Ok(())
    }

    /// Examines a batch on which the guest was lost.
    pub(super) fn recover(&mut self, events: &[u8], err: Error) -> Result<Batch, Error> {
        let batch = self.examine_parts(events, Some(err), true)?;
        if self.replay_log.save_due(0) {
            self.save();
        }
        Ok(batch)
    }

    /// `lost` is what became of the guest on all of `events`, if that has been tried.
    fn examine_parts(
        &mut self,
        events: &[u8],
        mut lost: Option<Error>,
        split_records: bool,
    ) -> Result<Batch, Error> {
        let mut all = Batch::default();
        let mut most = self.plugin.options.max_findings.saturating_mul(TIMES_FINDINGS);
        // A stack, the next part on top, so that the events are examined in order.
        let mut parts = vec![Part { range: 0..events.len(), line: 1 }];
        while let Some(part) = parts.pop() {
            let bytes = &events[part.range.clone()];
            let start = Instant::now();
            let tried = match lost.take() {
                Some(err) => Err(err),
                None => self.examine_part(bytes, events.len(), most),
            };
            let err = match tried {
                Ok(batch) => {
                    self.budget.pay(start);
                    most = most.saturating_sub(batch.findings.len());
                    append(&mut all, batch, |place| part.place(place));
                    continue;
                }
                Err(err) if !err.needs_new_instance() => return Err(err),
                Err(err) => err,
            };
            let rebuilt = self.rebuild();
            self.budget.pay(start);
            let given_up = match rebuilt {
                Err(err) => Some(err),
                Ok(()) if self.budget.is_used_up() => Some(err),
                Ok(()) => match part.halves(events) {
                    Some((first, second)) => {
                        parts.extend([second, first]);
                        continue;
                    }
                    None => {
                        let batch = self.examine_line(bytes, &err, split_records)?;
                        append(&mut all, batch, |place| part.place(place));
                        None
                    }
                },
            };
            if let Some(err) = given_up {
                let batch = unexamined(bytes, &with_cause(&err));
                append(&mut all, batch, |place| part.place(place));
            }
        }
        Ok(all)
    }

    fn examine_part(&mut self, bytes: &[u8], of: usize, most: usize) -> Result<Batch, Error> {
        let deadline = self.share_of_deadline(bytes.len(), of);
        let batch = self.guest.detect_batch(bytes, deadline)?;
        if batch.findings.len() > most {
            let max = self.plugin.options.max_findings;
            return Err(Error::TooManyFindings(max.saturating_mul(TIMES_FINDINGS)));
        }
        let batch = convert::batch(batch, bytes.len(), &self.plugin.digest);
        if batch.counts.evaluated > 0 {
            // Kept, not saved: the next trap may be one event away.
            self.replay_log.push(Kind::Batch, bytes);
        }
        Ok(batch)
    }

    /// The line on which the guest was lost. One object of an S3 bucket is one line with thousands
    /// of records: a record that traps must not hide the others.
    fn examine_line(
        &mut self,
        line: &[u8],
        err: &Error,
        split_records: bool,
    ) -> Result<Batch, Error> {
        if split_records && let Some(records) = input::split_records(line) {
            let inner = self.examine_parts(&records, None, false)?;
            let mut batch = Batch::default();
            append(&mut batch, inner, |place| Place { line: 1, record: place.line - 1 });
            batch.counts.lines = 1;
            return Ok(batch);
        }
        Ok(unexamined(line, &err.to_string()))
    }

    /// A part gets half its share of the time, so that many may fail, but never less than a twentieth: events are
    /// not all alike.
    fn share_of_deadline(&mut self, length: usize, of: usize) -> Duration {
        let whole = self.plugin.options.call_deadline;
        let share = length as f64 / of.max(1) as f64 / 2.0;
        let share = whole.mul_f64(share.clamp(0.05, 0.5)).max(LEAST_TIME);
        self.budget.deadline(whole).min(share)
    }
}

/// The error with its causes: why a guest could not be rebuilt is the reason.
fn with_cause(err: &Error) -> String {
    match err {
        Error::Rebuild(cause) => format!("{err}: {cause}"),
        err => err.to_string(),
    }
}

/// Lines that no guest could examine, each with an event on it.
fn unexamined(lines: &[u8], reason: &str) -> Batch {
    let mut batch = Batch::default();
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        batch.counts.lines += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        batch.counts.events += 1;
        if batch.unreadable.len() < MAX_NAMED {
            let line = u32::try_from(batch.counts.lines).unwrap_or(u32::MAX);
            let place = Place { line, record: 0 };
            batch.unreadable.push(Unreadable { place, reason: reason.to_owned() });
        }
    }
    (batch.counts.unreadable, batch.counts.trapped) = (batch.counts.events, batch.counts.events);
    batch
}

/// Every line as a possible match: what a screen that failed comes to.
pub(super) fn every_line(events: &[u8]) -> Screened {
    let mut screened = Screened::default();
    let mut offset = 0;
    for line in events.split_inclusive(|&byte| byte == b'\n') {
        screened.counts.lines += 1;
        if !line.trim_ascii().is_empty() {
            screened.spans.push(Span {
                line: u32::try_from(screened.counts.lines).unwrap_or(u32::MAX),
                offset,
                length: line.len(),
            });
        }
        offset += line.len();
    }
    screened
}

/// Some lines of a batch.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    range: Range<usize>,
    /// The number of its first line.
    line: u32,
}

impl Part {
    /// Two parts of about the same length, or none if this is one line.
    fn halves(&self, events: &[u8]) -> Option<(Part, Part)> {
        let bytes = &events[self.range.clone()];
        let middle = bytes.len() / 2;
        // The end of the line in the middle; or, if that is the last line, of the one before.
        let cut = memchr(b'\n', &bytes[middle..])
            .map(|at| middle + at + 1)
            .filter(|&cut| cut < bytes.len())
            .or_else(|| memrchr(b'\n', &bytes[..middle]).map(|at| at + 1))?;
        let lines = memchr_iter(b'\n', &bytes[..cut]).count();
        let cut = self.range.start + cut;
        Some((
            Part { range: self.range.start..cut, line: self.line },
            Part {
                range: cut..self.range.end,
                line: self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX)),
            },
        ))
    }

    /// A place in this part, as a place in the batch.
    fn place(&self, place: Place) -> Place {
        Place { line: self.line.saturating_add(place.line - 1), ..place }
    }
}

fn append(to: &mut Batch, from: Batch, place: impl Fn(Place) -> Place) {
    to.counts += from.counts;
    to.findings.extend(from.findings.into_iter().map(|mut located| {
        located.place = place(located.place);
        located
    }));
    to.unreadable.extend(from.unreadable.into_iter().map(|mut unreadable| {
        unreadable.place = place(unreadable.place);
        unreadable
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(events: &[u8]) -> Vec<(&[u8], u32)> {
        let mut done = Vec::new();
        let mut parts = vec![Part { range: 0..events.len(), line: 1 }];
        while let Some(part) = parts.pop() {
            match part.halves(events) {
                Some((first, second)) => parts.extend([second, first]),
                None => done.push((&events[part.range.clone()], part.line)),
            }
        }
        done
    }

    #[test]
    fn halving_ends_at_single_lines() {
        let expected: &[(&[u8], u32)] =
            &[(b"a\n", 1), (b"bbbbbbbbbbbb\n", 2), (b"\n", 3), (b"c\n", 4), (b"d", 5)];
        assert_eq!(lines(b"a\nbbbbbbbbbbbb\n\nc\nd"), expected);
        assert_eq!(lines(b"one"), [(&b"one"[..], 1)]);
        assert_eq!(lines(b"one\n"), [(&b"one\n"[..], 1)]);
        assert_eq!(lines(b""), [(&b""[..], 1)]);
    }

    #[test]
    fn a_failed_screen_passes_every_line() {
        let screened = every_line(b"a\n\nbb");
        let spans: Vec<_> =
            screened.spans.iter().map(|span| (span.line, span.offset, span.length)).collect();
        assert_eq!(spans, [(1, 0, 2), (3, 3, 2)]);
        // What is in the lines is counted when they are examined.
        assert_eq!(
            screened.counts,
            crate::plugin::Counts { lines: 3, ..crate::plugin::Counts::default() }
        );
    }
}
