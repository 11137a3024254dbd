//! The one detector, on a thread of its own: what it does is all computing, and it does one thing
//! at a time, in the order of the batches.
//!
//! A batch is examined part by part. The candidates of each part are in the journal, on the disk,
//! before the batch goes on; between parts what cannot wait is done, and a batch that nobody waits
//! for any more is dropped.

mod examine;

use std::sync::Arc;

use orgwatch::finding::Finding;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tracing::{error, warn};

use super::deliveries::Deliveries;
use super::log_limit::LogLimit;
use super::metrics::Metrics;
use super::order::{DetectorStopped, Order, Task};
use super::progress::Progress;
use crate::input::chain;
use crate::plugin::{self, Detector, Plugin};
use crate::state::journal::{Entry, Journal, Mark};
use crate::state::{Position, Saved};
use crate::steps::step;

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
    /// Whether what is examined goes into the journal; not if it comes from a stream.
    pub(super) journaling: bool,
    /// How far that stream has been read.
    pub(super) progress: Arc<Progress>,
    pub(super) deliveries: Arc<Deliveries>,
    pub(super) metrics: Arc<Metrics>,
    /// Notified when the journal has become long.
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
                let journal = self.state.journal.as_mut().filter(|_| self.state.journaling);
                if let Some(journal) = journal {
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
            Order::Reload(settings, packs, reply) => {
                drop(reply.send(self.reload(settings, packs)));
            }
            Order::Counters(reply) => {
                drop(reply.send(self.state.detector.counters().unwrap_or_default()));
            }
        }
        Ok(())
    }

    fn save(&mut self, always: bool) -> Result<Option<(Saved, Option<Mark>)>, plugin::Error> {
        let State { detector, memory, position, journal, deliveries, progress, dirty, .. } =
            &mut self.state;
        let version = deliveries.version();
        let mark = journal.as_ref().map(Journal::mark);
        if !always && !*dirty && version == self.saved_version && !progress.has_moved() {
            return Ok(None);
        }
        if *dirty || memory.is_empty() {
            *memory = detector.save_state()?;
        }
        let used = journal.as_ref().is_some_and(Journal::is_used);
        *position = mark.filter(|_| used).map(|mark| mark.position);
        (*dirty, self.saved_version) = (false, version);
        // Before the list: what is settled after this was found before it.
        let stream = progress.save();
        let undelivered = deliveries.save();
        let saved = Saved { memory: memory.clone(), undelivered, position: *position, stream };
        Ok(Some((saved, mark)))
    }

    fn reload(
        &mut self,
        settings: String,
        packs: Vec<Vec<u8>>,
    ) -> Result<Vec<Finding>, plugin::Error> {
        let state = &mut self.state;
        let plugin = state.plugin.clone().with_packs(packs);
        let mut detector = plugin.open(&settings)?;
        let memory = state.detector.save_state()?;
        let completed = detector.merge_state(&memory)?;
        state.deliveries.take_up_loose(&completed);
        (state.plugin, state.settings) = (plugin, settings);
        (state.detector, state.dirty) = (detector, true);
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
                // The stream is read again from there.
                state.progress.rewind();
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
