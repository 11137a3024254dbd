//! The names of events, as the prefilter tells them apart.

use hashbrown::HashTable;

use super::name_prefix::splat;

/// What an `eventName` names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// An event that a rule wants, or something that may be one.
    Wanted,
    /// One that a rule wants if the record has some text in it.
    Rare,
    /// No call of a service: notifications of S3 have a colon in it.
    Notification,
    Other,
    /// None: what stands there is no key of JSON with a text behind it.
    NoKey,
}

/// The names of events that rules want.
#[derive(Debug)]
pub(super) struct WantedNames {
    /// In lower case.
    names: HashTable<Box<[u8]>>,
    /// The length of the longest.
    longest: usize,
}

impl WantedNames {
    /// For names in lower case, each once.
    pub(super) fn new(wanted: &[&str]) -> Self {
        let mut names = HashTable::with_capacity(wanted.len());
        for name in wanted.iter().map(|name| name.as_bytes()) {
            names.insert_unique(hash(name), Box::<[u8]>::from(name), |name| hash(name));
        }
        WantedNames { names, longest: wanted.iter().map(|name| name.len()).max().unwrap_or(0) }
    }

    /// Whether a name is one of them, in whatever case.
    pub(super) fn contain(&self, name: &[u8]) -> bool {
        self.names.find(hash(name), |known| known.eq_ignore_ascii_case(name)).is_some()
    }

    /// The name that text begins with, and the rest of it, which begins with what ends the name: a quote, a colon,
    /// a backslash or a byte beyond ASCII. None, if the name is longer than any of them.
    #[inline]
    pub(super) fn split<'a>(&self, text: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let most = text.len().min(self.longest.saturating_add(1));
        let (words, rest) = text.get(..most)?.as_chunks::<WORD>();
        let in_word = |(number, word): (usize, &[u8; WORD])| {
            let at = ends(u64::from_le_bytes(*word)).trailing_zeros() / u8::BITS;
            (at < WORD as u32).then(|| number.wrapping_mul(WORD).wrapping_add(at as usize))
        };
        let in_rest = || {
            let at = rest.iter().position(|byte| matches!(byte, b'"' | b':' | b'\\' | 0x80..))?;
            Some(at.wrapping_add(most.wrapping_sub(rest.len())))
        };
        text.split_at_checked(words.iter().enumerate().find_map(in_word).or_else(in_rest)?)
    }
}

const WORD: usize = 8;

/// The high bit of the first byte that ends a name. Others may be set behind it.
#[inline]
fn ends(word: u64) -> u64 {
    let is = |byte| {
        let differs = word ^ splat(byte);
        differs.wrapping_sub(splat(1)) & !differs
    };
    (is(b'"') | is(b':') | is(b'\\') | word) & splat(0x80)
}

/// A hash of a name in any case: of its length, and of the words that it begins and ends with. Only names of rules
/// are held, so that nobody can choose them for their hashes.
#[inline]
fn hash(name: &[u8]) -> u64 {
    let (first, last) = match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
    };
    let lower = splat(0x20);
    let mixed = (first | lower).wrapping_add(name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 32 ^ (last | lower)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ mixed >> 32
}

/// What the `eventName`s of a line name.
#[derive(Default)]
pub(super) struct Names {
    pub(super) events: u64,
    /// `eventName` stands there in another syntax than JSON's, or as a value.
    pub(super) aside: bool,
    pub(super) notifications: u64,
    pub(super) wanted: bool,
    pub(super) rare: bool,
}

impl Names {
    /// Whether they are of events, and of none that is wanted or tells something else.
    pub(super) fn are_other(&self) -> bool {
        self.events > 0 && self.notifications == 0 && !(self.aside || self.wanted || self.rare)
    }

    pub(super) fn add(&mut self, name: Name) {
        if name == Name::NoKey {
            self.aside = true;
            return;
        }
        self.events = self.events.saturating_add(1);
        let notification = u64::from(name == Name::Notification);
        self.notifications = self.notifications.saturating_add(notification);
        self.wanted |= name == Name::Wanted;
        self.rare |= name == Name::Rare;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_are_split_and_known_as_byte_by_byte(
            wanted in prop::collection::hash_set("[a-z]{1,20}", 0..20),
            pieces in prop::collection::vec("[a-zA-Z]{1,9}|[\":\\\\\u{e9}!/@\\[`{~\u{7f}]", 0..6),
            upper: bool,
        ) {
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let names = WantedNames::new(&wanted);
            let text = pieces.concat() + wanted.first().unwrap_or(&"");
            let text = if upper { text.to_uppercase() } else { text };
            let longest = wanted.iter().map(|name| name.len()).max().unwrap_or(0);
            let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | b':' | 0x80..);
            for start in 0..=text.len() {
                let text = &text.as_bytes()[start..];
                let end = text.iter().take(longest + 1).position(ends);
                prop_assert_eq!(names.split(text), end.map(|end| text.split_at(end)));
                for end in 0..=text.len() {
                    let is_wanted = |name: &&str| name.as_bytes().eq_ignore_ascii_case(&text[..end]);
                    prop_assert_eq!(names.contain(&text[..end]), wanted.iter().any(is_wanted));
                }
            }
        }
    }
}
