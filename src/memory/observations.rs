//! The observations of chains: findings that, with others, may say more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest128, Table};

/// The most memberships of one observation. Of the chains that there are an event for 50 accounts
/// stands in one, an exit of one account in five.
pub const MAX_PLACES: usize = 50;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// All observations: by time, by group, by member of a group, and by share. Every question about a
/// chain is a range of one of these, so that a flood of events in one group costs each of them no more
/// than a few look-ups.
#[derive(Debug, Clone, Default)]
pub struct Observations {
    by_time: BTreeMap<ObservationKey, Observation>,
    by_group: BTreeSet<(Group, ObservationKey, Digest128)>,
    by_member: BTreeSet<(Group, Digest128, ObservationKey)>,
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
                    self.by_group.insert((membership.group, key, membership.member_key));
                    self.by_member.insert((membership.group, membership.member_key, key));
                }
            }
        }
        for (membership, _) in known.memberships.drain(known.memberships.len().min(MAX_PLACES)..) {
            share.memberships = share.memberships.saturating_sub(1);
            self.by_group.remove(&(membership.group, key, membership.member_key));
            self.by_member.remove(&(membership.group, membership.member_key, key));
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
                self.by_group.remove(&(membership.group, oldest, membership.member_key));
                self.by_member.remove(&(membership.group, membership.member_key, oldest));
            }
            gone = gone.saturating_add(1);
        }
        gone
    }

    /// The data of an observation.
    pub fn get(&self, key: &ObservationKey) -> Option<&Observation> {
        self.by_time.get(key)
    }

    /// The observations of a group between two, both included, in order, each with its member.
    pub fn between(
        &self,
        group: Group,
        from: ObservationKey,
        to: ObservationKey,
    ) -> impl DoubleEndedIterator<Item = (ObservationKey, Digest128)> {
        let (first, last) = ((group, from, LEAST), (group, to, GREATEST));
        let range = if from <= to { first..=last } else { first..=first };
        self.by_group
            .range(range)
            .inspect(|_| work::done())
            .map(|(_, key, member_key)| (*key, *member_key))
            .filter(move |(key, _)| *key <= to)
    }

    /// The observations of one member of a group between two, both included, in order.
    pub fn of_member(
        &self,
        membership: Membership,
        from: ObservationKey,
        to: ObservationKey,
    ) -> impl DoubleEndedIterator<Item = ObservationKey> {
        let at = |key| (membership.group, membership.member_key, key);
        let range = if from <= to { at(from)..=at(to) } else { at(from)..=at(from) };
        self.by_member
            .range(range)
            .inspect(|_| work::done())
            .map(|(.., key)| *key)
            .filter(move |key| *key <= to)
    }

    /// The members of a group that any observation has, in order.
    pub fn member_keys(&self, group: Group) -> impl Iterator<Item = Digest128> {
        let mut from = Bound::Included((group, LEAST, ObservationKey::first_at(i64::MIN)));
        std::iter::from_fn(move || {
            work::done();
            let (of, member_key, _) = self.by_member.range((from, Bound::Unbounded)).next()?;
            from = Bound::Excluded((group, *member_key, ObservationKey::last_at(i64::MAX)));
            (*of == group).then_some(*member_key)
        })
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

pub(super) const LEAST: Digest128 = Digest128::new([0; 16]);
pub(super) const GREATEST: Digest128 = Digest128::new([0xff; 16]);

/// The number of entries looked at, so that a test can say that a flood costs no more than it may.
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
