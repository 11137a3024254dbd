//! The one detector, on a thread of its own: what it does is all computing, and it does one thing
//! at a time, in the order of the batches.
//!
//! A batch is examined part by part. The candidates of each part are in the journal, on the disk,
//! before the batch goes on; between parts what cannot wait is done, and a batch that nobody waits
//! for any more is dropped.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use orgwatch::finding::Finding;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot};
use tracing::{error, warn};

use super::deliveries::Deliveries;
use super::log_limit::LogLimit;
use super::metrics::Metrics;
use super::order::{DetectorStopped, Examined, Failure, Order, Task};
use crate::input::unpacked_lines;
use crate::plugin::{self, Counts, Detector, Located, Place, Plugin, Span, Unreadable};
use crate::state::journal::{Entry, Journal, LONG, Mark};
use crate::state::{Position, Saved};
use crate::steps::step;

/// A part of a batch: enough that a call costs nothing, and little enough that it is done soon.
const PART: usize = 1 << 20;

/// So many unreadable events of a batch are named.
const MAX_UNREADABLE: usize = 100;

/// The state of the thread.
pub(super) struct State {
    pub(super) plugin: Plugin,
    pub(super) settings: String,
    pub(super) detector: Detector,
    /// As it was saved last: what a detector that cannot go on is replaced from.
    pub(super) memory: Vec<u8>,
    /// The position in the journal up to which the memory holds it.
    pub(super) position: Option<Position>,
    pub(super) journal: Option<Journal>,
    pub(super) deliveries: Arc<Deliveries>,
    pub(super) metrics: Arc<Metrics>,
    /// Told when the journal has become long.
    pub(super) save_soon: Arc<Notify>,
    /// Whether the memory may have changed since it was saved.
    pub(super) dirty: bool,
}

/// The thread.
pub(super) struct Thread {
    state: State,
    orders: mpsc::UnboundedReceiver<Order>,
    saved_version: u64,
    journal_failed: LogLimit,
}

/// Why a batch is not examined any further.
enum Stop {
    Unwanted,
    Failed(Failure),
    DetectorStopped(DetectorStopped),
}

impl Thread {
    pub(super) fn new(state: State, orders: mpsc::UnboundedReceiver<Order>) -> Self {
        let saved_version = state.deliveries.version();
        Thread { state, orders, saved_version, journal_failed: LogLimit::default() }
    }

    /// Goes on until nobody can ask any more, or no working detector can be made.
    pub(super) fn run(
        mut self,
        runtime: &Handle,
        mut batches: mpsc::Receiver<Task>,
    ) -> Result<(), DetectorStopped> {
        loop {
            let next = runtime.block_on(async {
                tokio::select! {
                    biased;
                    Some(order) = self.orders.recv() => Some(Err(order)),
                    Some(task) = batches.recv() => Some(Ok(task)),
                    else => None,
                }
            });
            match next {
                Some(Ok(task)) => self.task(task)?,
                Some(Err(order)) => self.order(order)?,
                None => return Ok(()),
            }
        }
    }

    fn task(&mut self, task: Task) -> Result<(), DetectorStopped> {
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
        let Some(journal) = &mut self.state.journal else { return Ok(()) };
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

    fn order(&mut self, order: Order) -> Result<(), DetectorStopped> {
        match order {
            Order::Save { always, reply } => match self.save(always) {
                Ok(saved) => drop(reply.send(saved)),
                Err(err) => {
                    self.replace(&err)?;
                    drop(reply.send(None));
                }
            },
            Order::Forget(mark, reply) => {
                if let Some(journal) = &mut self.state.journal {
                    if let Err(err) = journal.forget(&mark) {
                        warn!(reason = %err, "the journal cannot be emptied: the next save tries again");
                    }
                    self.state.metrics.journal_bytes.set(journal.length());
                }
                let _ = reply.send(());
            }
            Order::Delivered(keys, reply) => {
                if let Some(journal) = &mut self.state.journal {
                    if let Err(err) = journal.delivered(&keys)
                        && let Some(before) = self.journal_failed.pass()
                    {
                        warn!(
                            reason = %err,
                            suppressed = before,
                            "what was delivered cannot be written down: a crash would deliver it again"
                        );
                    }
                    self.state.metrics.journal_bytes.set(journal.length());
                }
                step("delivery written");
                let _ = reply.send(());
            }
            Order::Reload(settings, reply) => drop(reply.send(self.reload(settings))),
            Order::Counters(reply) => {
                drop(reply.send(self.state.detector.counters().unwrap_or_default()));
            }
        }
        Ok(())
    }

    fn save(&mut self, always: bool) -> Result<Option<(Saved, Option<Mark>)>, plugin::Error> {
        let State { detector, memory, position, journal, deliveries, dirty, .. } = &mut self.state;
        let version = deliveries.version();
        let mark = journal.as_ref().map(Journal::mark);
        if !always && !*dirty && version == self.saved_version {
            return Ok(None);
        }
        if *dirty || memory.is_empty() {
            *memory = detector.save_state()?;
        }
        let used = journal.as_ref().is_some_and(Journal::is_used);
        *position = mark.filter(|_| used).map(|mark| mark.position);
        (*dirty, self.saved_version) = (false, version);
        let saved =
            Saved { memory: memory.clone(), undelivered: deliveries.save(), position: *position };
        Ok(Some((saved, mark)))
    }

    fn reload(&mut self, settings: String) -> Result<Vec<Finding>, plugin::Error> {
        let state = &mut self.state;
        let mut detector = state.plugin.open(&settings)?;
        let memory = state.detector.save_state()?;
        let completed = detector.merge_state(&memory)?;
        state.deliveries.take_up_loose(&completed);
        (state.detector, state.settings, state.dirty) = (detector, settings, true);
        Ok(completed)
    }

    /// After an error that the detector itself cannot recover from: another one, with the memory
    /// saved last and what the journal has since.
    fn replace(&mut self, err: &plugin::Error) -> Result<(), DetectorStopped> {
        error!(error = %chain(err), "the detector failed and is replaced by one with the same memory");
        let state = &mut self.state;
        let again = || -> Result<Detector, Box<dyn std::error::Error>> {
            let mut detector = state.plugin.open(&state.settings)?;
            if !state.memory.is_empty() {
                detector.merge_state(&state.memory)?;
            }
            if let Some(journal) = &state.journal {
                for entry in journal.since(state.position)? {
                    if let Entry::Candidates(lines) = entry {
                        detector.detect_batch(&lines)?;
                    }
                }
            }
            Ok(detector)
        };
        match again() {
            Ok(detector) => {
                (state.detector, state.dirty) = (detector, true);
                Ok(())
            }
            Err(err) => {
                error!(error = %chain(&*err), "no detector can be opened any more");
                Err(DetectorStopped)
            }
        }
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

/// An error with its causes.
pub(super) fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text += &format!(": {err}");
        cause = err.source();
    }
    text
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
