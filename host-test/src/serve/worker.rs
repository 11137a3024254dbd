//! The handle on the detector's thread.

use std::thread;

use bytes::Bytes;
use orgwatch::digest::Digest128;
use orgwatch::finding::Finding;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::admission::InFlight;
use super::detector::{State, Thread};
use super::order::{DetectorStopped, Examined, Failure, Order, Task};
use crate::plugin::{self, Counter};
use crate::state::Saved;
use crate::state::journal::Mark;

/// The number of batches that may wait for it; each holds its room in memory.
const QUEUE: usize = 64;

/// A handle on the thread. Cheap to clone; the thread ends with the last.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    batches: mpsc::Sender<Task>,
    /// Goes before batches.
    orders: mpsc::UnboundedSender<Order>,
}

impl Worker {
    /// Starts the thread. The other end of the channel it returns closes when the thread ends.
    pub(super) fn start(state: State) -> std::io::Result<(Worker, oneshot::Receiver<()>)> {
        let (batches, inbox) = mpsc::channel(QUEUE);
        let (orders, first) = mpsc::unbounded_channel();
        let (alive, gone) = oneshot::channel();
        let thread = Thread::new(state, first);
        let runtime = Handle::current();
        thread::Builder::new().name("orgwatch-detector".into()).spawn(move || {
            // Its end is said by the channel; why, by the log.
            let _ = thread.run(&runtime, inbox);
            drop(alive);
        })?;
        Ok((Worker { batches, orders }, gone))
    }

    /// Examines newline-delimited events, and takes up what it finds. If the caller timed out
    /// the reply is dropped; its findings stay undelivered.
    pub(super) async fn examine(
        &self,
        events: Bytes,
        in_flight: InFlight,
    ) -> Result<Result<(Examined, InFlight), Failure>, DetectorStopped> {
        let (reply, answer) = oneshot::channel();
        self.batches.send(Task { events, in_flight, reply }).await.map_err(|_| DetectorStopped)?;
        answer.await.map_err(|_| DetectorStopped)
    }

    /// The memory and what is undelivered of it, and where that is in the journal; `None` if neither
    /// has changed since, unless `always`.
    pub(super) async fn save(
        &self,
        always: bool,
    ) -> Result<Option<(Saved, Option<Mark>)>, DetectorStopped> {
        self.order(|reply| Order::Save { always, reply }).await.map_err(|_| DetectorStopped)
    }

    /// The memory up to this mark is on the disk: the journal drops its entries.
    pub(super) async fn forget(&self, mark: Mark) {
        let _ = self.order(|reply| Order::Forget(mark, reply)).await;
    }

    /// Downstream has acknowledged findings. Done when that is written down.
    pub(super) fn delivered(&self, keys: Vec<Digest128>) -> oneshot::Receiver<()> {
        self.order(|reply| Order::Delivered(keys, reply))
    }

    /// Goes on with other settings and rules and the same memory, and gives the findings that this completes.
    /// If they are refused all stays as it was.
    pub(super) async fn reload(
        &self,
        settings: String,
        packs: Vec<Vec<u8>>,
    ) -> Result<Result<Vec<Finding>, plugin::Error>, DetectorStopped> {
        self.order(|reply| Order::Reload(settings, packs, reply)).await.map_err(|_| DetectorStopped)
    }

    /// The detector's counters: entries in memory, and evicted ones.
    pub(super) async fn counters(&self) -> Result<Vec<Counter>, DetectorStopped> {
        self.order(Order::Counters).await.map_err(|_| DetectorStopped)
    }

    fn order<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> oneshot::Receiver<T> {
        let (reply, answer) = oneshot::channel();
        // If nobody takes it, nobody answers.
        let _ = self.orders.send(order(reply));
        answer
    }
}
