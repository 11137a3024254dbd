//! What a detector remembers: which findings it gave, which terms it saw when, the steps of chains,
//! and the types of policies.
//!
//! The memory is a set of small entries with a total order, and adding to it is a union: that makes
//! merging commutative, associative and idempotent. Each part is bounded, and what goes first when it
//! is full is the least entry (the oldest by event time): an entry that stays was never gone, so
//! what is kept depends on what was seen and not on the order it came in. No other rule drops anything:
//! two rules together would depend on which came first.

mod kept;
mod policies;
mod sections;
mod steps;
mod terms;

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::text::hex_digit;

pub use kept::{Approved, Kept};
pub use policies::Policies;
pub use sections::{SECTIONS, Saved, SavedStep};
#[cfg(test)]
pub(crate) use steps::work;
pub use steps::{ALL, MAX_PLACES, Place, Places, Step, StepKey, Steps, Strand};
pub use terms::Terms;

/// What makes an event, or values taken together, the same: 16 bytes of a SHA-256, so that hostile
/// text takes no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    // Numbers in the order of the bytes: memory compares keys all the time.
    high: u64,
    low: u64,
}

impl EventKey {
    /// The key of these texts, in this order.
    pub fn of(parts: &[&str]) -> EventKey {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        EventKey::new(digest.as_chunks().0[0])
    }

    /// The key that is these bytes.
    pub const fn new(bytes: [u8; 16]) -> EventKey {
        let key = u128::from_be_bytes(bytes);
        EventKey { high: (key >> 64) as u64, low: key as u64 }
    }

    /// Its bytes.
    pub const fn bytes(self) -> [u8; 16] {
        ((self.high as u128) << 64 | self.low as u128).to_be_bytes()
    }

    /// 32 hex digits.
    pub fn hex(&self) -> String {
        let digits = |byte: u8| [byte >> 4, byte & 15].map(|half| char::from(hex_digit(half)));
        self.bytes().into_iter().flat_map(digits).collect()
    }
}

impl Serialize for EventKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EventKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(EventKey::new)
    }
}

/// A finding that was given: the rule's, of the event. Ordered by event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Given {
    /// Event time in seconds; the least for one without a time.
    pub time: i64,
    /// The event.
    pub event: EventKey,
    /// The rule.
    pub rule: EventKey,
}

/// How many entries each part may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Findings remembered as given.
    pub events: usize,
    /// Spans of time in which terms were seen.
    pub terms: usize,
    /// Steps of chains, for each rule.
    pub steps: usize,
    /// Policies whose type is known.
    pub policies: usize,
}

/// The memory.
#[derive(Debug, Clone)]
pub struct Memory {
    limits: Limits,
    given: BTreeSet<Given>,
    terms: Terms,
    steps: Steps,
    policies: Policies,
    /// How many entries had to go.
    evicted: u64,
}

impl Memory {
    /// An empty memory.
    pub fn new(limits: Limits) -> Self {
        Memory {
            limits,
            given: BTreeSet::new(),
            terms: Terms::default(),
            steps: Steps::default(),
            policies: Policies::default(),
            evicted: 0,
        }
    }

    /// Whether a finding was given before.
    pub fn was_given(&self, given: &Given) -> bool {
        self.given.contains(given)
    }

    /// Remembers that a finding was given; says whether it was before.
    pub fn give(&mut self, given: Given) -> bool {
        let repeat = !self.given.insert(given);
        while self.given.len() > self.limits.events {
            self.given.pop_first();
            self.evicted += 1;
        }
        repeat
    }

    /// Remembers that terms were seen; says whether they were seen within the window before, on
    /// either side.
    pub fn see(&mut self, term: EventKey, time: i64, window: i64) -> bool {
        let seen = self.terms.see(term, time, window);
        self.evicted += self.terms.shrink(self.limits.terms);
        seen
    }

    /// Adds a step of chains, which may be one too many until [`settle`](Self::settle) is called: what it
    /// completes is to be seen before it goes.
    pub fn add_step(&mut self, key: StepKey, step: Step) {
        self.steps.add(key, step);
    }

    /// Drops what is too many where a step was added.
    pub fn settle(&mut self, key: &StepKey) {
        self.evicted += self.steps.shrink(key, self.limits.steps);
    }

    /// The steps of chains.
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Remembers the type that a policy had at a time.
    pub fn learn_policy(&mut self, id: &str, kind: &str, time: Option<i64>) {
        self.add_policy(EventKey::of(&[id]), time.unwrap_or(i64::MIN), kind);
    }

    fn add_policy(&mut self, id: EventKey, time: i64, kind: &str) {
        self.policies.learn(id, time, kind);
        self.evicted += self.policies.shrink(self.limits.policies);
    }

    /// The type of a policy, if a response named it.
    pub fn policy_type(&self, id: &str) -> Option<&str> {
        self.policies.kind(&EventKey::of(&[id]))
    }

    /// Entries by part, for counters.
    pub fn sizes(&self) -> [(&'static str, u64); 4] {
        [
            ("memory_events", self.given.len() as u64),
            ("memory_terms", self.terms.count() as u64),
            ("memory_steps", self.steps.count() as u64),
            ("memory_policies", self.policies.count() as u64),
        ]
    }

    /// How many entries had to go.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Adds all but the steps of a memory that was saved; of those [`Chains`](crate::chains::Chains) sees
    /// what they complete.
    pub fn merge(&mut self, saved: &Saved<'_>) {
        saved.given().for_each(|given| {
            self.give(given);
        });
        for (slot, first, last) in saved.terms() {
            self.terms.widen(slot, first, last);
            self.evicted += self.terms.shrink(self.limits.terms);
        }
        for (id, time, kind) in saved.policies() {
            self.add_policy(id, time, kind);
        }
    }
}
