//! How many of what.

use std::collections::BTreeMap;

/// Names and how often each was seen. Names come from events, so there may be any number of them:
/// beyond a thousand they are counted together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    named: BTreeMap<String, u64>,
    /// How often any name was seen that is not among the first thousand.
    pub others: u64,
}

const MOST_NAMES: usize = 1000;

impl Tally {
    /// Counts a name so many times more.
    pub fn add(&mut self, name: &str, count: u64) {
        if let Some(counted) = self.named.get_mut(name) {
            *counted += count;
        } else if self.named.len() < MOST_NAMES {
            self.named.insert(name.to_owned(), count);
        } else {
            self.others += count;
        }
    }

    pub(crate) fn add_all(&mut self, other: &Tally) {
        other.named.iter().for_each(|(name, count)| self.add(name, *count));
        self.others += other.others;
    }

    /// The names and their counts, the most frequent first.
    pub fn ranked(&self) -> Vec<(&str, u64)> {
        let mut ranked: Vec<_> = self.named.iter().map(|(name, count)| (&**name, *count)).collect();
        // Stable, so that equals stay in the order of their names.
        ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_come_first_and_memory_is_bounded() {
        let mut tally = Tally::default();
        for (name, count) in [("b", 2), ("a", 1), ("c", 2), ("a", 3)] {
            tally.add(name, count);
        }
        assert_eq!(tally.ranked(), [("a", 4), ("b", 2), ("c", 2)]);
        for number in 0..2 * MOST_NAMES {
            tally.add(&number.to_string(), 1);
        }
        assert_eq!((tally.ranked().len(), tally.others), (MOST_NAMES, MOST_NAMES as u64 + 3));
    }
}
