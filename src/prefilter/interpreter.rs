//! The prefilter for interpreters, where an instruction costs what a vector of them costs elsewhere.
//!
//! Two texts matter, `eventName` and a key with a name of ours, and in each, wherever it stands, one
//! of eight pairs of neighbours begins at a multiple of eight. So it is enough to look up one pair in
//! each word of eight bytes. Most records have ten such pairs, and one of them is of `eventName`.
//!
//! Fluent Bit writes the JSON of records itself and escapes no letter. Only in JSON that is text in a
//! record can letters be escaped, and there the backslash is: `\\u0065`, which with the two neighbours
//! has eight pairs as well.

use std::hint::black_box;

use super::lines::Spelling;
use super::name_prefix::splat;
use super::names::Name;
use super::{KEY, Prefilter, forms};
use crate::heartbeat;

/// The beginning of a key that the filter for Fluent Bit must give another name.
const RESERVED_KEY: &[u8; 9] = b"\"orgwatch";

const KEY_WORD: u64 = u64::from_le_bytes(*KEY.first_chunk().unwrap());
const RESERVED_WORD: u64 = u64::from_le_bytes(*RESERVED_KEY.first_chunk().unwrap());

/// The distance between the pairs that are looked up.
const STRIDE: usize = 8;

/// For each pair of neighbours in the two texts, its place in its text, from 1; or [`ESCAPED`] for one of
/// those in an escaped letter of `eventName`, or between it and its neighbours.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it, and refuses what would panic"
)]
static PAIRS: [u8; 1 << 16] = {
    let mut pairs = [0; 1 << 16];
    let mut at = 0;
    while at < KEY.len() {
        let first = b'0' + KEY[at] / 16;
        let mut alphabet = 0;
        while alphabet < 2 {
            let last = [b"0123456789abcdef", b"0123456789ABCDEF"][alphabet][KEY[at] as usize % 16];
            let escape = [b'\\', b'\\', b'u', b'0', b'0', first, last, b'\\'];
            let mut digit = 0;
            while digit + 1 < escape.len() {
                pairs[pair(escape[digit], escape[digit + 1])] = ESCAPED;
                digit += 1;
            }
            let after = if at + 1 < KEY.len() { KEY[at + 1] } else { b'"' };
            pairs[pair(last, after)] = ESCAPED;
            let before = if at > 0 { KEY[at - 1] } else { b'"' };
            pairs[pair(before, b'\\')] = ESCAPED;
            alphabet += 1;
        }
        at += 1;
    }
    let mut at = 0;
    while at < STRIDE {
        pairs[pair(KEY[at], KEY[at + 1])] = at as u8 + 1;
        pairs[pair(RESERVED_KEY[at], RESERVED_KEY[at + 1])] = at as u8 + 1;
        at += 1;
    }
    pairs
};

const ESCAPED: u8 = 9;

const fn pair(first: u8, second: u8) -> usize {
    u16::from_le_bytes([first, second]) as usize
}

impl Prefilter {
    /// Whether a record in this event, as Fluent Bit writes it, may have an `eventName` that a rule
    /// wants, or a key that begins with a name of ours.
    ///
    /// It says so too of events that are not JSON at all; it never says no to such a one.
    pub fn may_match(&self, event: &[u8]) -> bool {
        let mut at = 0;
        let mut aside = false;
        while let Some((found, place)) = next_pair(event, at) {
            if self.is_of_interest(event, found, place, &mut aside) {
                return true;
            }
            at = found.saturating_add(STRIDE);
        }
        event.len() < KEY.len()
            || aside && self.mentions(event).is_some()
            || heartbeat::may_be(event)
            || self.takes_any(event, Spelling::default())
            || self.may_match_other_form(event)
    }

    /// Whether a record in another form than CloudTrail's own may be wanted.
    #[inline(never)]
    fn may_match_other_form(&self, event: &[u8]) -> bool {
        let wants = |rest: &[u8]| self.wants_behind(event, rest, &mut false);
        !forms::is_plain(event) && self.forms.look(event, wants).wanted
    }

