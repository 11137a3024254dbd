//! The alerts that were given: which findings opened which class.
//!
//! What goes first when there are too many is the oldest day, whole, and nothing of it or of an older
//! day is taken any more: the last day that went is kept and merged, so that what is left does not
//! depend on the order. A class that is not remembered alerts again, so that room never costs an alert.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::groups::{GREATEST, LEAST};
use crate::digest::Digest128;

/// An alert: a finding that opened a class. Ordered by the day of the finding's incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alert {
    /// The day, of the Julian calendar; the least for a finding without a time.
    pub day: i64,
    /// The class: what alerts once.
    pub class: Digest128,
    /// The finding's id.
    pub finding: Digest128,
}

/// All alerts.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    kept: BTreeSet<Alert>,
    /// The last day that went.
    gone: Option<i64>,
}

impl Alerts {
    /// Whether this finding opened this class.
    pub fn contains(&self, alert: &Alert) -> bool {
        self.kept.contains(alert)
    }

    /// The finding that opened a class; of several, the one with the least id.
    pub fn opener(&self, day: i64, class: Digest128) -> Option<Digest128> {
        let of = |finding| Alert { day, class, finding };
        self.kept.range(of(LEAST)..=of(GREATEST)).next().map(|alert| alert.finding)
    }

    /// Each alert, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Alert> {
        self.kept.iter()
    }

    /// The last day that went.
    pub fn gone(&self) -> Option<i64> {
        self.gone
    }

    /// Adds an alert, unless its day went.
    pub(super) fn add(&mut self, alert: Alert) {
        if self.gone.is_none_or(|gone| alert.day > gone) {
            self.kept.insert(alert);
        }
    }

    /// Drops all days up to one; says how many alerts went.
    pub(super) fn forget(&mut self, day: Option<i64>) -> u64 {
        self.gone = self.gone.max(day);
        let Some(gone) = self.gone else { return 0 };
        let mut count: u64 = 0;
        while self.kept.first().is_some_and(|alert| alert.day <= gone) {
            self.kept.pop_first();
            count = count.saturating_add(1);
        }
        count
    }

    /// Drops the oldest days until there are no more than so many alerts; says how many went.
    pub(super) fn evict_to(&mut self, most: usize) -> u64 {
        let mut count: u64 = 0;
        while self.kept.len() > most {
            count = count.saturating_add(self.forget(self.kept.first().map(|alert| alert.day)));
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 6;

    fn merged(lists: &[&Alerts]) -> (Option<i64>, Vec<Alert>) {
        let mut all = Alerts::default();
        for one in lists {
            all.forget(one.gone());
            for alert in one.iter() {
                all.add(*alert);
                all.evict_to(MOST);
            }
        }
        (all.gone(), all.kept.into_iter().collect())
    }

    proptest! {
        /// A union, whatever is full: what is left depends on what was added and not on the order.
        #[test]
        fn alerts_merge_in_any_order(
            adds in prop::collection::vec((0..3usize, 0..4i64, 0..6u8), 0..60),
        ) {
            let mut parts = [Alerts::default(), Alerts::default(), Alerts::default()];
            let mut one = Alerts::default();
            for (part, day, class) in adds {
                let class = Digest128::new([class; 16]);
                let alert = Alert { day, class, finding: class };
                for alerts in [&mut parts[part], &mut one] {
                    alerts.add(alert);
                    alerts.evict_to(MOST);
                }
            }
            let [a, b, c] = &parts;
            let all = merged(&[a, b, c]);
            prop_assert_eq!(&merged(&[&one]), &all);
            prop_assert_eq!(&merged(&[c, a, b, a, c]), &all);
            prop_assert!(all.1.len() <= MOST);
        }
    }

    #[test]
    fn whole_days_go_and_do_not_come_back() {
        let alert = |day, class| Alert { day, class: Digest128::new([class; 16]), finding: LEAST };
        let mut alerts = Alerts::default();
        for one in [alert(1, 1), alert(1, 2), alert(2, 1)] {
            alerts.add(one);
        }
        assert_eq!(alerts.evict_to(2), 2);
        alerts.add(alert(1, 3));
        assert_eq!(alerts.iter().copied().collect::<Vec<_>>(), [alert(2, 1)]);
        assert_eq!(alerts.opener(2, Digest128::new([1; 16])), Some(LEAST));
        assert_eq!(alerts.opener(1, Digest128::new([1; 16])), None);
    }
}
