//! When terms were seen, exactly enough to say whether they are new.
//!
//! Time is cut into intervals as long as the window, and an interval keeps the first and the last sighting
//! in it. A sighting is within the window of a time only if it is in the same interval (then it always
//! is), or the last of the interval before, or the first of the interval after. So two times an interval answer
//! as exactly as all sightings would, and intervals, being sets of a least and a greatest value, merge
//! in any order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest128;

/// The key of sightings: ordered by time first, so that the oldest go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Interval {
    /// The interval's first second.
    pub start: i64,
    /// The terms.
    pub term: Digest128,
}

/// The sightings of all terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms(BTreeMap<Interval, (i64, i64)>);

impl Terms {
    /// Remembers a sighting; says whether there was one within the window, before or after it, other than
    /// within the grace, in which a term is still new.
    pub fn observe_term(&mut self, term: Digest128, time: i64, window: i64, grace: i64) -> bool {
        // Nothing is within no time: the compiler refuses such a window, and a pack made otherwise
        // does not stop the detector.
        let window = window.max(1);
        let start = time.div_euclid(window).saturating_mul(window);
        let at = |start: Option<i64>| start.and_then(|start| self.0.get(&Interval { start, term }));
        let new = |seen: i64| grace > 0 && seen.abs_diff(time) <= grace.unsigned_abs();
        let seen = at(Some(start)).is_some_and(|(first, _)| !new(*first))
            || at(start.checked_sub(window))
                .is_some_and(|(first, last)| time.saturating_sub(*last) <= window && !new(*first))
            || at(start.checked_add(window))
                .is_some_and(|(first, _)| first.saturating_sub(time) <= window && !new(*first));
        self.extend_interval(Interval { start, term }, time, time);
        seen
    }

    /// Drops the oldest until there are no more than so many; says how many went.
    pub fn evict_to(&mut self, most: usize) -> u64 {
        let mut gone: u64 = 0;
        while self.0.len() > most {
            self.0.pop_first();
            gone = gone.saturating_add(1);
        }
        gone
    }

    /// Each interval, in order, with the first and the last time in it.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Interval, i64, i64)> {
        self.0.iter().map(|(interval, (first, last))| (interval, *first, *last))
    }

    /// The number of intervals held.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Adds sightings of an interval: the first and the last.
    pub(super) fn extend_interval(&mut self, interval: Interval, first: i64, last: i64) {
        let times = self.0.entry(interval).or_insert((first, last));
        *times = (times.0.min(first), times.1.max(last));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW: i64 = 100;

    proptest! {
        /// Two times an interval answer as all sightings would.
        #[test]
        fn slots_answer_exactly(times in prop::collection::vec(-1000i64..1000, 0..40)) {
            let term = Digest128::new([7; 16]);
            let mut terms = Terms::default();
            let mut all: Vec<i64> = Vec::new();
            for time in times {
                let expected = all.iter().any(|seen| (seen - time).abs() <= WINDOW);
                prop_assert_eq!(terms.observe_term(term, time, WINDOW, 0), expected);
                all.push(time);
            }
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let mut terms = Terms::default();
        for time in [i64::MIN, i64::MIN + 1, 0, i64::MAX] {
            terms.observe_term(Digest128::new([0; 16]), time, 864_000, 0);
        }
        assert!(terms.count() >= 3);
    }
}
