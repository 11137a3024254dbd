//! The first look for interpreters, where an instruction costs what a vector of them costs elsewhere.
//!
//! One pass in words of eight bytes looks for the two bytes that matter: the `N` of `eventName` and
//! the backslash of an escaped letter. Both are rare in records, and all else is decided there.

use super::{KEY, Prefilter};

const HIGH: u64 = splat(0x80);
/// Where in the key the byte stands that is looked for.
const N: usize = 5;

impl Prefilter {
    /// Whether [`document`](Self::document) may call this event a candidate.
    ///
    /// It says so too of events that are not JSON at all; it never says no to a candidate.
    pub fn glance(&self, event: &[u8]) -> bool {
        if self.everything {
            return true;
        }
        let (blocks, rest) = event.as_chunks::<32>();
        let mut at = 0;
        for block in blocks {
            let [a, b, c, d] = block.as_chunks::<8>().0 else {
                return true;
            };
            let (a, b, c, d) = (unlike(*a), unlike(*b), unlike(*c), unlike(*d));
            if a & b & c & d & HIGH != HIGH
                && (self.word(event, at, a)
                    || self.word(event, at + 8, b)
                    || self.word(event, at + 16, c)
                    || self.word(event, at + 24, d))
            {
                return true;
            }
            at += 32;
        }
        (at..at + rest.len()).any(|at| self.mark(event, at))
    }

    /// Whether a marked byte of the word that stands here makes the event a candidate.
    #[inline(always)]
    fn word(&self, event: &[u8], at: usize, unlike: u64) -> bool {
        let mut marks = !unlike & HIGH;
        while marks != 0 {
            if self.mark(event, at + marks.trailing_zeros() as usize / 8) {
                return true;
            }
            marks &= marks - 1;
        }
        false
    }

    fn mark(&self, event: &[u8], at: usize) -> bool {
        match event[at] {
            b'N' => {
                let start = at.wrapping_sub(N);
                let rest = event.get(start..).and_then(|rest| rest.strip_prefix(KEY));
                rest.is_some_and(|rest| self.heads.may_want(rest) && self.wants_value(rest))
            }
            b'\\' => matches!(event.get(at + 1..at + 5), Some([b'u', b'0', b'0', b'4'..=b'7'])),
            _ => false,
        }
    }
}

/// How the wanted names begin: most others are told from them by two words, unhashed and unread.
#[derive(Debug)]
pub(super) struct Heads {
    /// A bit for the hash of each; none if there is a name too short for this.
    bits: Option<Box<[u64; 64]>>,
    /// Where the second word begins. The two reach at most one byte beyond the shortest name: its
    /// quote.
    second: usize,
}

impl Heads {
    /// For names in lower case.
    pub(super) fn new(names: &[&str]) -> Self {
        let shortest = names.iter().map(|name| name.len()).min().unwrap_or(0);
        let mut heads = Heads { bits: None, second: (shortest + 1).clamp(8, 16) - 8 };
        if shortest >= 8 && names.iter().all(|name| name.is_ascii()) {
            let mut bits = Box::new([0; 64]);
            for name in names {
                let quoted = [name.as_bytes(), b"\""].concat();
                if let Some(hash) = heads.hash(&quoted) {
                    bits[hash / 64] |= 1 << (hash % 64);
                }
            }
            heads.bits = Some(bits);
        }
        heads
    }

    /// Whether what follows an `eventName` may be the beginning of a wanted value: false only for a
    /// plain `":"` and a name that begins otherwise.
    fn may_want(&self, rest: &[u8]) -> bool {
        let (Some(bits), Some(name)) = (&self.bits, rest.strip_prefix(b"\":\"")) else {
            return true;
        };
        self.hash(name).is_none_or(|hash| bits[hash / 64] >> (hash % 64) & 1 == 1)
    }

    /// 12 bits of a name's beginning in any case. `None` where it is not what it reads as: letters
    /// beyond ASCII, escapes, or none of the record left.
    fn hash(&self, name: &[u8]) -> Option<usize> {
        let (first, second) = (name.first_chunk()?, name.get(self.second..)?.first_chunk()?);
        let (first, second) = (u64::from_le_bytes(*first), u64::from_le_bytes(*second));
        let backslashes = differs(first, b'\\') & differs(second, b'\\');
        if (first | second) & HIGH != 0 || backslashes & HIGH != HIGH {
            return None;
        }
        let lower = splat(0x20);
        let mixed = (first | lower).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (second | lower);
        Some((mixed.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 52) as usize)
    }
}

/// The high bit of each byte that is neither an `N` nor a backslash, nor one of the few that are the
/// same to this look: one comparison for both halves the work. Under the mask no byte reaches 0x80,
/// so that adding 0x7f sets the high bit of every byte but zero and carries nothing over.
fn unlike(word: [u8; 8]) -> u64 {
    const MASK: u64 = splat(!(b'N' ^ b'\\') & 0x7f);
    const LIKE: u64 = splat(b'N') & MASK;
    ((u64::from_le_bytes(word) & MASK) ^ LIKE) + !HIGH
}

/// The high bit of each byte that is another, if all are ASCII.
fn differs(word: u64, byte: u8) -> u64 {
    (word ^ splat(byte)).wrapping_add(!HIGH)
}

const fn splat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
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
    fn no_mark_is_missed_next_to_anything() {
        for other in 0..=255 {
            for (at, byte) in (0..8).flat_map(|at| [(at, b'N'), (at, b'\\')]) {
                let mut bytes = [other; 8];
                bytes[at] = byte;
                let like = other & !0x80 & !(b'N' ^ b'\\') == b'N' & b'\\';
                let expected = if like { HIGH } else { 0x80 << (at * 8) };
                assert_eq!(!unlike(bytes) & HIGH, expected, "{other:x} {at}");
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
    fn a_name_too_short_for_two_words_is_found() {
        let names = ["getroot".to_owned(), "leaveorganization".to_owned()];
        let filter = Prefilter::new([names.as_slice()].into_iter());
        for (name, wanted) in [("GetRoot", true), ("LeaveOrganization", true), ("Get", false)] {
            let event = format!(r#"{{"eventName":"{name}"}}"#);
            assert_eq!(filter.glance(event.as_bytes()), wanted, "{event}");
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
                "\"e\\u0076entName\"", "\"Kelvin\u{212a}\"",
            ]), 0..30),
        ) {
            let event = format!("{{{}}}", pieces.concat());
            if filter().document(event.as_bytes()) == Verdict::Candidate {
                prop_assert!(filter().glance(event.as_bytes()), "{}", event);
            }
        }
    }
}
