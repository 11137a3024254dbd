//! Which observations complete a chain, and for which of them another observation may matter.
//!
//! An observation is looked at only if the chain is not complete for it without the new one. Each
//! becomes complete once, so a flood of observations in one group costs in total little more than its
//! length, in whatever order it comes.

use std::collections::BTreeSet;

use orgwatch_sigma::{Correlation, CorrelationKind, Threshold};

use super::parts::MAX_PARTS;
use super::{MAX_REFUSED, key_before_success, key_of_last, key_of_member};
use crate::digest::Digest128;
use crate::memory::{Group, Membership, ObservationKey, Observations};

/// The observations that complete a chain for which one observation in one membership of it may matter.
#[derive(Clone, Copy)]
pub(super) struct Completions<'a> {
    pub chain: &'a Correlation,
    pub membership: Membership,
    pub step: ObservationKey,
    pub steps: &'a Observations,
}

impl Completions<'_> {
    /// Those that may be complete only with the observation; or, if it comes `again`, those that it may
    /// be named in.
    pub fn all(self, again: bool) -> Vec<ObservationKey> {
        let Completions { chain, membership, step, .. } = self;
        let mut completions: Vec<ObservationKey> = match &chain.kind {
            CorrelationKind::TemporalOrdered => {
                let last = Membership { member_key: key_of_last(chain), ..membership };
                if membership == last {
                    vec![step]
                } else {
                    self.of_last(last, again, chain.members.len() == 2)
                }
            }
            CorrelationKind::Temporal => self.of_any(again, usize::MAX),
            CorrelationKind::ValueCount(count, _) => self.of_any(again, bound(count)),
            CorrelationKind::EventCount(count) => self.counted(bound(count)),
        };
        completions.push(step);
        completions.sort_unstable();
        completions.dedup();
        if again {
            bound_refused(&mut completions);
        }
        completions
    }

    /// The last time for which the observation is in the window.
    fn until(&self) -> i64 {
        self.step.time.saturating_add(self.chain.window)
    }

    /// The next observation of the same member, and the one before.
    fn neighbours(&self) -> (Option<ObservationKey>, Option<ObservationKey>) {
        let (step, window) = (self.step, self.chain.window);
        let within = ObservationKey::last_at(self.until());
        let oldest = ObservationKey::first_at(step.time.saturating_sub(window));
        let next =
            self.steps.groups().of_member(self.membership, step, within).find(|next| *next != step);
        let before = self
            .steps
            .groups()
            .of_member(self.membership, oldest, step)
            .rev()
            .find(|key| *key != step);
        (next, before)
    }

    /// The first observation that the one before of the same member is too old for.
    fn since(&self, before: Option<ObservationKey>) -> ObservationKey {
        match before {
            Some(before) => {
                let over = before.time.saturating_add(self.chain.window).saturating_add(1);
                ObservationKey::first_at(over.max(self.step.time))
            }
            None => ObservationKey::first_at(self.step.time),
        }
    }

    /// In order, only the last member completes. Equal times satisfy the order.
    fn of_last(&self, last: Membership, again: bool, two: bool) -> Vec<ObservationKey> {
        let first = ObservationKey::first_at(self.step.time);
        let within = ObservationKey::last_at(self.until());
        let (next, before) = self.neighbours();
        // Of two members, the next observation of this one does for all that follows it what this one
        // would. Of more it may not: it may be of the event that stands before it.
        let to = match next.filter(|_| two) {
            Some(next) => ObservationKey::last_at(next.time.saturating_sub(1)),
            None => within,
        };
        if again {
            // It is named where it is one of the newest of its member.
            let mut later = self.steps.groups().of_member(self.membership, self.step, within);
            let beyond = later.nth(MAX_PARTS - 1).map(|key| key.time.saturating_sub(1));
            let named = beyond.map_or(within, ObservationKey::last_at).max(first);
            let completions = self.steps.groups().of_member(last, first, named);
            return completions.filter(|last| !last.refused || *last <= to).collect();
        }
        // With two members, so does the one before.
        let from = self.since(before.filter(|_| two));
        let mut completions: Vec<ObservationKey> = match from <= to {
            true => self.steps.groups().of_member(last, from, to).collect(),
            false => Vec::new(),
        };
        // But for an event that is itself that observation: it does not come before itself.
        for same in [next, before].into_iter().flatten().filter(|key| key.time >= self.step.time) {
            let of_event = |of: fn(i64, Digest128) -> ObservationKey| of(same.time, same.event);
            let (first, last_of) =
                (of_event(ObservationKey::first_of), of_event(ObservationKey::last_of));
            completions.extend(self.steps.groups().of_member(last, first, last_of));
        }
        completions
    }

    /// In any order, each observation completes; up to where there are so many other members without
    /// this one that it makes no difference.
    fn of_any(&self, again: bool, count: usize) -> Vec<ObservationKey> {
        let group = self.membership.group;
        let within = ObservationKey::last_at(self.until());
        let (next, before) = self.neighbours();
        let to = next.unwrap_or(within);
        if again {
            let mut later = self.steps.groups().between(group, self.step, within);
            let named = later.nth(MAX_PARTS - 1).map_or(within, |(key, _)| key);
            let mut others = BTreeSet::new();
            let completions = self.steps.groups().between(group, self.step, named.max(to));
            // It is no longer named where the newest of enough other members are later.
            let completions = completions.take_while(|(key, member_key)| {
                if *member_key != self.membership.member_key && others.len() < MAX_PARTS {
                    others.insert(*member_key);
                }
                others.len() < MAX_PARTS || *key <= named
            });
            let completions = completions.map(|(key, _)| key);
            return completions.filter(|last| !last.refused || *last <= to).collect();
        }
        let from = self.since(before).max(self.step);
        let mut others = BTreeSet::new();
        let completions = self.steps.groups().between(group, from, to);
        completions
            .take_while(|(_, member_key)| {
                if *member_key != self.membership.member_key && others.len() < count {
                    others.insert(*member_key);
                }
                others.len() < count
            })
            .map(|(key, _)| key)
            .collect()
    }

    /// From that number of other events on this one makes no difference.
    fn counted(&self, count: usize) -> Vec<ObservationKey> {
        let within = ObservationKey::last_at(self.until());
        let mut others = BTreeSet::new();
        let completions = self.steps.groups().between(self.membership.group, self.step, within);
        completions
            .map(|(key, _)| key)
            .take_while(|key| {
                if key.event != self.step.event {
                    others.insert(key.event);
                }
                others.len() < count
            })
            .collect()
    }
}

