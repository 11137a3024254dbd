//! The observations of each group, for the questions of chains. Each is a range of one of these sets, so that
//! a flood of events in one group costs no more than a few look-ups.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::{Group, Membership, ObservationKey};
use crate::digest::{Digest128, Table};

/// The keys of observations by group, by member of a group, and the newest of each member.
///
/// A group stands in them as a number, which is a third shorter and faster to compare. Which one it has depends on
/// the order in which groups came, and says nothing outside.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    numbers: Table<Group, Numbered>,
    /// The numbers of groups that are gone.
    free: Vec<u32>,
    by_group: BTreeSet<(u32, ObservationKey, Digest128)>,
    by_member: BTreeSet<(u32, Digest128, ObservationKey)>,
    by_newest: BTreeSet<(u32, ObservationKey, Digest128)>,
}

/// A group's number, and how many memberships it has.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    number: u32,
    memberships: u32,
}

/// The number of no group: there are never so many.
const NO_GROUP: u32 = u32::MAX;

impl Groups {
    /// Adds an observation to a member.
    pub(super) fn insert(&mut self, of: Membership, key: ObservationKey) {
        let next = self.free.last().copied().unwrap_or(self.numbers.len() as u32);
        let numbered = self.numbers.entry(of.group).or_insert_with(|| {
            self.free.pop();
            Numbered { number: next, memberships: 0 }
        });
        let number = numbered.number;
        let before = self.newest(number, of.member_key);
        if self.by_member.insert((number, of.member_key, key)) {
            self.by_group.insert((number, key, of.member_key));
            self.count(of.group, 1);
            self.renew(number, of.member_key, before, before.max(Some(key)));
        }
    }

    /// Takes an observation from a member.
    pub(super) fn remove(&mut self, of: Membership, key: ObservationKey) {
        let number = self.number(of.group);
        let before = self.newest(number, of.member_key);
        if self.by_member.remove(&(number, of.member_key, key)) {
            self.by_group.remove(&(number, key, of.member_key));
            self.renew(number, of.member_key, before, self.newest(number, of.member_key));
            self.count(of.group, -1);
        }
    }

    fn number(&self, group: Group) -> u32 {
        self.numbers.get(&group).map_or(NO_GROUP, |numbered| numbered.number)
    }

    /// Counts memberships; a group without any gives its number to another.
    fn count(&mut self, group: Group, more: i32) {
        let Some(numbered) = self.numbers.get_mut(&group) else { return };
        numbered.memberships = numbered.memberships.saturating_add_signed(more);
        if numbered.memberships == 0 {
            self.free.push(numbered.number);
            self.numbers.remove(&group);
        }
    }

    fn newest(&self, number: u32, member_key: Digest128) -> Option<ObservationKey> {
        let at = |key| (number, member_key, key);
        let all = at(ObservationKey::first_at(i64::MIN))..=at(ObservationKey::last_at(i64::MAX));
        self.by_member.range(all).next_back().map(|(.., key)| *key)
    }

    /// Sets the newest observation of a member where it is another than before.
    fn renew(
        &mut self,
        number: u32,
        member_key: Digest128,
        before: Option<ObservationKey>,
        newest: Option<ObservationKey>,
    ) {
        if newest == before {
            return;
        }
        if let Some(before) = before {
            self.by_newest.remove(&(number, before, member_key));
        }
        self.by_newest.extend(newest.map(|newest| (number, newest, member_key)));
    }

    /// The observations of a group between two, both included, in order, each with its member.
    pub fn between(
        &self,
        group: Group,
        from: ObservationKey,
        to: ObservationKey,
    ) -> impl DoubleEndedIterator<Item = (ObservationKey, Digest128)> {
        let number = self.number(group);
        let (first, last) = ((number, from, LEAST), (number, to, GREATEST));
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
        let number = self.number(membership.group);
        let at = |key| (number, membership.member_key, key);
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
            let number = self.number(group);
            let at = |key, member_key| (number, key, member_key);
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
        let number = self.number(group);
        let mut from = Bound::Included((number, LEAST, ObservationKey::first_at(i64::MIN)));
        std::iter::from_fn(move || {
            work::done();
            let (of, member_key, _) = self.by_member.range((from, Bound::Unbounded)).next()?;
            from = Bound::Excluded((number, *member_key, ObservationKey::last_at(i64::MAX)));
            (*of == number).then_some(*member_key)
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
