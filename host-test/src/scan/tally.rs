//! How many of what.

use std::collections::BTreeMap;

use memchr::memmem;

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

/// The text that follows a key, the first of this name, by a look at the bytes: good enough to be
/// counted. It may stand in JSON inside text.
pub(super) fn value_of<'a>(event: &'a [u8], key: &[u8]) -> Option<&'a str> {
    let between = |byte: &u8| matches!(byte, b'\\' | b'"' | b':' | b' ');
    let rest = &event[memmem::find(event, key)? + key.len()..];
    let start = rest.iter().take(8).position(|byte| !between(byte))?;
    let value = rest[start..]
        .iter()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let end = start + value.count();
    std::str::from_utf8(&rest[start..end]).ok().filter(|value| !value.is_empty())
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

    #[test]
    fn a_value_is_found_as_it_may_stand() {
        for event in [
            r#"{"eventSource":"iam.amazonaws.com","a":1}"#,
            r#"{"eventSource" : "iam.amazonaws.com"}"#,
            r#"{"message":"{\"eventSource\": \"iam.amazonaws.com\"}"}"#,
        ] {
            let value = value_of(event.as_bytes(), b"eventSource");
            assert_eq!(value, Some("iam.amazonaws.com"), "{event}");
        }
        for event in [r#"{"eventSource":""}"#, r#"{"eventSource":{}}"#, "eventSource", "{}"] {
            assert_eq!(value_of(event.as_bytes(), b"eventSource"), None, "{event}");
        }
    }
}
