//! The first look for interpreters, where an instruction costs what a vector of them costs elsewhere.
//!
//! The two texts that matter, `eventName` and a key with a name of ours, are nine bytes each: of the
//! eight pairs of neighbours in one, wherever it stands, just one begins at a multiple of eight. So one
//! pair in each word of eight bytes is looked up, and all words are searched for the backslash of an
//! escaped letter. Both are rare in records, and all else is decided there.

use super::{KEY, Prefilter};

/// How a key begins that the filter for Fluent Bit must give another name.
const OURS: &[u8; 9] = b"\"orgwatch";

/// For each pair of neighbours in the two texts, how far into its text it stands, from 1.
static PAIRS: [u8; 1 << 16] = {
    let mut pairs = [0; 1 << 16];
    let mut at = 0;
    while at < 8 {
        pairs[u16::from_le_bytes([KEY[at], KEY[at + 1]]) as usize] = at as u8 + 1;
        pairs[u16::from_le_bytes([OURS[at], OURS[at + 1]]) as usize] = at as u8 + 1;
        at += 1;
    }
    pairs
};

impl Prefilter {
    /// Whether [`document`](Self::document) may call this event a candidate, or whether it may have a
    /// key that begins with `orgwatch`.
    ///
    /// It says so too of events that are not JSON at all; it never says no to such a one.
    pub fn glance(&self, event: &[u8]) -> bool {
        let Some(last) = event.last_chunk() else {
            return true;
        };
        if self.everything {
            return true;
        }
        let mut at = 0;
        for block in event.as_chunks().0 {
            if is_marked(block) && self.look(event, at) {
                return true;
            }
            at += BLOCK;
        }
        // What is left over has been seen in part, and is less to look at than to sort out.
        is_marked(last) && self.look(event, event.len() - BLOCK)
    }

    /// Whether a marked block, which stands here, makes the event one to look at.
    #[inline(always)]
    fn look(&self, event: &[u8], mut at: usize) -> bool {
        for word in event[at..].as_chunks().0.iter().take(BLOCK / 8) {
            let pair = pair(word);
            if pair != 0 && self.is_text(event, (at + 1).wrapping_sub(pair.into())) {
                return true;
            }
            if has_backslash(slash(word)) && is_escape(event, at) {
                return true;
            }
            at += 8;
        }
        false
    }

    /// Whether one of the two texts stands here, and the name behind the key is a wanted one.
    #[inline(always)]
    fn is_text(&self, event: &[u8], start: usize) -> bool {
        let Some((text, rest)) = event.get(start..).and_then(<[u8]>::split_first_chunk) else {
            return false;
        };
        text == OURS || text == KEY && self.wants_value(rest)
    }
}

const BLOCK: usize = 32;

/// Whether a block has something to look at. At an instruction a word more or less, this is the price
/// of the filter.
#[inline(always)]
fn is_marked(block: &[u8; BLOCK]) -> bool {
    let [a, b, c, d] = block.as_chunks().0 else {
        return true;
    };
    pair(a) | pair(b) | pair(c) | pair(d) != 0
        || has_backslash(slash(a) | slash(b) | slash(c) | slash(d))
}

#[inline(always)]
fn pair(word: &[u8; 8]) -> u8 {
    PAIRS[usize::from(u16::from_le_bytes([word[0], word[1]]))]
}

/// Of each byte its difference from a backslash, less one: a high bit says that there is none, or that
/// a byte is not ASCII, which is as rare in records.
#[inline(always)]
fn slash(word: &[u8; 8]) -> u64 {
    const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
    (u64::from_le_bytes(*word) ^ BACKSLASHES).wrapping_sub(u64::from_le_bytes([1; 8]))
}

#[inline(always)]
fn has_backslash(slashes: u64) -> bool {
    slashes & u64::from_le_bytes([0x80; 8]) != 0
}

/// Whether a letter of this word is, or begins, an escaped one.
fn is_escape(event: &[u8], at: usize) -> bool {
    let escaped =
        |at| matches!(event.get(at..at + 5), Some([b'\\', b'u', b'0', b'0', b'4'..=b'7']));
    (at..at + 8).any(escaped)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Verdict;
    use super::*;

    fn filter() -> Prefilter {
        let names = ["leaveorganization".to_owned(), "stoplogging".to_owned()];
        Prefilter::new([names.as_slice()].into_iter())
    }

    #[test]
    fn no_backslash_is_missed_next_to_anything() {
        for other in 0..=255 {
            for at in 0..8 {
                let mut bytes = [other; 8];
                bytes[at] = b'\\';
                assert!(has_backslash(slash(&bytes)), "{other:x} {at}");
            }
            if other.is_ascii() {
                assert_eq!(has_backslash(slash(&[other; 8])), other == b'\\', "{other:x}");
            }
        }
    }

    #[test]
    fn our_keys_are_found_wherever_they_stand() {
        for pad in 0..100 {
            for key in
                ["orgwatch", "orgwatch_severity", "\\u006frgwatch", "orgwatc\\u0068", "another"]
            {
                let (before, after) = ("x".repeat(pad), "y".repeat(99 - pad));
                let event = format!(r#"{{"before":"{before}","{key}":"{after}"}}"#);
                assert_eq!(filter().glance(event.as_bytes()), key != "another", "{event}");
            }
        }
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        for pad in 0..70 {
            for (name, wanted) in [("LeaveOrganization", true), ("DescribeInstances", false)] {
                let event = format!(r#"{{"p":"{}","eventName":"{name}"}}"#, "ü".repeat(pad));
                assert_eq!(filter().glance(event.as_bytes()), wanted, "{event}");
            }
        }
    }

    #[test]
    fn every_event_of_the_pack_is_found_in_any_case() {
        let rules = || crate::rules::pack().rules.iter().map(|rule| rule.event_names.as_slice());
        let filter = Prefilter::new(rules());
        for name in rules().flatten() {
            for name in [name.to_uppercase(), name.clone()] {
                let event = format!(r#"{{"eventName":"{name}","eventSource":"x"}}"#);
                assert!(filter.glance(event.as_bytes()), "{event}");
                let event = format!(r#"{{"log":"{{\"eventName\": \"{name}\"}}"}}"#);
                assert!(filter.glance(event.as_bytes()), "{event}");
            }
        }
        assert!(!filter.glance(br#"{"eventName":"DescribeInstances","eventSource":"x"}"#));
    }

    proptest! {
        /// What the thorough look would have parsed, this one lets pass.
        #[test]
        fn nothing_wanted_is_lost(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "\"eventName\"", "\\\"eventName\\\"", ":", " ", "\\n", "\"StopLogging\"",
                "\\\"LEAVEORGANIZATION\\\"", "\"Other\"", "eventName", "\\u004c", "N", "ü", "{", "}",
                "\"e\\u0076entName\"", "\"Kelvin\u{212a}\"", "\"orgwatch",
            ]), 0..30),
        ) {
            let event = format!("{{{}}}", pieces.concat());
            let wanted = filter().document(event.as_bytes()) == Verdict::Candidate;
            if wanted || event.contains("\"orgwatch") {
                prop_assert!(filter().glance(event.as_bytes()), "{}", event);
            }
        }
    }
}
