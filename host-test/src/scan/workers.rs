//! The workers that read and screen: the calling thread alone, or several threads beside it.
//!
//! With several, each job has a channel of its batches, and each batch one of its outcome. The
//! calling thread takes the jobs, the batches of a job and the outcomes in the order of the input,
//! whichever thread was first. A [`Budget`] bounds what is read and not examined yet.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded, never, select};

use super::budget::{Budget, Pending};
use super::detect::Detection;
use super::filter::FilteredOut;
use super::jobs::{Job, Jobs};
use super::read::{self, BatchSink, ReadBatch, SplitFile};
use super::screen;
use super::screened::Screened;
use super::{Error, Options};
use crate::input::BATCH;
use crate::plugin::Screener;

/// Everything in the calling thread.
pub(super) fn single_threaded(
    mut jobs: Jobs,
    options: &Options,
    detection: &mut Detection<'_>,
) -> Result<FilteredOut, Error> {
    let mut read_batch = ReadBatch::with_capacity();
    let mut alone = Alone { options, detection, failed: None };
    for job in &mut jobs {
        read::read_job(job, &options.limits, &options.progress, &mut read_batch, &mut alone);
        if let Some(err) = alone.failed {
            return Err(err);
        }
    }
    Ok(jobs.filtered_out)
}

struct Alone<'a, 'b> {
    options: &'a Options,
    detection: &'a mut Detection<'b>,
    failed: Option<Error>,
}

impl Alone<'_, '_> {
    /// Reads in order what is left of a file that was read in pieces. Whether to go on.
    fn read_on(&mut self, read_batch: &mut ReadBatch) -> bool {
        let split = self.detection.split.take();
        split.is_none_or(|split| split.read_on(read_batch, self))
    }
}

impl BatchSink for Alone<'_, '_> {
    fn reject(&mut self, json: &[u8]) -> Option<u64> {
        screen::reject(json, self.detection.detector)
    }

    fn split(&mut self, split: SplitFile, read_batch: &mut ReadBatch) -> bool {
        self.detection.split = Some(split.clone());
        split.hand_on(read_batch, self) && self.read_on(read_batch)
    }

    fn take(&mut self, read_batch: &mut ReadBatch) -> bool {
        self.failed = self.detection.read_batch(read_batch, &self.options.filter).err();
        self.failed.is_none()
    }
}

/// A batch for the calling thread, or the panic of the one that had it.
type Outcome = thread::Result<Result<Ready, Error>>;

enum Ready {
    Screened(Screened),
    /// One with a long event, which the one detector screens as well.
    Long(ReadBatch),
    /// A file whose pieces follow.
    Split(SplitFile),
    /// A piece that cannot be read by itself.
    Unread,
}

/// A batch of more bytes has an event that is several times as long as any of CloudTrail.
///
/// There is only one of them of each job at a time, and only the detector's guest is given it: a guest
/// keeps the memory that it once needed.
const LONG: usize = 2 << 20;

/// A job for a thread to read.
struct Reading {
    job: Job,
    /// Takes the outcomes of its batches, in order.
    batches: Sender<Receiver<Outcome>>,
    /// Leads to a thread that has nothing to do. Closed once nothing is read any more.
    idle: Sender<Screening>,
}

/// A batch for another thread than its reader's to screen.
struct Screening {
    read_batch: ReadBatch,
    outcome: Sender<Outcome>,
}

/// Reading and screening in threads of their own, the rest in the calling one.
///
/// They are not waited for if the scan is given up: one may be waiting for a pipe. They end when
/// nobody takes their outcomes.
pub(super) fn parallel(
    jobs: Jobs,
    options: &Options,
    detection: &mut Detection<'_>,
) -> Result<FilteredOut, Error> {
    let threads = options.threads.get();
    let (in_order, ordered) = bounded(2 * threads);
    let (to_read, readings) = bounded(0);
    // Without room: only a thread that is waiting takes something.
    let (idle, screenings) = bounded(0);
    let spare = bounded(threads);
    let budget = Budget::new((threads + 2) * BATCH);
    for number in 1..=threads {
        let mut worker = Worker {
            screener: detection.detector.screener(),
            options: options.clone(),
            budget: Arc::clone(&budget),
            spare: spare.clone(),
        };
        let (readings, screenings) = (readings.clone(), screenings.clone());
        spawn(format!("orgwatch-scan-{number}"), move || worker.work(readings, &screenings))?;
    }
    drop((readings, screenings));
    let lister = spawn("orgwatch-list".into(), move || list(jobs, &in_order, &to_read, &idle))?;

    for batches in ordered {
        for outcome in batches {
            match outcome.recv() {
                Ok(Ok(ready)) => match ready? {
                    Ready::Screened(screened) => detection.examine(screened)?,
                    Ready::Long(mut long) => detection.read_batch(&mut long, &options.filter)?,
                    Ready::Split(split) => detection.split = Some(split),
                    Ready::Unread => detection.leave_pieces(),
                },
                Ok(Err(panic)) => resume_unwind(panic),
                Err(gone) => resume_unwind(Box::new(gone)),
            }
        }
        if detection.split.is_some() {
            let mut alone = Alone { options, detection, failed: None };
            alone.read_on(&mut ReadBatch::default());
            alone.failed.map_or(Ok(()), Err)?;
        }
    }
    Ok(lister.join().unwrap_or_else(|panic| resume_unwind(panic)))
}

