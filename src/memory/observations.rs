//! The observations of chains: findings that, with others, may say more.

use std::collections::{BTreeMap, BTreeSet};

/// The most memberships of one observation. Of the chains that there are an event for 50 accounts
/// stands in one, an exit of one account in five.
pub use orgwatch_sigma::MAX_PLACES;
use serde::{Deserialize, Serialize};

use super::groups::{GREATEST, Groups, LEAST};
use crate::digest::{Digest128, Table};

/// The room for a rule's observations, whatever the settings say, in units of about 340 bytes: a
/// membership is one and the rest of an observation four. So 5,000 exits fit, or twice as many
/// observations of one chain. The observations of all rules can be saved, loaded and merged within a
/// gigabyte.
const ROOM: usize = 45_000;
const STEP: usize = 4;

/// An observation: a rule's finding of an event. Ordered by event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObservationKey {
    /// Event time in seconds.
    pub time: i64,
    /// The event.
    pub event: Digest128,
    /// The rule.
    pub rule: Digest128,
    /// Whether the call was refused, so that it changed nothing.
    pub refused: bool,
}

impl ObservationKey {
    /// Before every observation of this time.
    pub fn first_at(time: i64) -> ObservationKey {
        ObservationKey::first_of(time, LEAST)
    }

    /// After every observation of this time.
    pub fn last_at(time: i64) -> ObservationKey {
        ObservationKey::last_of(time, GREATEST)
    }

    /// Before every observation of this event.
    pub fn first_of(time: i64, event: Digest128) -> ObservationKey {
        ObservationKey { time, event, rule: LEAST, refused: false }
    }

    /// After every observation of this event.
    pub fn last_of(time: i64, event: Digest128) -> ObservationKey {
        ObservationKey { time, event, rule: GREATEST, refused: true }
    }
}

/// The tie between observations: a chain, and the values of the fields that it groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Group {
    /// The chain.
    pub chain: Digest128,
    /// The values.
    pub group: Digest128,
}

/// An observation's membership in a group: the chain's member that it is, or the value that it adds to
/// a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Membership {
    /// The group.
    pub group: Group,
    /// The member, or the value.
    pub member_key: Digest128,
}

/// The memberships of an observation, in order, each with the account of the finding that it is for:
/// which of several, or [`ALL`].
pub type Places = Vec<(Membership, u8)>;

/// A membership that is for all accounts of a finding.
pub const ALL: u8 = u8::MAX;

/// The data of an observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Its memberships.
    pub memberships: Places,
    /// The finding: a [`FindingSnapshot`](super::FindingSnapshot) as bytes.
    pub part: Box<[u8]>,
}

/// All observations: by time, by group and by share.
#[derive(Debug, Clone, Default)]
pub struct Observations {
    by_time: BTreeMap<ObservationKey, Observation>,
    groups: Groups,
    shares: Table<(Digest128, bool), Share>,
}

/// The observations of one rule that were refused, or that were not: each has room of its own, so that
/// neither a flood of harmless calls nor one of refused attempts pushes out what matters.
#[derive(Debug, Clone, Default)]
struct Share {
    steps: BTreeSet<ObservationKey>,
    memberships: usize,
}

impl Share {
    /// Whether more is held than so many observations, or than there is room for. The oldest go, so
    /// that of observations that came together or apart, in whatever order, the same are left.
    fn is_over(&self, most: usize) -> bool {
        let taken = self.steps.len().saturating_mul(STEP).saturating_add(self.memberships);
        self.steps.len() > most || taken > ROOM
    }
}

impl Observations {
    /// Adds an observation; the same observation again adds only the memberships it did not have. It
    /// may be one too many: see [`evict_to`](Self::evict_to).
    pub fn add(&mut self, key: ObservationKey, step: Observation) {
        let share = self.shares.entry((key.rule, key.refused)).or_default();
        share.steps.insert(key);
        let known = self
            .by_time
            .entry(key)
            .or_insert(Observation { memberships: Vec::new(), part: Box::default() });
        for (membership, account) in step.memberships {
            // Detectors with other settings may have told it otherwise: take the same always.
            match known.memberships.binary_search_by_key(&membership, |(membership, _)| *membership)
            {
                Ok(at) => {
                    if let Some((_, known)) = known.memberships.get_mut(at) {
                        *known = account.min(*known);
                    }
                }
                Err(MAX_PLACES..) => {}
                Err(at) => {
                    known.memberships.insert(at, (membership, account));
                    share.memberships = share.memberships.saturating_add(1);
                    self.groups.insert(membership, key);
                }
            }
        }
        for (membership, _) in known.memberships.drain(known.memberships.len().min(MAX_PLACES)..) {
            share.memberships = share.memberships.saturating_sub(1);
            self.groups.remove(membership, key);
        }
        if known.part.is_empty() || step.part < known.part {
            known.part = step.part;
        }
    }

    /// Drops the oldest of an observation's share until no more than so many are left; says how many
    /// went.
    pub fn evict_to(&mut self, key: &ObservationKey, most: usize) -> u64 {
        let mut gone: u64 = 0;
        let Some(share) = self.shares.get_mut(&(key.rule, key.refused)) else { return gone };
        while share.is_over(most) {
            let Some(oldest) = share.steps.pop_first() else { break };
            let memberships =
                self.by_time.remove(&oldest).map(|step| step.memberships).unwrap_or_default();
            share.memberships = share.memberships.saturating_sub(memberships.len());
            for (membership, _) in memberships {
                self.groups.remove(membership, oldest);
            }
            gone = gone.saturating_add(1);
        }
        gone
    }

    /// The data of an observation.
    pub fn get(&self, key: &ObservationKey) -> Option<&Observation> {
        self.by_time.get(key)
    }

    /// The observations by group.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// The number of observations held.
    pub fn count(&self) -> usize {
        self.by_time.len()
    }

    /// Every observation, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ObservationKey, &Observation)> {
        self.by_time.iter()
    }
}
