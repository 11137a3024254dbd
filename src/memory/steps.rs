//! The steps of chains: findings that, with others, may say more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::EventKey;

/// The most places of one step. Of the chains that there are an event for 50 accounts stands in one, an
/// exit of one account in five.
pub const MAX_PLACES: usize = 50;

/// What a rule's steps may take, whatever the settings say, in units of about 340 bytes: a place is one and
/// the rest of a step four. So 5,000 exits fit, or twice as many steps of one chain. The steps of all rules
/// can be saved, loaded and merged within a gigabyte.
const ROOM: usize = 45_000;
const STEP: usize = 4;

/// A step: a rule's finding of an event. Ordered by event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepKey {
    /// Event time in seconds.
    pub time: i64,
    /// The event.
    pub event: EventKey,
    /// The rule.
    pub rule: EventKey,
    /// Whether the call was refused, so that it changed nothing.
    pub refused: bool,
}

impl StepKey {
    /// Before every step of this time.
    pub fn first_at(time: i64) -> StepKey {
        StepKey::first_of(time, LEAST)
    }

    /// After every step of this time.
    pub fn last_at(time: i64) -> StepKey {
        StepKey::last_of(time, GREATEST)
    }

    /// Before every step of this event.
    pub fn first_of(time: i64, event: EventKey) -> StepKey {
        StepKey { time, event, rule: LEAST, refused: false }
    }

    /// After every step of this event.
    pub fn last_of(time: i64, event: EventKey) -> StepKey {
        StepKey { time, event, rule: GREATEST, refused: true }
    }
}

/// What ties steps together: a chain, and the values of the fields that it groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Strand {
    /// The chain.
    pub chain: EventKey,
    /// The values.
    pub group: EventKey,
}

/// A step's place in a strand: the chain's member that it is, or the value that it adds to a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The strand.
    pub strand: Strand,
    /// The member, or the value.
    pub slot: EventKey,
}

/// The places of a step, in order, each with the account of the finding that it is for: which of several,
/// or [`ALL`].
pub type Places = Vec<(Place, u8)>;

/// A place that is for all accounts of a finding.
pub const ALL: u8 = u8::MAX;

/// What is kept of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands.
    pub places: Places,
    /// What is kept of the finding: a [`Kept`](super::Kept) as bytes.
    pub part: Box<[u8]>,
}

/// All steps: by time, by strand, by slot of a strand, and by share. Every question about a chain is a
/// range of one of these, so that a flood of events in one strand costs each of them no more than a few
/// look-ups.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    by_time: BTreeMap<StepKey, Step>,
    by_strand: BTreeSet<(Strand, StepKey, EventKey)>,
    by_slot: BTreeSet<(Strand, EventKey, StepKey)>,
    shares: BTreeMap<(EventKey, bool), Share>,
}

/// The steps of one rule that were refused, or that were not: each has room of its own, so that neither a
/// flood of harmless calls nor one of refused attempts pushes out what matters.
#[derive(Debug, Clone, Default)]
struct Share {
    steps: BTreeSet<StepKey>,
    places: usize,
}

impl Share {
    /// Whether more is held than so many steps, or than there is room for. The oldest go, so that of steps
    /// that came together or apart, in whatever order, the same are left.
    fn is_over(&self, most: usize) -> bool {
        self.steps.len() > most || self.steps.len() * STEP + self.places > ROOM
    }
}

