//! The steps of chains: findings that, with others, may say more.

use std::collections::{BTreeMap, BTreeSet};

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

/// What ties steps together: a chain, and the values of the fields that it groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strand {
    /// The chain.
    pub chain: EventKey,
    /// The values.
    pub group: EventKey,
}

/// A step's place in a strand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The strand.
    pub strand: Strand,
    /// Which of the chain's members it is.
    pub member: u8,
    /// The value that the chain counts, if it counts values.
    pub value: EventKey,
}

/// What is kept of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands, in order.
    pub places: BTreeSet<Place>,
    /// The finding as JSON, without its texts.
    pub finding: String,
}

/// All steps, by time and by strand.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    by_time: BTreeMap<StepKey, Step>,
    by_strand: BTreeSet<(Strand, StepKey, u8, EventKey)>,
}

impl Steps {
    /// Adds a step. The same step again adds only the places it did not have.
    pub fn add(&mut self, key: StepKey, step: Step) {
        for place in &step.places {
            self.by_strand.insert((place.strand, key, place.member, place.value));
        }
        match self.by_time.get_mut(&key) {
            None => {
                self.by_time.insert(key, step);
            }
            Some(known) => {
                known.places.extend(step.places);
                // Detectors with other settings may have told it otherwise: take the same always.
                if step.finding < known.finding {
                    known.finding = step.finding;
                }
            }
        }
    }

    /// What is kept of a step.
    pub fn get(&self, key: &StepKey) -> Option<&Step> {
        self.by_time.get(key)
    }

    /// The steps of a strand between two times, both included, in order: each with its member and
    /// its counted value.
    pub fn between(
        &self,
        strand: Strand,
        from: i64,
        to: i64,
    ) -> impl Iterator<Item = (StepKey, u8, EventKey)> {
        let least = EventKey([0; 16]);
        let greatest = EventKey([0xff; 16]);
        let first = StepKey { time: from, event: least, rule: least };
        let last = StepKey { time: to, event: greatest, rule: greatest };
        self.by_strand
            .range((strand, first, 0, least)..=(strand, last, u8::MAX, greatest))
            .map(|(_, key, member, value)| (*key, *member, *value))
    }

    /// Drops what is more than so many seconds older than the newest, which no event can complete
    /// any more.
    pub fn forget(&mut self, horizon: i64) {
        let Some((newest, _)) = self.by_time.last_key_value() else {
            return;
        };
        let oldest = newest.time.saturating_sub(horizon);
        while self.by_time.first_key_value().is_some_and(|(first, _)| first.time < oldest) {
            self.drop_first();
        }
    }

    /// Drops the oldest until there are no more than so many; says how many went.
    pub fn shrink(&mut self, most: usize) -> u64 {
        let mut gone = 0;
        while self.by_time.len() > most {
            self.drop_first();
            gone += 1;
        }
        gone
    }

    fn drop_first(&mut self) {
        if let Some((key, step)) = self.by_time.pop_first() {
            for place in step.places {
                self.by_strand.remove(&(place.strand, key, place.member, place.value));
            }
        }
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
