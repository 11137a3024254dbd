//! A detector: a guest, and what it takes to replace it.

use std::time::{Duration, Instant};

use orgwatch::finding::Finding;

use super::guest::{Guest, OpenGuest};
use super::linked::Linked;
#[cfg(feature = "scan")]
use super::linked::Screener;
use super::replay_log::{Kind, ReplayLog};
use super::time_budget::TimeBudget;
use super::{Batch, Counter, Error, Plugin, Rule, Screened, convert};

/// The contract's places are 32 bits, and a batch is in memory twice.
const MAX_BATCH: usize = 1 << 30;

/// So many bytes the guest screens in the time in which a core of our own is opened for that.
const WORTH_A_CORE: usize = 128 << 10;

/// An opened detector. It outlives its guest: one that traps or runs out of time is replaced by a
/// new one with the same memory, and only the event that did it is lost.
///
/// It is `Send` and can move between threads; every call takes `&mut self`, so one thread uses it at
/// a time. Each call blocks its thread and computes: under [`tokio`](https://tokio.rs) it belongs on a
/// thread of its own or in `spawn_blocking`. A call takes no longer than
/// [`Options::call_deadline`](super::Options::call_deadline) for each attempt; after a trap the input
/// is examined again in halves, so that the event at fault is found, for at the most
/// [`Options::recovery_deadline`](super::Options::recovery_deadline).
pub struct Detector {
    pub(super) plugin: Plugin,
    pub(super) settings: String,
    pub(super) guest: OpenGuest,
    pub(super) replay_log: ReplayLog,
    pub(super) budget: TimeBudget,
    /// Screens in its place, once there is enough to screen.
    linked: Option<Linked>,
    /// How many bytes that was so far.
    screened: usize,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector").field("plugin", &self.plugin).finish_non_exhaustive()
    }
}

impl Detector {
    pub(super) fn open(plugin: &Plugin, settings: &str) -> Result<Self, Error> {
        Ok(Detector {
            plugin: plugin.clone(),
            settings: settings.to_owned(),
            guest: Guest::instantiate(plugin)?.open(settings, &plugin.packs)?,
            replay_log: ReplayLog::default(),
            budget: TimeBudget::new(
                plugin.options.call_deadline.saturating_add(plugin.options.recovery_deadline),
            ),
            linked: Linked::new(plugin, settings),
            screened: 0,
        })
    }

    /// The same screening for another thread.
    #[cfg(feature = "scan")]
    pub(crate) fn screener(&self) -> Screener {
        Screener {
            linked: self.linked.clone(),
            plugin: self.plugin.clone(),
            settings: self.settings.clone(),
            detector: None,
        }
    }

    /// Whether [`screen`](Self::screen) is native: the component is compiled from the sources that this
    /// program is linked with. Of the first events the guest is asked at any rate, which is sooner done.
    pub fn screens_natively(&self) -> bool {
        self.linked.is_some()
    }

    /// Examines one event. One that is not CloudTrail, or that no rule wants, gives no finding.
    ///
    /// Fails with [`Error::Refused`] on what cannot be read, and with [`Error::Trapped`] or
    /// [`Error::Deadline`] on what the guest cannot bear; the detector can be used on after each.
    pub fn detect(&mut self, event: &[u8]) -> Result<Vec<Finding>, Error> {
        check_length(event)?;
        let (start, deadline) = (Instant::now(), self.deadline());
        let found = match self.guest.detect(event, deadline) {
            Err(err) if err.needs_new_instance() => {
                let rebuilt = self.rebuild();
                self.budget.pay(start);
                rebuilt?;
                return Err(err);
            }
            found => found?,
        };
        self.remember(Kind::Event, event);
        Ok(convert::findings(found, &self.plugin.digest))
    }

