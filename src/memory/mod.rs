//! What a detector remembers: which findings it gave, which terms it saw when, the steps of chains,
//! and the types of policies.
//!
//! The memory is a set of small entries with a total order, and adding to it is a union: that makes
//! merging commutative, associative and idempotent. Each part is bounded, and what goes first when it
//! is full is the least entry (the oldest by event time): an entry that stays was never gone, so
//! what is kept depends on what was seen and not on the order it came in.

mod codec;
mod kept;
mod steps;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::text::hex_digit;

pub use codec::{FORMAT, StateError};
pub use kept::Kept;
pub use steps::{Place, Step, StepKey, Steps, Strand};
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

/// A finding that was given: the rule's, of the event.
pub type Given = StepKey;

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
    /// How long steps are kept behind the newest they are tied to, in seconds.
    horizon: i64,
    policies: BTreeMap<EventKey, String>,
    /// How many entries had to go.
    evicted: u64,
}

impl Memory {
    /// An empty memory, which keeps steps for so many seconds behind the newest they are tied to.
    pub fn new(limits: Limits, horizon: i64) -> Self {
        Memory {
            limits,
            given: BTreeSet::new(),
            terms: Terms::default(),
            steps: Steps::default(),
            horizon,
            policies: BTreeMap::new(),
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

    /// Remembers a step of chains.
    pub fn step(&mut self, key: StepKey, step: Step) {
        self.evicted += self.steps.add(key, step, self.horizon, self.limits.steps);
    }

    /// The steps of chains.
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// Drops the steps of a rule, which it is no longer to feed to chains.
    pub fn drop_steps(&mut self, rule: EventKey) {
        self.steps.drop_rule(rule);
    }

    /// Remembers the type of a policy.
    pub fn learn_policy(&mut self, id: &str, kind: &str) {
        self.add_policy(EventKey::of(&[id]), kind.to_owned());
    }

    /// The type of a policy, if a response named it.
    pub fn policy_type(&self, id: &str) -> Option<&str> {
        self.policies.get(&EventKey::of(&[id])).map(String::as_str)
    }

    fn add_policy(&mut self, id: EventKey, kind: String) {
        // A policy's type does not change; two that differ are settled without regard to order.
        let known = self.policies.entry(id).or_default();
        if *known < kind {
            *known = kind;
        }
        while self.policies.len() > self.limits.policies {
            self.policies.pop_first();
            self.evicted += 1;
        }
    }

    /// Entries by part, for counters.
    pub fn sizes(&self) -> [(&'static str, u64); 4] {
        [
            ("memory_events", self.given.len() as u64),
            ("memory_terms", self.terms.count() as u64),
            ("memory_steps", self.steps.count() as u64),
            ("memory_policies", self.policies.len() as u64),
        ]
    }

    /// How many entries had to go.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Adds another memory to this one.
    pub fn merge(&mut self, other: Memory) {
        for given in other.given {
            self.give(given);
        }
        self.terms.merge(other.terms);
        self.evicted += self.terms.shrink(self.limits.terms);
        for (id, kind) in other.policies {
            self.add_policy(id, kind);
        }
        for (key, step) in other.steps.iter() {
            self.step(*key, step.clone());
        }
    }
}
