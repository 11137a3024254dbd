//! Orders to the detector's thread, and its answers.

use std::collections::HashSet;

use bytes::Bytes;
use orgwatch::digest::Digest128;
use orgwatch::finding::Finding;
use tokio::sync::oneshot;

use super::admission::InFlight;
use crate::plugin::{self, Counter, Counts, Located, Span, Unreadable};
use crate::state::Saved;
use crate::state::journal::Mark;

/// A batch to examine.
pub(super) struct Task {
    pub(super) events: Bytes,
    pub(super) in_flight: InFlight,
    pub(super) reply: oneshot::Sender<Result<(Examined, InFlight), Failure>>,
}

/// Orders that go before batches.
pub(super) enum Order {
    Save { always: bool, reply: oneshot::Sender<Option<(Saved, Option<Mark>)>> },
    Forget(Mark, oneshot::Sender<()>),
    Delivered(Vec<Digest128>, oneshot::Sender<()>),
    Reload(String, Vec<Vec<u8>>, oneshot::Sender<Result<Vec<Finding>, plugin::Error>>),
    Counters(oneshot::Sender<Vec<Counter>>),
}

/// The result of a batch.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// Findings to deliver, in the order of the lines.
    pub(super) found: Vec<Located>,
    /// Duplicates of findings delivered before.
    pub(super) repeats: u64,
    /// The lines that may hold findings, in order.
    pub(super) spans: Vec<Span>,
    pub(super) counts: Counts,
    /// The first that could not be read.
    pub(super) unreadable: Vec<Unreadable>,
    /// Keys of `found`: an event may be in a batch twice.
    pub(super) seen: HashSet<Digest128>,
}

/// Why a batch was not examined, or not to its end: it is to be sent again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It failed on the batch as a whole.
    #[error("the detector had to be replaced")]
    Replaced,
    /// A crash would forget the batch.
    #[error("the journal cannot be written")]
    Journal,
}

/// The thread is gone: no working detector could be made any more.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the detector is gone")]
pub(super) struct DetectorStopped;