    /// Whether the pair at this offset is part of a text, in which it has this place, and the name behind
    /// the key is a wanted one. Takes note of a key that is none.
    #[inline(always)]
    fn is_of_interest(&self, event: &[u8], at: usize, place: u8, aside: &mut bool) -> bool {
        if place == ESCAPED {
            return has_backslash(event, at) && is_near_escape(event, at);
        }
        let start = at.wrapping_add(1).wrapping_sub(place.into());
        // Compared as one number: an array would be compared byte for byte.
        let text = event.get(start..).and_then(<[u8]>::split_first_chunk);
        match text.map(|(text, rest)| (u64::from_le_bytes(*text), rest)) {
            Some((RESERVED_WORD, [b'h', ..])) => true,
            Some((KEY_WORD, [b'e', rest @ ..])) => {
                self.prefixes.may_want(rest) && self.wants_behind(event, rest, aside)
            }
            _ => false,
        }
    }

    /// A function of its own: an interpreter sets up the whole frame of one that is called, and this
    /// one is seldom.
    #[inline(never)]
    fn wants_behind(&self, event: &[u8], rest: &[u8], aside: &mut bool) -> bool {
        let name = self.name_behind(rest);
        *aside |= name == Name::NoKey;
        self.may_want(name, event)
    }
}

/// The first pair from here on that stands in a text: its offset, and its place in its text. Three
/// instructions a pair, and a few for each block of them, are the price of the filter.
#[inline(always)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "offsets into an event, which is shorter than half of what a usize counts"
)]
fn next_pair(event: &[u8], mut at: usize) -> Option<(usize, u8)> {
    macro_rules! blocks_of {
        ($words:literal: $($nth:literal)*) => {
            while let Some(block) = event.get(at..).and_then(<[u8]>::first_chunk) {
                // Without this the compiler adds up each pair's address, where the instruction that
                // loads it has room for the distance: one more for each pair.
                let block: &[u8; $words * STRIDE] = black_box(block);
                $(
                    let place = look_up(block, $nth * STRIDE);
                    if place != 0 {
                        return Some((at + $nth * STRIDE, place));
                    }
                )*
                at += $words * STRIDE;
            }
        };
    }
    blocks_of!(16: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    blocks_of!(4: 0 1 2 3);
    while let Some(pair) = event.get(at..).and_then(<[u8]>::first_chunk::<2>) {
        let place = look_up(pair, 0);
        if place != 0 {
            return Some((at, place));
        }
        at += STRIDE;
    }
    None
}

#[inline(always)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "each caller asks for a literal place in its block, and there is an entry for every pair"
)]
fn look_up<const N: usize>(block: &[u8; N], at: usize) -> u8 {
    PAIRS[pair(block[at], block[at + 1])]
}

/// Whether there is a backslash in the word before this place or the one here, or a byte that is not
/// ASCII.
#[inline(always)]
fn has_backslash(event: &[u8], at: usize) -> bool {
    let Some(around) = event.get(at.wrapping_sub(8)..).and_then(<[u8]>::first_chunk::<16>) else {
        return true;
    };
    let [before, here] = around.as_chunks().0 else {
        return true;
    };
    let differ = |word: &[u8; 8]| (u64::from_le_bytes(*word) ^ splat(b'\\')).wrapping_sub(splat(1));
    (differ(before) | differ(here)) & splat(0x80) != 0
}

