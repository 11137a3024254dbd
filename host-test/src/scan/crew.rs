//! Who reads and screens: the calling thread alone, or several beside it.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::board::{Board, Todo, Turn};
use super::examine::Examiner;
use super::filter::LeftOut;
use super::jobs::Jobs;
use super::load::{self, Desk, Load};
use super::screen::{self, Screened};
use super::{Error, Options};
use crate::plugin::{self, Detector};

/// Everything in the calling thread.
pub(super) fn alone(
    mut jobs: Jobs,
    options: &Options,
    examiner: &mut Examiner<'_>,
) -> Result<LeftOut, Error> {
    let mut load = Load::roomy();
    let mut alone = Alone { options, examiner, failed: None };
    for job in &mut jobs {
        load::read(job, &options.limits, &options.meter, &mut load, &mut alone);
        if let Some(err) = alone.failed {
            return Err(err);
        }
    }
    Ok(jobs.left_out)
}

struct Alone<'a, 'b> {
    options: &'a Options,
    examiner: &'a mut Examiner<'b>,
    failed: Option<Error>,
}

impl Desk for Alone<'_, '_> {
    fn reject(&mut self, json: &[u8]) -> Option<u64> {
        screen::reject(json, self.examiner.detector)
    }

    fn take(&mut self, load: &mut Load) -> bool {
        let place = load.name();
        let screened = screen::screen(load, &self.options.filter, self.examiner.detector)
            .map_err(|source| Error::Detector { place, source });
        self.failed = screened.and_then(|screened| self.examiner.examine(screened)).err();
        self.failed.is_none()
    }
}

/// What a thread tells.
enum Told {
    Screened { turn: Turn, last: bool, result: Box<Result<Screened, Error>> },
    Panicked(Box<dyn Any + Send>),
}

/// Reading and screening in threads of their own, the rest in the calling one.
///
/// They are not waited for if the scan is given up: one may be waiting for a pipe.
pub(super) fn together(
    jobs: Jobs,
    options: &Options,
    examiner: &mut Examiner<'_>,
) -> Result<LeftOut, Error> {
    let board = Arc::new(Board::new(jobs, options.threads.get()));
    let _stop = Stop(&board);
    let (tell, told) = channel();
    let opener = examiner.detector.opener();
    for number in 1..=options.threads.get() {
        let (board, tell, opener) = (Arc::clone(&board), tell.clone(), opener.clone());
        let options = options.clone();
        let hand = move || {
            let mut hand = Hand { board, tell, open: &opener, options, detector: None };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| hand.work())) {
                let _ = hand.tell.send(Told::Panicked(panic));
            }
        };
        let named = thread::Builder::new().name(format!("orgwatch-scan-{number}"));
        named.spawn(hand).map_err(Error::Thread)?;
    }
    drop(tell);

    let mut turn = Turn::default();
    let mut early = BTreeMap::new();
    for told in told {
        match told {
            Told::Panicked(panic) => resume_unwind(panic),
            Told::Screened { turn, last, result } => early.insert(turn, (last, result)),
        };
        while let Some((last, result)) = early.remove(&turn) {
            examiner.examine((*result)?)?;
            turn = turn.next(last);
            board.examined(turn);
        }
    }
    Ok(board.left_out())
}

/// Stops the threads, however the scan ends.
struct Stop<'a>(&'a Board);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// One of the threads.
struct Hand<'a, F> {
    board: Arc<Board>,
    tell: Sender<Told>,
    open: &'a F,
    options: Options,
    /// Opened when it is needed: there may be fewer files than threads.
    detector: Option<Detector>,
}

impl<F: Fn() -> Result<Detector, plugin::Error>> Hand<'_, F> {
    fn work(&mut self) {
        while let Some(todo) = self.board.todo() {
            match todo {
                Todo::Screen(turn, mut load) => {
                    self.screen(turn, &mut load);
                    self.board.give_back(load);
                }
                Todo::Read(number, job) => {
                    let mut load = self.board.spare();
                    let Options { limits, meter, .. } = self.options.clone();
                    let mut reading = Reading { hand: self, turn: Turn::of(number) };
                    load::read(job, &limits, &meter, &mut load, &mut reading);
                    self.board.has_read(load);
                }
            }
        }
    }

    fn detector(&mut self) -> Result<&mut Detector, plugin::Error> {
        let detector = match self.detector.take() {
            Some(detector) => detector,
            None => (self.open)()?,
        };
        Ok(self.detector.insert(detector))
    }

    fn screen(&mut self, turn: Turn, load: &mut Load) {
        let (last, place) = (load.last, load.name());
        let filter = self.options.filter.clone();
        let result = self
            .detector()
            .and_then(|detector| screen::screen(load, &filter, detector))
            .map_err(|source| Error::Detector { place, source });
        let result = Box::new(result);
        // Nobody is there to be told if the scan was given up.
        let _ = self.tell.send(Told::Screened { turn, last, result });
    }
}

/// A thread that reads a job.
struct Reading<'a, 'b, F> {
    hand: &'a mut Hand<'b, F>,
    turn: Turn,
}

impl<F: Fn() -> Result<Detector, plugin::Error>> Desk for Reading<'_, '_, F> {
    fn reject(&mut self, json: &[u8]) -> Option<u64> {
        screen::reject(json, self.hand.detector().ok()?)
    }

    fn take(&mut self, load: &mut Load) -> bool {
        let turn = self.turn;
        self.turn = turn.next(load.last);
        let board = &self.hand.board;
        if load.last || !board.hand_on(turn, load) {
            board.keeps();
            self.hand.screen(turn, load);
        }
        self.hand.board.room(self.turn)
    }
}
