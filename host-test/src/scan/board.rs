//! What there is to do, and for whom.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::filter::LeftOut;
use super::jobs::{Job, Jobs};
use super::load::Load;

/// When a batch is to be examined: in the order of jobs, and of batches in a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    job: u64,
    batch: u64,
}

impl Turn {
    /// The first batch of a job.
    pub(super) fn of(job: u64) -> Self {
        Turn { job, batch: 0 }
    }

    /// The one after this, which may be the last of its job.
    pub(super) fn next(self, last: bool) -> Self {
        if last { Turn::of(self.job + 1) } else { Turn { batch: self.batch + 1, ..self } }
    }
}

/// What a thread does next.
pub(super) enum Todo {
    /// Screen what another one has read.
    Screen(Turn, Load),
    /// Read this job, which has this number.
    Read(u64, Job),
}

/// Where threads take what they do from.
///
/// What is read and not yet examined is bounded: whoever would read more waits. Only the job whose
/// turn it is goes on at any rate, since all others wait for it.
pub(super) struct Board {
    state: Mutex<State>,
    changed: Condvar,
    /// The most batches that are read and not examined.
    most: usize,
}

struct State {
    jobs: Jobs,
    /// The number of the next job; none if there are no more.
    next: Option<u64>,
    /// Batches for others to screen, of whom there are enough waiting.
    tasks: VecDeque<(Turn, Load)>,
    waiting: usize,
    reading: usize,
    outstanding: usize,
    /// What is examined next.
    turn: Turn,
    stopped: bool,
    /// Batches to be filled again.
    spare: Vec<Load>,
}

impl Board {
    pub(super) fn new(jobs: Jobs, threads: usize) -> Self {
        let state = State {
            jobs,
            next: Some(0),
            tasks: VecDeque::new(),
            waiting: 0,
            reading: 0,
            outstanding: 0,
            turn: Turn::default(),
            stopped: false,
            spare: Vec::new(),
        };
        Board { state: Mutex::new(state), changed: Condvar::new(), most: 2 * threads + 2 }
    }

    /// A thread that panics while it holds the lock is told of by itself.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// What to do next; waits for it. None if there is nothing left.
    pub(super) fn todo(&self) -> Option<Todo> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some((turn, load)) = state.tasks.pop_front() {
                return Some(Todo::Screen(turn, load));
            }
            if let Some(number) = state.next.filter(|_| state.outstanding < self.most) {
                if let Some(job) = state.jobs.next() {
                    state.next = Some(number + 1);
                    state.reading += 1;
                    return Some(Todo::Read(number, job));
                }
                state.next = None;
                self.changed.notify_all();
            }
            if state.next.is_none() && state.reading == 0 {
                return None;
            }
            state.waiting += 1;
            state = self.wait(state);
            state.waiting -= 1;
        }
    }

    /// Hands a batch on to a thread that has nothing to do, and leaves an empty one in its place.
    /// Whether there is such a thread.
    pub(super) fn hand_on(&self, turn: Turn, load: &mut Load) -> bool {
        let mut state = self.lock();
        let anybody = state.waiting > state.tasks.len();
        if anybody {
            let mut empty = state.spare.pop().unwrap_or_else(Load::roomy);
            empty.account.clone_from(&load.account);
            state.outstanding += 1;
            state.tasks.push_back((turn, mem::replace(load, empty)));
            self.changed.notify_all();
        }
        anybody
    }

    /// The thread that has read a batch screens it, too.
    pub(super) fn keeps(&self) {
        self.lock().outstanding += 1;
    }

    /// Waits until the batch of this turn may be read. Whether to go on at all.
    pub(super) fn room(&self, turn: Turn) -> bool {
        let mut state = self.lock();
        while !state.stopped && state.outstanding >= self.most && state.turn.job != turn.job {
            state = self.wait(state);
        }
        !state.stopped
    }

    /// Everything before this turn has been examined, which is one batch more.
    pub(super) fn examined(&self, turn: Turn) {
        let mut state = self.lock();
        state.outstanding -= 1;
        state.turn = turn;
        self.changed.notify_all();
    }

    /// A job has been read.
    pub(super) fn has_read(&self, load: Load) {
        let mut state = self.lock();
        state.reading -= 1;
        state.spare.push(load);
        self.changed.notify_all();
    }

    /// A batch to fill.
    pub(super) fn spare(&self) -> Load {
        self.lock().spare.pop().unwrap_or_else(Load::roomy)
    }

    pub(super) fn give_back(&self, load: Load) {
        self.lock().spare.push(load);
    }

    /// Nothing more is to be done.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// The files that were left out.
    pub(super) fn left_out(&self) -> LeftOut {
        self.lock().jobs.left_out
    }
}