/// Whether an escaped letter begins within the word before this place or the one here.
#[inline(never)]
fn is_near_escape(event: &[u8], at: usize) -> bool {
    let rest = |at: usize| event.get(at..).unwrap_or_default();
    let escape = |at| matches!(rest(at), [b'\\', b'u', b'0', b'0', b'4'..=b'7', ..]);
    (at.saturating_sub(8)..at.saturating_add(8)).any(escape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Verdict;
    use super::*;

    fn filter() -> Prefilter {
        Prefilter::of_names(vec!["leaveorganization", "stoplogging"])
    }

    #[test]
    fn our_keys_are_found_wherever_they_stand() {
        for pad in 0..100 {
            for key in ["orgwatch", "orgwatch_severity", "another"] {
                let (before, after) = ("x".repeat(pad), "y".repeat(99 - pad));
                let event = format!(r#"{{"before":"{before}","{key}":"{after}"}}"#);
                assert_eq!(filter().may_match(event.as_bytes()), key != "another", "{event}");
            }
        }
    }

    /// Every way to write the key, wherever it stands, as it is and in JSON that is text.
    #[test]
    fn the_key_is_found_however_it_is_written() {
        for (escaped, upper) in (0..1 << KEY.len()).flat_map(|n| [(n, true), (n, false)]) {
            let letter = |(at, byte): (usize, &u8)| match (escaped >> at & 1 == 1, upper) {
                (false, _) => char::from(*byte).to_string(),
                (true, false) => format!("\\\\u{byte:04x}"),
                (true, true) => format!("\\\\u{byte:04X}"),
            };
            let key: String = KEY.iter().enumerate().map(letter).collect();
            for pad in 0..8 {
                let (before, after) = (" ".repeat(pad), " ".repeat(40 - pad));
                let event = format!(r#"{{"log":"{{{before}\"{key}\":\"StopLogging\"{after}}}"}}"#);
                assert!(filter().may_match(event.as_bytes()), "{event}");
            }
        }
    }

    #[test]
    fn names_are_found_wherever_they_stand() {
        for pad in 0..70 {
            for (name, wanted) in [("LeaveOrganization", true), ("DescribeInstances", false)] {
                let event = format!(r#"{{"p":"{}","eventName":"{name}"}}"#, "ü".repeat(pad));
                assert_eq!(filter().may_match(event.as_bytes()), wanted, "{event}");
            }
        }
    }

    #[test]
    fn every_event_of_the_pack_is_found_in_any_case() {
        let pack = crate::rules::builtin_pack();
        let filter = Prefilter::new(pack.rules.iter(), &[]);
        let rare = pack.rare_names();
        let is_rare = |name: &&String| rare.iter().any(|(rare, _)| rare == name);
        for name in pack.rules.iter().flat_map(|rule| &rule.event_names).filter(|it| !is_rare(it)) {
            for name in [name.to_uppercase(), name.clone()] {
                let event = format!(r#"{{"eventName":"{name}","eventSource":"x"}}"#);
                assert!(filter.may_match(event.as_bytes()), "{event}");
                let event = format!(r#"{{"log":"{{\"eventName\": \"{name}\"}}"}}"#);
                assert!(filter.may_match(event.as_bytes()), "{event}");
            }
        }
        assert!(!filter.may_match(br#"{"eventName":"DescribeInstances","eventSource":"x"}"#));
    }

    #[test]
    fn a_rare_name_takes_a_text_beside_it() {
        let filter = Prefilter::of_names(vec!["assumerole", "leaveorganization"])
            .with_rare([("assumerole", vec!["OrganizationAccountAccessRole"])]);
        for (name, role, wanted) in [
            ("AssumeRole", "OrganizationAccountAccessRole", true),
            ("AssumeRole", "Reader", false),
            ("LeaveOrganization", "Reader", true),
            ("Other", "OrganizationAccountAccessRole", false),
            ("AssumeRole", "\\u004frganizationAccountAccessRole", true),
        ] {
            for event in [
                format!(r#"{{"p":"x","eventName":"{name}","roleArn":"a:role/{role}"}}"#),
                format!(r#"{{"log":"{{\"eventName\": \"{name}\",\"roleArn\":\"{role}\"}}"}}"#),
            ] {
                assert_eq!(filter.may_match(event.as_bytes()), wanted, "{event}");
                let verdict = filter.document(event.as_bytes());
                assert_eq!(verdict == Verdict::Candidate, wanted, "{event}");
            }
        }
    }

    #[test]
    fn a_name_too_short_for_two_words_is_found() {
        let filter = Prefilter::of_names(vec!["getroot", "leaveorganization"]);
        for (name, wanted) in [("GetRoot", true), ("LeaveOrganization", true), ("Get", false)] {
            let event = format!(r#"{{"eventName":"{name}","eventSource":"x"}}"#);
            assert_eq!(filter.may_match(event.as_bytes()), wanted, "{event}");
        }
    }

    proptest! {
        /// This filter lets pass whatever the thorough one does; but for escapes that are
        /// not in the key, which is where they can hide a record.
        #[test]
        fn nothing_wanted_is_lost(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "\"eventName\"", "\\\"eventName\\\"", ":", " ", "\\n", "\"StopLogging\"",
                "\\\"LEAVEORGANIZATION\\\"", "\"Other\"", "eventName", "N", "ü", "{", "}",
                "\"eventName\":\"\\u004ceave", "\\\"e\\\\u0076entName\\\"", "\"Kelvin\u{212a}\"",
                "\"orgwatch",
            ]), 0..30),
        ) {
            let event = format!("{{{}}}", pieces.concat());
            let wanted = filter().document(event.as_bytes()) == Verdict::Candidate;
            if wanted || event.contains("\"orgwatch") {
                prop_assert!(filter().may_match(event.as_bytes()), "{}", event);
            }
        }
    }
}