    /// Examines newline-delimited events, in order.
    ///
    /// An event on which the guest traps, runs out of time or memory, or answers with too much, is counted as
    /// [`trapped`](super::Counts::trapped) and reported as unreadable; all others are examined. A guest that
    /// fails again and again takes no longer than [`Options::recovery_deadline`](super::Options::recovery_deadline):
    /// what is not examined then is counted and reported likewise, and the next batch is tried again.
    pub fn detect_batch(&mut self, events: &[u8]) -> Result<Batch, Error> {
        check_length(events)?;
        let (start, deadline) = (Instant::now(), self.deadline());
        match self.guest.detect_batch(events, deadline) {
            Ok(batch) => {
                let batch = convert::batch(batch, events.len(), &self.plugin.digest);
                // Only an event that was evaluated can have changed the memory.
                if batch.counts.evaluated > 0 {
                    self.remember(Kind::Batch, events);
                }
                Ok(batch)
            }
            Err(err) if err.needs_new_instance() => {
                self.budget.pay(start);
                self.recover(events, err)
            }
            Err(err) => Err(err),
        }
    }

    /// The lines that any rule could match. Neither reads nor writes the detector's memory.
    ///
    /// Where the guest traps or runs out of time, or native code panics, every line is a possible match:
    /// what is in it will be found out by [`detect_batch`](Self::detect_batch).
    pub fn screen(&mut self, events: &[u8]) -> Result<Screened, Error> {
        check_length(events)?;
        self.screened = self.screened.saturating_add(events.len());
        if self.screened > WORTH_A_CORE
            && let Some(screened) = self.linked.as_ref().and_then(|linked| linked.screen(events))
        {
            return screened;
        }
        let (start, deadline) = (Instant::now(), self.deadline());
        match self.guest.screen(events, deadline) {
            Ok(screened) => Ok(convert::screened(screened, events.len())),
            Err(err) if err.needs_new_instance() => {
                // A guest that cannot be rebuilt is lost again on the lines, which are named then.
                let _ = self.rebuild();
                self.budget.pay(start);
                Ok(super::recovery::every_line(events))
            }
            Err(err) => Err(err),
        }
    }

    fn deadline(&mut self) -> Duration {
        self.budget.deadline(self.plugin.options.call_deadline)
    }

    /// The detector's memory.
    pub fn save_state(&mut self) -> Result<Vec<u8>, Error> {
        match self.guest.save_state() {
            Err(err) if err.needs_new_instance() => {
                self.rebuild()?;
                self.guest.save_state()
            }
            saved => saved,
        }
    }

    /// Adds another detector's memory to this one, and gives the findings that this completes.
    ///
    /// Fails with [`Error::Refused`] on a state that is damaged, foreign or newer, and adds nothing
    /// of it then.
    pub fn merge_state(&mut self, state: &[u8]) -> Result<Vec<Finding>, Error> {
        check_length(state)?;
        // No input replays a merge: it counts once it is saved.
        let merged = self.guest.merge_state(state).and_then(|found| {
            let saved = self.guest.save_state()?;
            Ok((found, saved))
        });
        match merged {
            Ok((found, saved)) => {
                self.replay_log.saved(saved);
                Ok(convert::findings(found, &self.plugin.digest))
            }
            Err(err) => {
                if err.needs_new_instance() {
                    self.rebuild()?;
                }
                Err(err)
            }
        }
    }

    /// The rules that run: those of the component and of the packs that it was opened with.
    pub fn rules(&mut self) -> Result<Vec<Rule>, Error> {
        Ok(self.guest.rules()?.into_iter().map(convert::rule).collect())
    }

    /// Counters: entries in memory, and evicted ones.
    pub fn counters(&mut self) -> Result<Vec<Counter>, Error> {
        Ok(self.guest.counters()?.into_iter().map(convert::counter).collect())
    }
}

pub(super) fn check_length(bytes: &[u8]) -> Result<(), Error> {
    if bytes.len() > MAX_BATCH { Err(Error::BatchTooLong(bytes.len())) } else { Ok(()) }
}
