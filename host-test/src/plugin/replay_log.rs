//! The log from which a guest's memory is rebuilt.

use std::time::Duration;

use super::Error;
use super::guest::OpenGuest;

/// The state saved last, and what came since.
///
/// Saving costs as much as the memory is large, so it is done when many times as much input has
/// come since. What comes in between is kept: that is bounded, and makes a rebuilt guest remember
/// exactly what the lost one did.
#[derive(Default)]
pub(super) struct ReplayLog {
    saved: Vec<u8>,
    since: Vec<(Kind, Vec<u8>)>,
    bytes: usize,
}

/// How input was given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Event,
    Batch,
}

const INPUT_PER_SAVED_BYTE: usize = 32;
const MIN_KEPT: usize = 1 << 20;
const MAX_KEPT: usize = 8 << 20;

/// An event costs more than its bytes, if only for the call that replays it.
const CALL: usize = 64;

impl ReplayLog {
    /// This was examined.
    pub(super) fn push(&mut self, kind: Kind, input: &[u8]) {
        self.bytes += input.len() + CALL;
        self.since.push((kind, input.to_owned()));
    }

    /// Whether `more` bytes of input make a save due.
    pub(super) fn save_due(&self, more: usize) -> bool {
        let most = (self.saved.len() * INPUT_PER_SAVED_BYTE).clamp(MIN_KEPT, MAX_KEPT);
        self.bytes + more >= most
    }

    /// The memory was saved.
    pub(super) fn saved(&mut self, state: Vec<u8>) {
        *self = ReplayLog { saved: state, ..ReplayLog::default() };
    }

    /// Makes a new guest remember. What it finds was delivered when it was first found.
    pub(super) fn replay(&self, guest: &mut OpenGuest, deadline: Duration) -> Result<(), Error> {
        if !self.saved.is_empty() {
            guest.merge_state(&self.saved)?;
        }
        for (kind, input) in &self.since {
            match kind {
                Kind::Event => drop(guest.detect(input, deadline)?),
                Kind::Batch => drop(guest.detect_batch(input, deadline)?),
            }
        }
        Ok(())
    }
}
