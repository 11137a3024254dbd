//! Saving the memory, and what is owed of it.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use tracing::{debug, error};

use super::batch::Batches;
use super::detector::chain;
use crate::state::StateFile;

/// Saves into a state file, if there is one.
pub(super) struct Saver {
    state: Option<Arc<StateFile>>,
    batches: Arc<Batches>,
    /// Whether what was to be saved last could not be.
    again: bool,
}

impl Saver {
    pub(super) fn new(state: Option<StateFile>, batches: Arc<Batches>) -> Self {
        Saver { state: state.map(Arc::new), batches, again: false }
    }

    /// Saves what has changed, and returns when it is on the disk.
    pub(super) async fn save(&mut self) {
        let Some(state) = self.state.clone() else { return };
        let Ok(Some(saved)) = self.batches.worker.save(self.again).await else { return };
        let bytes = saved.memory.len();
        let written = spawn_blocking(move || state.save(&saved.encode())).await;
        let reason = match written {
            Ok(Ok(())) => None,
            Ok(Err(err)) => Some(chain(&err)),
            Err(err) => Some(err.to_string()),
        };
        self.again = reason.is_some();
        self.batches.metrics.saved(reason.is_none());
        match reason {
            None => debug!(bytes, "memory saved"),
            Some(reason) => {
                error!(reason, "the memory cannot be saved: a crash would lose what came since");
            }
        }
    }
}
