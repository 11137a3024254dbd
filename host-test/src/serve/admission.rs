//! Limits of the memory for bodies, and of the batches that are worked on at once.
//!
//! A body takes room as it comes, so that one that is announced and not sent takes none. A batch is
//! worked on from the time its body is whole: a slow sender keeps nobody waiting. The room of a
//! batch goes with it to the detector, so that one that was given up counts until it is dropped there.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// Bounds of all requests together.
#[derive(Debug)]
pub(super) struct Admission {
    /// Memory for bodies, in KiB.
    bytes: Arc<Semaphore>,
    /// Whose body may become whole though there is no room left: one at a time, since bodies that
    /// wait for each other's room would wait for ever.
    last: Arc<Mutex<()>>,
    batches: Arc<Semaphore>,
    max_in_flight: u32,
    in_flight: Gauge,
}

/// The memory of one body.
#[derive(Debug)]
pub(super) struct Room {
    admission: Arc<Admission>,
    bytes: Option<OwnedSemaphorePermit>,
    last: Option<OwnedMutexGuard<()>>,
}

/// A batch that is worked on, for as long as this is held.
#[derive(Debug)]
pub(super) struct InFlight {
    _room: Room,
    _batch: OwnedSemaphorePermit,
    in_flight: Gauge,
}

impl Admission {
    /// Room for so many bodies of this length; and so many batches are worked on at once.
    pub(super) fn new(max_in_flight: u32, max_body: usize, in_flight: Gauge) -> Arc<Self> {
        let all = (max_in_flight as usize).saturating_mul(max_body >> 10);
        Arc::new(Admission {
            bytes: Arc::new(Semaphore::new(all.min(u32::MAX as usize))),
            last: Arc::default(),
            batches: Arc::new(Semaphore::new(max_in_flight as usize)),
            max_in_flight,
            in_flight,
        })
    }

    /// None yet.
    pub(super) fn room(self: &Arc<Self>) -> Room {
        Room { admission: Arc::clone(self), bytes: None, last: None }
    }

    /// Waits until no batch is worked on.
    pub(super) async fn drained(&self) {
        drop(self.batches.acquire_many(self.max_in_flight).await);
    }
}

impl Room {
    /// Waits until there is room for so many bytes.
    pub(super) async fn grow(&mut self, length: usize) {
        let held = self.bytes.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = length.div_ceil(1 << 10).saturating_sub(held);
        if more == 0 || self.last.is_some() {
            return;
        }
        // Bounded by the longest body, which is far below.
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let Admission { bytes, last, .. } = &*self.admission;
        tokio::select! {
            biased;
            more = Arc::clone(bytes).acquire_many_owned(more) => match (&mut self.bytes, more) {
                (Some(bytes), Ok(more)) => bytes.merge(more),
                (bytes, more) => *bytes = more.ok(),
            },
            last = Arc::clone(last).lock_owned() => self.last = Some(last),
        }
    }

    /// Waits until the batch may be worked on.
    pub(super) async fn start(self) -> Option<InFlight> {
        let batch = Arc::clone(&self.admission.batches).acquire_owned().await.ok()?;
        let in_flight = self.admission.in_flight.clone();
        in_flight.inc();
        Some(InFlight { _room: self, _batch: batch, in_flight })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.in_flight.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    /// Two bodies of a sender each fill all room between them, half of each: one becomes whole, and
    /// after it the other.
    #[tokio::test]
    async fn bodies_that_wait_for_each_other_become_whole_one_after_the_other() {
        let admission = Admission::new(1, 100 << 10, Gauge::default());
        let mut rooms = [admission.room(), admission.room()];
        for room in &mut rooms {
            timeout(SOON, room.grow(50 << 10)).await.unwrap();
        }
        let [mut first, mut second] = rooms;
        timeout(SOON, first.grow(90 << 10)).await.unwrap();
        timeout(SOON, first.grow(100 << 10)).await.unwrap();
        assert!(timeout(SOON, second.grow(90 << 10)).await.is_err());
        drop(first);
        timeout(SOON, second.grow(100 << 10)).await.unwrap();
        drop(second);
        timeout(SOON, admission.room().grow(100 << 10)).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_announced_takes_no_room_and_no_place() {
        let admission = Admission::new(1, 100 << 10, Gauge::default());
        let slow: Vec<_> = (0..100).map(|_| admission.room()).collect();
        let mut good = admission.room();
        timeout(SOON, good.grow(100 << 10)).await.unwrap();
        let working = timeout(SOON, good.start()).await.unwrap();
        assert_eq!(admission.in_flight.get(), 1);
        assert!(timeout(SOON, admission.drained()).await.is_err());
        drop((working, slow));
        timeout(SOON, admission.drained()).await.unwrap();
        assert_eq!(admission.in_flight.get(), 0);
    }
}
