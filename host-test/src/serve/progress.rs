//! How far a stream of candidates has been read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::state::StreamPosition;

/// The position up to which everything that was read is examined and delivered.
///
/// The detector's memory is never behind it. So whatever moment a save takes, the memory and this position
/// fit: the messages from here on are examined again, and give what they gave.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Positions>);

#[derive(Debug, Default)]
struct Positions {
    now: Option<StreamPosition>,
    saved: Option<StreamPosition>,
}

impl Progress {
    /// Goes on from a state.
    pub(super) fn new(position: Option<StreamPosition>) -> Self {
        Progress(Mutex::new(Positions { now: position, saved: position }))
    }

    fn positions(&self) -> MutexGuard<'_, Positions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The position now.
    #[cfg(feature = "nats")]
    pub(super) fn now(&self) -> Option<StreamPosition> {
        self.positions().now
    }

    /// Everything before this position is examined and delivered.
    #[cfg(feature = "nats")]
    pub(super) fn advance(&self, position: StreamPosition) {
        self.positions().now = Some(position);
    }

    /// Whether it has moved since it was saved.
    pub(super) fn has_moved(&self) -> bool {
        let positions = self.positions();
        positions.now != positions.saved
    }

    /// The position that goes into a state with the memory of this moment.
    pub(super) fn save(&self) -> Option<StreamPosition> {
        let mut positions = self.positions();
        positions.saved = positions.now;
        positions.saved
    }

    /// Goes back to where the memory was saved last: the detector has no more than that.
    pub(super) fn rewind(&self) {
        let mut positions = self.positions();
        positions.now = positions.saved;
    }
}
