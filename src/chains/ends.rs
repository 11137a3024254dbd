//! Which steps complete a chain, and for which of them another step may matter.
//!
//! A step is looked at only if the chain is not complete for it without the new one. Each becomes
//! complete once, so a flood of steps in one group costs in total little more than its length, in
//! whatever order it comes.

use std::collections::BTreeSet;

use orgwatch_sigma::{Chain, ChainKind};

use super::parts::MAX_PARTS;
use super::{MAX_REFUSED, slot_of};
use crate::memory::{EventKey, Place, StepKey, Steps, Strand};

/// The steps that complete a chain for which one step in one place of it may matter.
#[derive(Clone, Copy)]
pub(super) struct Ends<'a> {
    pub chain: &'static Chain,
    pub place: Place,
    pub step: StepKey,
    pub steps: &'a Steps,
}

impl Ends<'_> {
    /// Those that may be complete only with the step; or, if it comes `again`, those that it may be
    /// named in.
    pub fn all(self, again: bool) -> Vec<StepKey> {
        let Ends { chain, place, step, .. } = self;
        let mut ends: Vec<StepKey> = match &chain.kind {
            ChainKind::TemporalOrdered => {
                let members = chain.members.len();
                let last = Place { slot: slot_of(members - 1), ..place };
                if place == last {
                    vec![step]
                } else {
                    let before_last = place.slot == slot_of(members.saturating_sub(2));
                    self.of_last(last, again, before_last, members == 2)
                }
            }
            ChainKind::Temporal => self.of_any(again, usize::MAX),
            ChainKind::ValueCount(count, _) => {
                self.of_any(again, usize::try_from(*count).unwrap_or(usize::MAX))
            }
            ChainKind::EventCount(count) => self.counted(*count),
        };
        ends.push(step);
        ends.sort_unstable();
        ends.dedup();
        if again {
            bound_refused(&mut ends);
        }
        ends
    }

    /// The last time for which the step is in the window.
    fn until(&self) -> i64 {
        self.step.time.saturating_add(self.chain.window)
    }

    /// The next step of the same slot, and the one before.
    fn neighbours(&self) -> (Option<StepKey>, Option<StepKey>) {
        let (step, window) = (self.step, self.chain.window);
        let within = StepKey::last_at(self.until());
        let oldest = StepKey::first_at(step.time.saturating_sub(window));
        let next = self.steps.in_slot(self.place, step, within).find(|next| *next != step);
        let before = self.steps.in_slot(self.place, oldest, step).rev().find(|key| *key != step);
        (next, before)
    }

    /// From when on what the step before in the slot does is over.
    fn since(&self, before: Option<StepKey>) -> StepKey {
        match before {
            Some(before) => {
                let over = before.time.saturating_add(self.chain.window).saturating_add(1);
                StepKey::first_at(over.max(self.step.time))
            }
            None => StepKey::first_at(self.step.time),
        }
    }

    /// In order, only the last member completes. Equal times satisfy the order.
    fn of_last(&self, last: Place, again: bool, before_last: bool, two: bool) -> Vec<StepKey> {
        let first = StepKey::first_at(self.step.time);
        let within = StepKey::last_at(self.until());
        let (next, before) = self.neighbours();
        // The next step of the slot does for what follows it what this one would.
        let to = match next.filter(|_| before_last) {
            Some(next) => StepKey::last_at(next.time.saturating_sub(1)),
            None => within,
        };
        if again {
            // It is named where it is one of the newest of its slot.
            let mut later = self.steps.in_slot(self.place, self.step, within);
            let beyond = later.nth(MAX_PARTS - 1).map(|key| key.time.saturating_sub(1));
            let named = beyond.map_or(within, StepKey::last_at).max(first);
            let ends = self.steps.in_slot(last, first, named);
            return ends.filter(|last| !last.refused || *last <= to).collect();
        }
        // With two members, so does the one before.
        let from = self.since(before.filter(|_| two));
        let mut ends: Vec<StepKey> = match from <= to {
            true => self.steps.in_slot(last, from, to).collect(),
            false => Vec::new(),
        };
        // But for an event that is itself that step: it does not come before itself.
        for same in [next, before].into_iter().flatten().filter(|key| key.time >= self.step.time) {
            let of_event = |of: fn(i64, EventKey) -> StepKey| of(same.time, same.event);
            let (first, last_of) = (of_event(StepKey::first_of), of_event(StepKey::last_of));
            ends.extend(self.steps.in_slot(last, first, last_of));
        }
        ends
    }

    /// In any order, each step completes; up to where there are so many other slots without this one.
    fn of_any(&self, again: bool, count: usize) -> Vec<StepKey> {
        let strand = self.place.strand;
        let within = StepKey::last_at(self.until());
        let (next, before) = self.neighbours();
        let to = next.unwrap_or(within);
        if again {
            let mut later = self.steps.between(strand, self.step, within);
            let named = later.nth(MAX_PARTS - 1).map_or(within, |(key, _)| key);
            let ends = self.steps.between(strand, self.step, named.max(to)).map(|(key, _)| key);
            return ends.filter(|last| !last.refused || *last <= to).collect();
        }
        let from = self.since(before).max(self.step);
        let mut others = BTreeSet::new();
        let ends = self.steps.between(strand, from, to);
        ends.take_while(|(_, slot)| {
            if *slot != self.place.slot && others.len() < count {
                others.insert(*slot);
            }
            others.len() < count
        })
        .map(|(key, _)| key)
        .collect()
    }

    /// From so many other events on the count is reached without this one.
    fn counted(&self, count: u64) -> Vec<StepKey> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let within = StepKey::last_at(self.until());
        let mut others = BTreeSet::new();
        let ends = self.steps.between(self.place.strand, self.step, within);
        ends.map(|(key, _)| key)
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
pub(super) fn bound_refused(ends: &mut Vec<StepKey>) {
    let refused = ends.iter().filter(|last| last.refused).count();
    let mut over = refused.saturating_sub(MAX_REFUSED);
    ends.retain(|last| {
        let is_over = last.refused && over > 0;
        over -= usize::from(is_over);
        !is_over
    });
}

