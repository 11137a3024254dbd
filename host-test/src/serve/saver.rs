//! Saving the memory and what is undelivered of it, which empties the journal.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;
use tracing::{debug, error};

use super::batch::Batches;
use crate::input::chain;
use crate::state::StateFile;

/// Saves into a state file.
pub(super) struct Saver {
    state: Arc<StateFile>,
    batches: Arc<Batches>,
    /// Notified when the journal has become long.
    soon: Arc<Notify>,
    /// Whether what was to be saved last could not be.
    again: bool,
}

impl Saver {
    pub(super) fn new(state: StateFile, batches: Arc<Batches>, soon: Arc<Notify>) -> Self {
        Saver { state: Arc::new(state), batches, soon, again: false }
    }

    /// Saves at an interval, and when the journal has become long; and once more when the other end of
    /// the channel is dropped.
    pub(super) async fn run(mut self, interval: Duration, mut stop: oneshot::Receiver<()>) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = &mut stop => break,
                _ = ticks.tick() => {}
                // Not again and again where it fails.
                () = self.soon.notified(), if !self.again => {}
            }
            self.save().await;
        }
        self.save().await;
    }

    /// Saves what has changed, and returns when it is on the disk.
    async fn save(&mut self) {
        let Ok(Some((saved, mark))) = self.batches.worker.save(self.again).await else { return };
        let bytes = saved.memory.len();
        let state = Arc::clone(&self.state);
        let written = spawn_blocking(move || match saved.encode() {
            Ok(encoded) => state.save(&encoded).map_err(|err| chain(&err)),
            Err(err) => Err(chain(&err)),
        });
        let reason = written.await.unwrap_or_else(|err| Err(err.to_string())).err();
        self.again = reason.is_some();
        self.batches.metrics.saved(reason.is_none());
        if let Some(reason) = reason {
            error!(reason, "the memory cannot be saved: the journal keeps what came since");
            return;
        }
        debug!(bytes, "memory saved");
        if let Some(mark) = mark {
            self.batches.worker.forget(mark).await;
        }
    }
}
