//! The types of organization policies that responses named.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest128;

/// The type of each policy, as of the newest event that named it.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    by_id: BTreeMap<Digest128, (i64, String)>,
    by_time: BTreeSet<(i64, Digest128)>,
}

impl Policies {
    /// Remembers the type that a policy had at a time.
    pub fn record(&mut self, id: Digest128, time: i64, kind: &str) {
        let known = self.by_id.entry(id).or_insert((i64::MIN, String::new()));
        // Two types at one time are settled without regard to order.
        if (known.0, known.1.as_str()) < (time, kind) {
            self.by_time.remove(&(known.0, id));
            *known = (time, kind.to_owned());
        }
        self.by_time.insert((known.0, id));
    }

    /// Drops those of the oldest events until there are no more than so many; says how many went.
    pub fn evict_to(&mut self, most: usize) -> u64 {
        let mut gone: u64 = 0;
        while self.by_id.len() > most {
            let Some((_, id)) = self.by_time.pop_first() else { break };
            self.by_id.remove(&id);
            gone = gone.saturating_add(1);
        }
        gone
    }

    /// The type of a policy.
    pub fn kind(&self, id: &Digest128) -> Option<&str> {
        self.by_id.get(id).map(|(_, kind)| kind.as_str())
    }

    /// The number of policies known.
    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    /// Each policy, in the order of ids, with the time and the type.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Digest128, i64, &str)> {
        self.by_id.iter().map(|(id, (time, kind))| (*id, *time, kind.as_str()))
    }
}
