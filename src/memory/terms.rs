//! When terms were seen, exactly enough to say whether they are new.
//!
//! Time is cut into slots as long as the window, and a slot keeps the first and the last sighting
//! in it. A sighting is within the window of a time only if it is in the same slot (then it always
//! is), or the last of the slot before, or the first of the slot after. So two times a slot answer
//! as exactly as all sightings would, and slots, being sets of a least and a greatest value, merge
//! in any order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::EventKey;

/// Where a sighting is kept: ordered by time first, so that the oldest go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slot {
    /// The slot's first second.
    pub start: i64,
    /// The terms.
    pub term: EventKey,
}

/// The sightings of all terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms(BTreeMap<Slot, (i64, i64)>);

impl Terms {
    /// Remembers a sighting; says whether there was one within the window, before or after it.
    pub fn see(&mut self, term: EventKey, time: i64, window: i64) -> bool {
        // Nothing is within no time: the compiler refuses such a window, and a pack made otherwise
        // does not stop the detector.
        let window = window.max(1);
        let start = time.div_euclid(window).saturating_mul(window);
        let at = |start: Option<i64>| start.and_then(|start| self.0.get(&Slot { start, term }));
        let seen = at(Some(start)).is_some()
            || at(start.checked_sub(window))
                .is_some_and(|(_, last)| time.saturating_sub(*last) <= window)
            || at(start.checked_add(window))
                .is_some_and(|(first, _)| first.saturating_sub(time) <= window);
        self.widen(Slot { start, term }, time, time);
        seen
    }

    /// Drops the oldest until there are no more than so many; says how many went.
    pub fn shrink(&mut self, most: usize) -> u64 {
        let mut gone = 0;
        while self.0.len() > most {
            self.0.pop_first();
            gone += 1;
        }
        gone
    }

    /// Each slot, in order, with the first and the last time in it.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Slot, i64, i64)> {
        self.0.iter().map(|(slot, (first, last))| (slot, *first, *last))
    }

    /// How many slots are held.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Adds sightings of a slot: the first and the last.
    pub(super) fn widen(&mut self, slot: Slot, first: i64, last: i64) {
        let times = self.0.entry(slot).or_insert((first, last));
        *times = (times.0.min(first), times.1.max(last));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: i64 = 100;

    proptest! {
        /// Two times a slot answer as all sightings would.
        #[test]
        fn slots_answer_exactly(times in prop::collection::vec(-1000i64..1000, 0..40)) {
            let term = EventKey::new([7; 16]);
            let mut terms = Terms::default();
            let mut all: Vec<i64> = Vec::new();
            for time in times {
                let expected = all.iter().any(|seen| (seen - time).abs() <= WINDOW);
                prop_assert_eq!(terms.see(term, time, WINDOW), expected);
                all.push(time);
            }
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let mut terms = Terms::default();
        for time in [i64::MIN, i64::MIN + 1, 0, i64::MAX] {
            terms.see(EventKey::new([0; 16]), time, 864_000);
        }
        assert!(terms.count() >= 3);
    }
}
