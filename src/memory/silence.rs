//! When accounts were last seen, for those whose silence is to be told.
//!
//! Every time is the greatest that was seen, so that memories merge in any order. There is an entry for each
//! account that the settings name, and no other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The times of one account, in seconds since 1970; the least where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// When it was last seen.
    pub seen: i64,
    /// Up to which time its silence was told: until it is seen again, not twice.
    pub told: i64,
    /// When it was last known to leave the organization.
    pub left: i64,
}

impl Voice {
    const NONE: Voice = Voice { seen: i64::MIN, told: i64::MIN, left: i64::MIN };
}

/// The accounts that were seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Voices {
    of: BTreeMap<String, Voice>,
    /// The time up to which silence was looked for; it follows from the rest, and is not saved.
    looked: Option<i64>,
}

impl Voices {
    /// Remembers that an account was seen at a time.
    pub fn spoke(&mut self, account: &str, time: i64) {
        self.add(account, Voice { seen: time, ..Voice::NONE });
    }

    /// Remembers that an account left its organization at a time.
    pub fn left(&mut self, account: &str, time: i64) {
        self.add(account, Voice { left: time, ..Voice::NONE });
    }

    /// Adds the times of an account: of each the greater stays.
    pub fn add(&mut self, account: &str, times: Voice) {
        if let Some(known) = self.of.get_mut(account) {
            *known = Voice {
                seen: known.seen.max(times.seen),
                told: known.told.max(times.told),
                left: known.left.max(times.left),
            };
        } else {
            self.of.insert(account.to_owned(), times);
        }
    }

    /// Whether it is time to look for silence again: at every event would be often where many accounts are
    /// named.
    pub fn is_due(&mut self, time: i64, after: i64) -> bool {
        let apart = (self.of.len() as i64).saturating_mul(after) / 20_000;
        let due = self.looked.is_none_or(|looked| time > looked.saturating_add(apart));
        if due {
            self.looked = Some(time);
        }
        due
    }

    /// The accounts that fell silent, with their times, and are told from now on: those that the newest of
    /// the others is ahead of by more than `ahead`. A time that is ahead of the median of the others by
    /// more than twice that moves nothing.
    pub fn fallen(&mut self, ahead: i64) -> Vec<(String, Voice)> {
        let seen = self.of.values().map(|voice| voice.seen).filter(|seen| *seen > i64::MIN);
        let mut times: Vec<i64> = seen.collect();
        times.sort_unstable();
        let mut fallen = Vec::new();
        for (account, voice) in &mut self.of {
            if voice.seen == i64::MIN || voice.told >= voice.seen {
                continue;
            }
            let own = times.partition_point(|time| *time < voice.seen);
            let Some(middle) = times.len().checked_sub(2).map(|others| others / 2) else {
                continue;
            };
            let middle = if own <= middle { middle.saturating_add(1) } else { middle };
            let Some(median) = times.get(middle) else { continue };
            let limit = median.saturating_add(ahead.saturating_mul(2));
            let near = times.partition_point(|time| *time <= limit);
            // Its own place counts for nothing, and is the last only if nobody is ahead of it.
            let newest = times.get(near.saturating_sub(1)).copied().unwrap_or(i64::MIN);
            if newest.saturating_sub(voice.seen) > ahead {
                voice.told = voice.seen;
                fallen.push((account.clone(), *voice));
            }
        }
        fallen
    }

    /// Each account, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Voice)> {
        self.of.iter().map(|(account, voice)| (account.as_str(), *voice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AHEAD: i64 = 100;

    fn voices(times: &[(&str, i64)]) -> Voices {
        let mut voices = Voices::default();
        times.iter().for_each(|(account, time)| voices.spoke(account, *time));
        voices
    }

    fn fallen(voices: &mut Voices) -> Vec<String> {
        voices.fallen(AHEAD).into_iter().map(|(account, _)| account).collect()
    }

    #[test]
    fn who_falls_behind_is_told_once_until_it_speaks_again() {
        let mut some = voices(&[("a", 0), ("b", 0), ("c", 50)]);
        assert!(fallen(&mut some).is_empty());
        some.spoke("b", 100);
        some.spoke("c", 101);
        assert_eq!(fallen(&mut some), ["a"]);
        assert!(fallen(&mut some).is_empty());
        some.spoke("a", 90);
        some.spoke("c", 191);
        assert_eq!(fallen(&mut some), ["a"]);
    }

    #[test]
    fn one_clock_that_is_far_ahead_moves_nothing() {
        let mut some = voices(&[("a", 0), ("b", 10), ("c", 1_000_000), ("d", 20)]);
        assert!(fallen(&mut some).is_empty());
        // Nor does it keep silence from being found.
        some.spoke("b", 150);
        some.spoke("d", 160);
        assert_eq!(fallen(&mut some), ["a"]);
    }

    #[test]
    fn one_that_is_left_tells_of_the_others() {
        let mut some = voices(&[("a", 0), ("b", 10), ("c", 120)]);
        assert_eq!(fallen(&mut some), ["a", "b"]);
        assert!(fallen(&mut voices(&[("a", 0)])).is_empty());
        assert!(fallen(&mut Voices::default()).is_empty());
    }
}