/// Leaves of refused attempts the newest: they come by the thousand. Calls that succeeded are all left.
pub(super) fn bound_refused(completions: &mut Vec<ObservationKey>) {
    let refused = completions.iter().filter(|last| last.refused).count();
    let mut over = refused.saturating_sub(MAX_REFUSED);
    completions.retain(|last| {
        let is_over = last.refused && over > 0;
        over = over.saturating_sub(is_over.into());
        !is_over
    });
}

/// Whether a chain is whole with this observation, which stands in it, as its last.
pub(super) fn is_complete(
    chain: &Correlation,
    group: Group,
    last: ObservationKey,
    steps: &Observations,
) -> bool {
    let ordered = chain.kind == CorrelationKind::TemporalOrdered;
    let is_last = |membership: &Membership| {
        membership.group == group && (!ordered || membership.member_key == key_of_last(chain))
    };
    if !steps
        .get(&last)
        .is_some_and(|step| step.memberships.iter().any(|(membership, _)| is_last(membership)))
    {
        return false;
    }
    let oldest = ObservationKey::first_at(last.time.saturating_sub(chain.window));
    let any = |member_key| {
        steps.groups().of_member(Membership { group, member_key }, oldest, last).next().is_some()
    };
    match &chain.kind {
        CorrelationKind::Temporal => (0..chain.members.len()).map(key_of_member).all(any),
        CorrelationKind::TemporalOrdered => {
            // Backwards, each member as late as it may be. An event does not come before itself, so the
            // latest of another event is kept beside it. Equal times satisfy the order.
            let mut reached = [Some(last), None];
            let others = 0..chain.members.len().saturating_sub(1);
            others.rev().all(|member| {
                let follows = |key: &ObservationKey| {
                    let mut later = reached.iter().flatten();
                    later.any(|next| key.time <= next.time && key.event != next.event)
                };
                let [latest, _] = reached;
                let upto = latest.map_or(last.time, |latest| latest.time);
                let upto = ObservationKey::last_at(upto);
                // Before a call that was refused some events do not count.
                let weak = (!last.refused).then(|| key_before_success(member));
                let keys = [Some(key_of_member(member)), weak].into_iter().flatten();
                let mut found: Vec<ObservationKey> = keys
                    .flat_map(|member_key| {
                        let member = Membership { group, member_key };
                        let mut earlier =
                            steps.groups().of_member(member, oldest, upto).rev().filter(&follows);
                        let latest = earlier.next();
                        let other =
                            latest.and_then(|latest| earlier.find(|key| key.event != latest.event));
                        [latest, other].into_iter().flatten()
                    })
                    .collect();
                found.sort_unstable_by(|one, other| other.cmp(one));
                let latest = found.first().copied();
                let other = latest
                    .and_then(|latest| found.iter().copied().find(|key| key.event != latest.event));
                reached = [latest, other];
                latest.is_some()
            })
        }
        CorrelationKind::EventCount(count) => {
            let bound = bound(count);
            let mut events = BTreeSet::new();
            let mut keys = steps.groups().between(group, oldest, last);
            keys.any(|(key, _)| {
                events.insert(key.event);
                events.len() >= bound
            });
            count.holds(events.len() as u64)
        }
        CorrelationKind::ValueCount(count, _) => {
            let values = steps.groups().newest_of_each(group, oldest, last, bound(count));
            count.holds(values.len() as u64)
        }
    }
}

/// The count from which on a higher one makes no difference.
fn bound(count: &Threshold) -> usize {
    usize::try_from(count.bound()).unwrap_or(usize::MAX)
}
