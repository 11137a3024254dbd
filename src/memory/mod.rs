//! What a detector remembers: which findings it gave, and which terms it saw when.
//!
//! The memory is a set of small entries with a total order, and adding to it is a union: that makes
//! merging commutative, associative and idempotent. Each part is bounded, and what goes first when it
//! is full is the least entry (the oldest by event time): an entry that stays was never gone, so
//! what is kept depends on what was seen and not on the order it came in.

mod codec;
mod terms;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

pub use codec::StateError;
pub use terms::Terms;

/// What makes an event, or values taken together, the same: 16 bytes of a SHA-256, so that hostile
/// text takes no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(pub [u8; 16]);

impl EventKey {
    /// The key of these texts, in this order.
    pub fn of(parts: &[&str]) -> EventKey {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        EventKey(key)
    }
}

/// A finding that was given: the event's time, the event, the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Given {
    /// Event time in seconds; events without one come first, and go first.
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
}

/// The memory.
#[derive(Debug, Clone)]
pub struct Memory {
    limits: Limits,
    given: BTreeSet<Given>,
    /// The terms seen.
    terms: Terms,
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

    /// Entries by part, for counters.
    pub fn len(&self) -> [(&'static str, u64); 2] {
        [
            ("memory_events", self.given.len() as u64),
            ("memory_terms", self.terms.len() as u64),
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
    }
}