/// Whether a chain is whole with this step, which stands in it, as its last.
pub(super) fn is_complete(chain: &Chain, strand: Strand, last: StepKey, steps: &Steps) -> bool {
    let ordered = chain.kind == ChainKind::TemporalOrdered;
    let is_last = |place: &Place| {
        place.strand == strand && (!ordered || place.slot == slot_of(chain.members.len() - 1))
    };
    if !steps.get(&last).is_some_and(|step| step.places.iter().any(|(place, _)| is_last(place))) {
        return false;
    }
    let oldest = StepKey::first_at(last.time.saturating_sub(chain.window));
    let any = |slot| steps.in_slot(Place { strand, slot }, oldest, last).next().is_some();
    match &chain.kind {
        ChainKind::Temporal => (0..chain.members.len()).map(slot_of).all(any),
        ChainKind::TemporalOrdered => {
            // Backwards, each member as late as it may be; equal times satisfy the order.
            let mut before = last;
            (0..chain.members.len() - 1).rev().map(slot_of).all(|slot| {
                let upto = StepKey::last_at(before.time);
                let mut earlier = steps.in_slot(Place { strand, slot }, oldest, upto).rev();
                let step = earlier.find(|key| key.event != before.event);
                step.map(|key| before = key).is_some()
            })
        }
        ChainKind::EventCount(least) => {
            let least = usize::try_from(*least).unwrap_or(usize::MAX);
            let mut events = BTreeSet::new();
            let mut keys = steps.between(strand, oldest, last);
            keys.any(|(key, _)| {
                events.insert(key.event);
                events.len() >= least
            })
        }
        ChainKind::ValueCount(least, _) => {
            let least = usize::try_from(*least).unwrap_or(usize::MAX);
            steps.slots(strand).filter(|slot| any(*slot)).take(least).count() == least
        }
    }
}
