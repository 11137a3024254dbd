//! Undelivered findings, and those of them that are being delivered.
//!
//! The list of undelivered findings is saved with the detector's memory, always both at one moment, so that it
//! holds across restarts too.
//!
//! While one batch with a finding is on its way, another that has the same one waits for how that
//! ends: it takes the finding over if the first failed, and leaves it out if it arrived.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orgwatch::digest::Digest128;
use orgwatch::finding::Finding;
use tokio::sync::Notify;

use crate::plugin::Located;
use crate::state::Undelivered;
use crate::state::undelivered::FindingKey;

/// Undelivered findings, and those of them that are being delivered.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    inner: Mutex<Inner>,
    /// Notified when something is no longer on its way.
    released: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    undelivered: Undelivered,
    in_delivery: HashSet<Digest128>,
}

impl Deliveries {
    /// One that goes on from what was undelivered.
    pub(super) fn new(undelivered: Undelivered) -> Self {
        let inner = Inner { undelivered, in_delivery: HashSet::new() };
        Deliveries { inner: Mutex::new(inner), released: Notify::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Every change is whole before anything can panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up what was just found, and gives it back without what was delivered before and without
    /// what was seen. To be called where the detector is, so that nothing is saved in between.
    pub(super) fn take_up(
        &self,
        mut found: Vec<Located>,
        seen: &mut HashSet<Digest128>,
    ) -> Vec<Located> {
        let mut inner = self.inner();
        found.retain(|one| {
            inner.undelivered.take_up(&one.finding) && seen.insert(FindingKey::of(&one.finding).id)
        });
        found
    }

    /// Takes up findings that no event carries.
    pub(super) fn take_up_loose(&self, found: &[Finding]) {
        let mut inner = self.inner();
        for finding in found {
            inner.undelivered.take_up_loose(finding.clone());
        }
    }

    /// Findings that no event carries.
    pub(super) fn loose(&self) -> Vec<Finding> {
        self.inner().undelivered.loose()
    }

    /// Whether any of these is undelivered.
    pub(super) fn holds_any(&self, found: &[Located]) -> bool {
        let inner = self.inner();
        found.iter().any(|one| inner.undelivered.holds(&FindingKey::of(&one.finding)))
    }

    /// The undelivered findings.
    pub(super) fn save(&self) -> Undelivered {
        self.inner().undelivered.clone()
    }

    /// Changes whenever something is undelivered or no longer.
    pub(super) fn version(&self) -> u64 {
        self.inner().undelivered.version()
    }

    /// The number of undelivered findings, and of forgotten ones.
    pub(super) fn sizes(&self) -> (u64, u64) {
        self.inner().undelivered.sizes()
    }

    /// Takes what is still undelivered of some findings on its way, and waits while any of it is on
    /// its way elsewhere. All or nothing: who waits holds up nobody.
    pub(super) async fn take(self: &Arc<Self>, found: Vec<Located>) -> Delivery {
        let keys: Vec<FindingKey> = found.iter().map(|one| FindingKey::of(&one.finding)).collect();
        loop {
            let released = self.released.notified();
            let mut released = std::pin::pin!(released);
            released.as_mut().enable();
            {
                let mut inner = self.inner();
                let held: Vec<bool> = keys.iter().map(|one| inner.undelivered.holds(one)).collect();
                let mut wanted = keys.iter().zip(&held).filter(|(_, held)| **held);
                if !wanted.any(|(key, _)| inner.in_delivery.contains(&key.id)) {
                    let mut held = held.into_iter();
                    let mut found = found;
                    found.retain(|_| held.next().unwrap_or(true));
                    let keys: Vec<_> =
                        found.iter().map(|one| FindingKey::of(&one.finding).id).collect();
                    inner.in_delivery.extend(&keys);
                    return Delivery { deliveries: Arc::clone(self), keys, found };
                }
            }
            released.await;
        }
    }
}

/// Findings being delivered. Unless they are [acknowledged](Delivery::acknowledged) they stay undelivered.
#[derive(Debug)]
pub(super) struct Delivery {
    deliveries: Arc<Deliveries>,
    keys: Vec<Digest128>,
    /// In the order of their places.
    pub(super) found: Vec<Located>,
}

impl Delivery {
    /// Downstream has them: their keys.
    pub(super) fn acknowledged(self) -> Vec<Digest128> {
        let mut inner = self.deliveries.inner();
        for key in &self.keys {
            inner.undelivered.settle(key);
        }
        drop(inner);
        self.keys.clone()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let mut inner = self.deliveries.inner();
        for key in &self.keys {
            inner.in_delivery.remove(key);
        }
        drop(inner);
        self.deliveries.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Place;
    use crate::state::undelivered::tests::found as finding;

    fn found(time: i64, repeat: bool) -> Located {
        Located { place: Place { line: 1, record: 0 }, finding: finding(time, repeat) }
    }

    fn deliveries() -> Arc<Deliveries> {
        Arc::new(Deliveries::new(Undelivered::default()))
    }

    fn take_up(deliveries: &Deliveries, found: Vec<Located>) -> Vec<Located> {
        deliveries.take_up(found, &mut HashSet::new())
    }

    #[tokio::test]
    async fn a_repeat_is_given_as_long_as_it_is_undelivered() {
        let deliveries = deliveries();
        assert_eq!(take_up(&deliveries, vec![found(1, false), found(1, true)]).len(), 1);
        // Failed: the delivery is dropped.
        assert_eq!(deliveries.take(vec![found(1, false)]).await.found.len(), 1);
        let again = take_up(&deliveries, vec![found(1, true), found(2, true)]);
        assert_eq!(again.len(), 1);
        deliveries.take(again).await.acknowledged();
        assert!(take_up(&deliveries, vec![found(1, true)]).is_empty());
        assert_eq!(deliveries.sizes(), (0, 0));
    }

    #[tokio::test]
    async fn who_waits_takes_over_what_failed_and_leaves_what_arrived() {
        for arrives in [false, true] {
            let deliveries = deliveries();
            let both = take_up(&deliveries, vec![found(1, false), found(2, false)]);
            let first = deliveries.take(vec![both[0].clone()]).await;
            let waiting = tokio::spawn({
                let deliveries = Arc::clone(&deliveries);
                async move { deliveries.take(both).await.found.len() }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            if arrives {
                first.acknowledged();
            } else {
                drop(first);
            }
            assert_eq!(waiting.await.unwrap(), if arrives { 1 } else { 2 });
        }
    }
}
