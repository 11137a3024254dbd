//! The observations of each group, for the questions of chains. Each is a range of one of these sets, so that
//! a flood of events in one group costs no more than a few look-ups.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::{Group, Membership, ObservationKey};
use crate::digest::Digest128;

/// The keys of observations by group, by member of a group, and the newest of each member.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    by_group: BTreeSet<(Group, ObservationKey, Digest128)>,
    by_member: BTreeSet<(Group, Digest128, ObservationKey)>,
    by_newest: BTreeSet<(Group, ObservationKey, Digest128)>,
}

impl Groups {
    /// Adds an observation to a member.
    pub(super) fn insert(&mut self, of: Membership, key: ObservationKey) {
        let newest = self.newest(of);
        self.by_group.insert((of.group, key, of.member_key));
        self.by_member.insert((of.group, of.member_key, key));
        self.renew(of, newest);
    }

    /// Takes an observation from a member.
    pub(super) fn remove(&mut self, of: Membership, key: ObservationKey) {
        let newest = self.newest(of);
        self.by_group.remove(&(of.group, key, of.member_key));
        self.by_member.remove(&(of.group, of.member_key, key));
        self.renew(of, newest);
    }

    fn newest(&self, of: Membership) -> Option<ObservationKey> {
        let at = |key| (of.group, of.member_key, key);
        let all = at(ObservationKey::first_at(i64::MIN))..=at(ObservationKey::last_at(i64::MAX));
        self.by_member.range(all).next_back().map(|(.., key)| *key)
    }

    /// Sets the newest observation of a member again where it is another than before.
    fn renew(&mut self, of: Membership, before: Option<ObservationKey>) {
        let newest = self.newest(of);
        if newest == before {
            return;
        }
        if let Some(before) = before {
            self.by_newest.remove(&(of.group, before, of.member_key));
        }
        self.by_newest.extend(newest.map(|newest| (of.group, newest, of.member_key)));
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

    /// The newest observation of each member of a group between two, both included, the newest first and
    /// no more than `most`. One of several members stands there once for each.
    ///
    /// Going back in time ends soon where there are many members. Where few of many observations are of
    /// another member, a flood of one, those that have none later stand in an index, and only the others
    /// are asked one by one.
    pub fn newest_of_each(
        &self,
        group: Group,
        from: ObservationKey,
        to: ObservationKey,
        most: usize,
    ) -> Vec<ObservationKey> {
        let mut members = BTreeSet::new();
        let mut newest = Vec::new();
        let mut back = self.between(group, from, to).rev().enumerate();
        let is_flood = loop {
            match back.next() {
                Some((number, _)) if number > newest.len().saturating_mul(8) => break true,
                Some((_, (key, member_key))) if members.insert(member_key) => newest.push(key),
                Some(_) => {}
                None => break false,
            }
            if newest.len() >= most {
                break false;
            }
        };
        if is_flood {
            let at = |key, member_key| (group, key, member_key);
            let until = at(from, LEAST)..=at(to, GREATEST);
            let none_later = self.by_newest.range(until).inspect(|_| work::done()).rev();
            newest = none_later.take(most).map(|(_, key, _)| *key).collect();
            let later = at(to, GREATEST)..=at(ObservationKey::last_at(i64::MAX), GREATEST);
            newest.extend(self.by_newest.range(later).filter_map(|(_, _, member_key)| {
                let of = Membership { group, member_key: *member_key };
                self.of_member(of, from, to).next_back()
            }));
            newest.sort_unstable_by(|one, other| other.cmp(one));
            newest.truncate(most);
        }
        newest
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
