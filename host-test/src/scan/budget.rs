//! How many bytes may be read and not examined yet.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The bytes that are read and not examined yet, of all threads together.
///
/// A thread that would go beyond it waits. The first pending batch of a job is let through at any
/// rate: the batches of other jobs may be pending until this one is examined.
#[derive(Debug)]
pub(super) struct Budget {
    most: usize,
    used: Mutex<usize>,
    freed: Condvar,
}

/// A part of a budget, which is free again once this is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    budget: Arc<Budget>,
    bytes: usize,
    job: Pending,
}

/// How many batches of a job are pending.
pub(super) type Pending = Arc<AtomicUsize>;

impl Budget {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Budget { most, used: Mutex::new(0), freed: Condvar::new() })
    }

    /// A panic elsewhere leaves the number as it is.
    fn used(&self) -> MutexGuard<'_, usize> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes so many bytes. Waits until they are free, or until no batch of this job is pending.
    pub(super) fn take(self: &Arc<Self>, bytes: usize, job: &Pending) -> Permit {
        let mut used = self.used();
        while used.saturating_add(bytes) > self.most && job.load(Relaxed) > 0 {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += bytes;
        job.fetch_add(1, Relaxed);
        Permit { budget: Arc::clone(self), bytes, job: Arc::clone(job) }
    }

    /// Waits until no batch of this job is pending.
    pub(super) fn wait_for(&self, job: &Pending) {
        let mut used = self.used();
        while job.load(Relaxed) > 0 {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut used = self.budget.used();
        *used -= self.bytes;
        self.job.fetch_sub(1, Relaxed);
        drop(used);
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn bytes_are_counted_until_they_are_examined() {
        let budget = Budget::new(100);
        let (job, later) = (Pending::default(), Pending::default());
        let (one, other) = (budget.take(60, &job), budget.take(40, &job));
        assert_eq!(*budget.used(), 100);
        // The first of a job never waits: what is pending may wait for it.
        drop(budget.take(1000, &later));
        let taken = Arc::new(AtomicBool::new(false));
        let waiter = {
            let (budget, taken, job) = (Arc::clone(&budget), Arc::clone(&taken), Arc::clone(&job));
            thread::spawn(move || {
                let permit = budget.take(50, &job);
                taken.store(true, SeqCst);
                permit
            })
        };
        drop(other);
        thread::sleep(Duration::from_millis(20));
        assert!(!taken.load(SeqCst), "60 and 50 are more than 100");
        drop(one);
        drop(waiter.join().unwrap());
        assert_eq!((*budget.used(), job.load(SeqCst)), (0, 0));
    }
}