fn spawn<T: Send + 'static>(
    name: String,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    thread::Builder::new().name(name).spawn(work).map_err(Error::Thread)
}

/// Walks folders and deals out what is there, so that no other thread waits for the disk.
fn list(
    mut jobs: Jobs,
    in_order: &Sender<Receiver<Receiver<Outcome>>>,
    to_read: &Sender<Reading>,
    idle: &Sender<Screening>,
) -> FilteredOut {
    for job in &mut jobs {
        let (batches, of_job) = bounded(in_order.capacity().unwrap_or(1));
        let reading = Reading { job, batches, idle: idle.clone() };
        if in_order.send(of_job).is_err() || to_read.send(reading).is_err() {
            break;
        }
    }
    jobs.filtered_out
}

/// One of the threads.
struct Worker {
    screener: Screener,
    options: Options,
    budget: Arc<Budget>,
    /// Loads to be filled again.
    spare: (Sender<ReadBatch>, Receiver<ReadBatch>),
}

/// A guest keeps the memory that it once needed, so one that screened more at once is replaced.
const HEAVY: usize = 4 << 20;

impl Worker {
    fn work(&mut self, mut readings: Receiver<Reading>, screenings: &Receiver<Screening>) {
        loop {
            select! {
                recv(readings) -> reading => match reading {
                    Ok(reading) => self.read(reading),
                    // Others may still be reading.
                    Err(_) => readings = never(),
                },
                recv(screenings) -> screening => match screening {
                    Ok(Screening { mut read_batch, outcome }) => {
                        let screen = AssertUnwindSafe(|| self.screen(&mut read_batch));
                        // Nobody is there to be told if the scan was given up.
                        let _ = outcome.send(catch_unwind(screen));
                        self.recycle(read_batch);
                    }
                    Err(_) => return,
                },
            }
        }
    }

    fn read(&mut self, Reading { job, batches, idle }: Reading) {
        let mut read_batch = self.empty();
        let Options { limits, progress, .. } = self.options.clone();
        let read = AssertUnwindSafe(|| {
            let pending = Pending::default();
            let mut reader = Reader { worker: self, batches: &batches, idle, pending };
            read::read_job(job, &limits, &progress, &mut read_batch, &mut reader);
        });
        match catch_unwind(read) {
            Ok(()) => self.recycle(read_batch),
            Err(panic) => {
                let (tell, outcome) = bounded(1);
                let _ = tell.send(Err(panic));
                let _ = batches.send(outcome);
            }
        }
    }

    fn empty(&self) -> ReadBatch {
        self.spare.1.try_recv().unwrap_or_else(|_| ReadBatch::with_capacity())
    }

    fn recycle(&self, read_batch: ReadBatch) {
        let _ = self.spare.0.try_send(read_batch);
    }

    fn screen(&mut self, read_batch: &mut ReadBatch) -> Result<Ready, Error> {
        let place = read_batch.name();
        let at = |source| Error::Detector { place, source };
        match read_batch.read_piece(&mut self.screener) {
            Ok(true) => {
                let screened = screen::screen(read_batch, &self.options.filter, &mut self.screener);
                screened.map(Ready::Screened).map_err(at)
            }
            Ok(false) => {
                read_batch.clear();
                Ok(Ready::Unread)
            }
            Err(source) => Err(at(source)),
        }
    }
}

/// A thread that reads a job.
struct Reader<'a> {
    worker: &'a mut Worker,
    batches: &'a Sender<Receiver<Outcome>>,
    idle: Sender<Screening>,
    pending: Pending,
}

impl BatchSink for Reader<'_> {
    fn reject(&mut self, json: &[u8]) -> Option<u64> {
        let rejected = screen::reject(json, &mut self.worker.screener);
        if json.len() > HEAVY {
            self.worker.screener.renew();
        }
        rejected
    }

    fn split(&mut self, split: SplitFile, read_batch: &mut ReadBatch) -> bool {
        let (tell, outcome) = bounded(1);
        let _ = tell.send(Ok(Ok(Ready::Split(split.clone()))));
        self.batches.send(outcome).is_ok() && split.hand_on(read_batch, self)
    }

    fn take(&mut self, read_batch: &mut ReadBatch) -> bool {
        let permit = self.worker.budget.take(read_batch.weight(), &self.pending);
        read_batch.permit = Some(permit);
        let (tell, outcome) = bounded(1);
        if read_batch.batch.bytes().len() > LONG {
            let account = read_batch.account.clone();
            let long = mem::replace(read_batch, ReadBatch { account, ..ReadBatch::default() });
            let _ = tell.send(Ok(Ok(Ready::Long(long))));
            let go_on = self.batches.send(outcome).is_ok();
            // The next event may be as long.
            self.worker.budget.wait_for(&self.pending);
            return go_on;
        }
        let full = Screening { read_batch: mem::take(read_batch), outcome: tell };
        // The last one is left to this thread, which has nothing else to do then.
        let handed_on = match full.read_batch.last {
            true => Err(full),
            false => {
                let account = full.read_batch.account.clone();
                self.idle.try_send(full).map_err(|busy| busy.into_inner()).map(|()| account)
            }
        };
        match handed_on {
            Ok(account) => *read_batch = ReadBatch { account, ..self.worker.empty() },
            Err(full) => {
                *read_batch = full.read_batch;
                let screened = self.worker.screen(read_batch);
                let _ = full.outcome.send(Ok(screened));
            }
        }
        self.batches.send(outcome).is_ok()
    }
}
