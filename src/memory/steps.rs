//! The steps of chains: findings that, with others, may say more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::EventKey;

/// A step: a rule's finding of an event. Ordered by event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepKey {
    /// Event time in seconds.
    pub time: i64,
    /// The event.
    pub event: EventKey,
    /// The rule.
    pub rule: EventKey,
}

impl StepKey {
    /// Before every step of this time.
    pub fn first_at(time: i64) -> StepKey {
        StepKey { time, event: EventKey::new([0; 16]), rule: EventKey::new([0; 16]) }
    }

    /// After every step of this time.
    pub fn last_at(time: i64) -> StepKey {
        StepKey { time, event: EventKey::new([0xff; 16]), rule: EventKey::new([0xff; 16]) }
    }
}

/// What ties steps together: a chain, and the values of the fields that it groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strand {
    /// The chain.
    pub chain: EventKey,
    /// The values.
    pub group: EventKey,
}

/// A step's place in a strand: the chain's member that it is, or the value that it adds to a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The strand.
    pub strand: Strand,
    /// The member, or the value.
    pub slot: EventKey,
}

/// What is kept of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands, in order.
    pub places: BTreeSet<Place>,
    /// What is kept of the finding: a [`Kept`](super::Kept) as bytes.
    pub part: Box<[u8]>,
}

/// All steps: by time, by strand, by slot of a strand, and by rule. Every question about a chain is a range of
/// one of these, so that a flood of events in one strand costs each of them no more than a few
/// look-ups.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    by_time: BTreeMap<StepKey, Step>,
    by_strand: BTreeSet<(Strand, StepKey, EventKey)>,
    by_slot: BTreeSet<(Strand, EventKey, StepKey)>,
    by_rule: BTreeMap<EventKey, BTreeSet<StepKey>>,
}

impl Steps {
    /// Adds a step, which has at least one place; the same step again adds only the places it did
    /// not have. Then forgets what is older than the horizon (in seconds, behind the newest of each
    /// strand) and the oldest of the rule beyond `most`; says how many of those went.
    pub fn add(&mut self, key: StepKey, step: Step, horizon: i64, most: usize) -> u64 {
        self.by_rule.entry(key.rule).or_default().insert(key);
        for place in &step.places {
            self.by_strand.insert((place.strand, key, place.slot));
            self.by_slot.insert((place.strand, place.slot, key));
        }
        match self.by_time.get_mut(&key) {
            None => {
                self.by_time.insert(key, step);
            }
            Some(known) => {
                known.places.extend(step.places);
                // Detectors with other settings may have told it otherwise: take the same always.
                if step.part < known.part {
                    known.part = step.part;
                }
            }
        }
        self.forget(&key, horizon);
        self.shrink(key.rule, most)
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
        self.by_slot.range(range).map(|(.., key)| *key).filter(move |key| *key <= to)
    }

    /// The slots of a strand that any step has, in order.
    pub fn slots(&self, strand: Strand) -> impl Iterator<Item = EventKey> {
        let mut from = Bound::Included((strand, LEAST, StepKey::first_at(i64::MIN)));
        std::iter::from_fn(move || {
            let (of, slot, _) = self.by_slot.range((from, Bound::Unbounded)).next()?;
            from = Bound::Excluded((strand, *slot, StepKey::last_at(i64::MAX)));
            (*of == strand).then_some(*slot)
        })
    }

    /// Forgets, in the strands of a step, what is more than so many seconds older than the newest
    /// there: no event that comes can complete it any more. Another account's events, or a wrong
    /// clock there, do not matter.
    fn forget(&mut self, key: &StepKey, horizon: i64) {
        let strands = self.by_time.get(key).map(|step| step.places.clone()).unwrap_or_default();
        for Place { strand, .. } in strands {
            let all = (strand, StepKey::first_at(i64::MIN), LEAST)
                ..=(strand, StepKey::last_at(i64::MAX), GREATEST);
            let Some((_, newest, _)) = self.by_strand.range(all.clone()).next_back() else {
                continue;
            };
            let oldest = newest.time.saturating_sub(horizon);
            let old = self.by_strand.range(all).take_while(|(_, key, _)| key.time < oldest);
            let old: Vec<_> = old.copied().collect();
            for (strand, key, slot) in old {
                self.leave(key, Place { strand, slot });
            }
        }
    }

    /// Takes a step out of one of its places, and drops it with the last.
    fn leave(&mut self, key: StepKey, place: Place) {
        self.by_strand.remove(&(place.strand, key, place.slot));
        self.by_slot.remove(&(place.strand, place.slot, key));
        if let Some(step) = self.by_time.get_mut(&key) {
            step.places.remove(&place);
            if step.places.is_empty() {
                self.by_time.remove(&key);
                if let Some(held) = self.by_rule.get_mut(&key.rule) {
                    held.remove(&key);
                }
            }
        }
    }

    /// Drops the oldest of a rule until it has no more than so many; says how many went. Each rule
    /// has room of its own, so that a flood of harmless calls does not push out what matters.
    fn shrink(&mut self, rule: EventKey, most: usize) -> u64 {
        let mut gone = 0;
        while let Some(held) = self.by_rule.get(&rule).filter(|held| held.len() > most) {
            let Some(key) = held.first().copied() else { break };
            for place in self.by_time.get(&key).map(|step| step.places.clone()).unwrap_or_default()
            {
                self.leave(key, place);
            }
            gone += 1;
        }
        gone
    }

    /// Drops every step of a rule.
    pub fn drop_rule(&mut self, rule: EventKey) {
        self.shrink(rule, 0);
    }

    /// How many steps are held.
    pub fn count(&self) -> usize {
        self.by_time.len()
    }

    /// Every step, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&StepKey, &Step)> {
        self.by_time.iter()
    }
}

const LEAST: EventKey = EventKey::new([0; 16]);
const GREATEST: EventKey = EventKey::new([0xff; 16]);
