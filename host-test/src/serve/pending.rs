//! Findings that no sender brings again: those that loading a memory completed, which no event
//! carries, and those of events that a journal held when the process before this one was killed.

use std::sync::Arc;
use std::time::Duration;

use orgwatch::finding::Finding;
use tokio::time::{sleep, timeout};
use tracing::info;

use super::batch::Batches;
use super::order::Examined;
use crate::plugin::{Located, Place, Span};
use crate::state::Pending;

/// Between one attempt and the next.
const PAUSE: Duration = Duration::from_secs(1);

/// Findings that no event carries.
pub(super) fn loose(found: Vec<Finding>) -> Vec<Pending> {
    let place = Place { line: 1, record: 0 };
    let located = |finding| Located { place, finding };
    found.into_iter().map(|one| Pending { line: Vec::new(), found: vec![located(one)] }).collect()
}

/// Delivers findings, however often it has to be tried. An event is forwarded with its findings where
/// all events are: it may come twice.
pub(super) async fn deliver(batches: Arc<Batches>, pending: Vec<Pending>, patience: Duration) {
    let findings: usize = pending.iter().map(|one| one.found.len()).sum();
    if findings > 0 {
        info!(findings, "delivering what was found and not delivered before this start");
    }
    for one in pending {
        while batches.deliveries.holds_any(&one.found) {
            let examined = Examined {
                found: one.found.clone(),
                spans: vec![Span { line: 1, offset: 0, length: one.line.len() }],
                ..Examined::default()
            };
            let delivered = batches.deliver(one.line.clone().into(), examined);
            if !matches!(timeout(patience, delivered).await, Ok(Ok(()))) {
                sleep(PAUSE).await;
            }
        }
    }
}