impl Steps {
    /// Adds a step; the same step again adds only the places it did not have. It may be one too many: see
    /// [`shrink`](Self::shrink).
    pub fn add(&mut self, key: StepKey, step: Step) {
        let share = self.shares.entry((key.rule, key.refused)).or_default();
        share.steps.insert(key);
        let known =
            self.by_time.entry(key).or_insert(Step { places: Vec::new(), part: Box::default() });
        for (place, account) in step.places {
            // Detectors with other settings may have told it otherwise: take the same always.
            match known.places.binary_search_by_key(&place, |(place, _)| *place) {
                Ok(at) => known.places[at].1 = known.places[at].1.min(account),
                Err(MAX_PLACES..) => {}
                Err(at) => {
                    known.places.insert(at, (place, account));
                    share.places += 1;
                    self.by_strand.insert((place.strand, key, place.slot));
                    self.by_slot.insert((place.strand, place.slot, key));
                }
            }
        }
        for (place, _) in known.places.drain(known.places.len().min(MAX_PLACES)..) {
            share.places -= 1;
            self.by_strand.remove(&(place.strand, key, place.slot));
            self.by_slot.remove(&(place.strand, place.slot, key));
        }
        if known.part.is_empty() || step.part < known.part {
            known.part = step.part;
        }
    }

    /// Drops the oldest of a step's share until no more than so many are left; says how many went.
    pub fn shrink(&mut self, key: &StepKey, most: usize) -> u64 {
        let mut gone = 0;
        let Some(share) = self.shares.get_mut(&(key.rule, key.refused)) else { return gone };
        while share.is_over(most) {
            let Some(oldest) = share.steps.pop_first() else { break };
            let places = self.by_time.remove(&oldest).map(|step| step.places).unwrap_or_default();
            share.places -= places.len();
            for (place, _) in places {
                self.by_strand.remove(&(place.strand, oldest, place.slot));
                self.by_slot.remove(&(place.strand, place.slot, oldest));
            }
            gone += 1;
        }
        gone
    }

    /// What is kept of a step.
    pub fn get(&self, key: &StepKey) -> Option<&Step> {
        self.by_time.get(key)
    }

    /// The steps of a strand between two, both included, in order, each with its slot.
    pub fn between(
        &self,
        strand: Strand,
        from: StepKey,
        to: StepKey,
    ) -> impl DoubleEndedIterator<Item = (StepKey, EventKey)> {
        let (first, last) = ((strand, from, LEAST), (strand, to, GREATEST));
        let range = if from <= to { first..=last } else { first..=first };
        self.by_strand
            .range(range)
            .inspect(|_| work::done())
            .map(|(_, key, slot)| (*key, *slot))
            .filter(move |(key, _)| *key <= to)
    }

    /// The steps of one slot of a strand between two, both included, in order.
    pub fn in_slot(
        &self,
        place: Place,
        from: StepKey,
        to: StepKey,
    ) -> impl DoubleEndedIterator<Item = StepKey> {
        let at = |key| (place.strand, place.slot, key);
        let range = if from <= to { at(from)..=at(to) } else { at(from)..=at(from) };
        self.by_slot
            .range(range)
            .inspect(|_| work::done())
            .map(|(.., key)| *key)
            .filter(move |key| *key <= to)
    }

    /// The slots of a strand that any step has, in order.
    pub fn slots(&self, strand: Strand) -> impl Iterator<Item = EventKey> {
        let mut from = Bound::Included((strand, LEAST, StepKey::first_at(i64::MIN)));
        std::iter::from_fn(move || {
            work::done();
            let (of, slot, _) = self.by_slot.range((from, Bound::Unbounded)).next()?;
            from = Bound::Excluded((strand, *slot, StepKey::last_at(i64::MAX)));
            (*of == strand).then_some(*slot)
        })
    }

    /// How many steps are held.
    pub fn count(&self) -> usize {
        self.by_time.len()
    }

    /// Every step, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&StepKey, &Step)> {
        self.by_time.iter()
    }
}

const LEAST: EventKey = EventKey::new([0; 16]);
const GREATEST: EventKey = EventKey::new([0xff; 16]);

/// How many entries were looked at, so that a test can say that a flood costs no more than it may.
pub(crate) mod work {
    #[cfg(test)]
    thread_local! { static DONE: std::cell::Cell<u64> = const { std::cell::Cell::new(0) }; }

    pub(super) fn done() {
        #[cfg(test)]
        DONE.set(DONE.get() + 1);
    }

    #[cfg(test)]
    pub(crate) fn so_far() -> u64 {
        DONE.get()
    }
}
