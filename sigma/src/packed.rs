//! A compiled pack as bytes.
//!
//! ```text
//! "orgwatchpack" 0x00 | version u16, little-endian
//! body         postcard: a Pack
//! digest       XXH64 of everything before it, little-endian
//! ```
//! The body is the form that the types of this crate have, in their order, so that a change of one of
//! them is another version: variants are appended, and whatever else changes raises [`FORMAT`]. The
//! digest detects damage, not tampering, and names the pack: equal digests are equal packs.

use std::fmt;
use std::hash::Hasher as _;

use twox_hash::XxHash64;

use crate::Pack;

const MAGIC: &[u8; 13] = b"orgwatchpack\0";

/// The version of the form.
pub const FORMAT: u16 = 2;

/// The length of a digest in bytes.
const DIGEST: usize = 8;

/// Why bytes are not a pack that can be used. Nothing of them was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackError {
    /// They do not begin like a compiled pack.
    Foreign,
    /// A newer version compiled them.
    Newer(u16),
    /// An older version compiled them.
    Older(u16),
    /// They were cut short or changed.
    Damaged,
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PackError::Foreign => f.write_str("not a compiled pack of orgwatch"),
            PackError::Newer(version) => write!(
                f,
                "pack format {version} is newer than this orgwatch, which reads format {FORMAT}"
            ),
            PackError::Older(version) => write!(
                f,
                "pack format {version} is older than this orgwatch, which reads format {FORMAT}: \
                 compile the rules again"
            ),
            PackError::Damaged => f.write_str("the pack is damaged: its digest does not match"),
        }
    }
}

impl std::error::Error for PackError {}

impl Pack {
    /// The pack as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        // Writing to a vector fails for no pack: each of its lists knows its length.
        let mut bytes = postcard::to_extend(self, bytes).unwrap_or_default();
        bytes.extend(digest(&bytes).to_le_bytes());
        bytes
    }

    /// The pack that these bytes are. They are refused whole when they are damaged or of another
    /// version. Memory is bounded by a small multiple of their length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Pack, PackError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(PackError::Foreign)?;
        let (version, rest) = rest.split_first_chunk().ok_or(PackError::Damaged)?;
        match u16::from_le_bytes(*version) {
            FORMAT => {}
            newer if newer > FORMAT => return Err(PackError::Newer(newer)),
            older => return Err(PackError::Older(older)),
        }
        let (body, expected) = rest.split_last_chunk::<DIGEST>().ok_or(PackError::Damaged)?;
        let digested = bytes.len().saturating_sub(DIGEST);
        if bytes.get(..digested).map(digest) != Some(u64::from_le_bytes(*expected)) {
            return Err(PackError::Damaged);
        }
        crate::regex::begin_pack();
        match postcard::take_from_bytes(body) {
            Ok((pack, [])) => Ok(pack),
            _ => Err(PackError::Damaged),
        }
    }

    /// The digest of the pack, which its bytes end with: XXH64. Packs of equal digests find the same.
    pub fn digest(&self) -> u64 {
        let bytes = self.to_bytes();
        bytes.last_chunk().copied().map_or(0, u64::from_le_bytes)
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hash = XxHash64::with_seed(0);
    hash.write(bytes);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::tests::JsonEvent;
    use crate::{
        Expr, Field, FieldRef, Glob, Item, Matcher, Regex, RegexFlags, Relation, Rule, Severity,
        Template, Token,
    };

    fn pack() -> Pack {
        let item = Item {
            field: Field::Record("eventName".into()),
            matchers: vec![Matcher::Text(Glob::wildcard("Leave*"))],
            all: false,
            negated: false,
        };
        let condition = Expr::Not(Box::new(Expr::And(vec![Expr::Item(item)])));
        let rule = Rule { condition, ..rule() };
        Pack { rules: vec![rule], event_names: vec!["Leave".into()], ..Pack::default() }
    }

    /// A rule that says nothing. Written as YAML reads it, so that a type of a text does not matter.
    fn rule() -> Rule {
        let template = serde_json::to_value(Template::default()).unwrap();
        serde_json::from_value(serde_json::json!({
            "about": {
                "slug": "left", "id": "1", "title": "t", "description": "d", "group": "g",
                "references": [], "level": Severity::Low, "summary": template, "why": "w",
                "benign": "b", "triage": [], "attack": [], "attack_aliases": [],
                "threat_catalogue": [], "covers": [], "tags": [],
            },
            "internal": false, "severity": [], "condition": [{"And": 0}], "derived_condition": null,
            "event_names": [], "event_sources": [], "verbatim": [], "texts": [], "new_terms": null, "account": template,
            "organization": null, "destination_organization": null, "target": null, "details": [],
        }))
        .unwrap()
    }

    #[test]
    fn a_pack_is_read_as_it_was_written() {
        let bytes = pack().to_bytes();
        assert_eq!(Pack::from_bytes(&bytes), Ok(pack()));
        assert_eq!(pack().digest().to_le_bytes(), bytes[bytes.len() - DIGEST..]);
        assert_ne!(pack().digest(), Pack::default().digest());
    }

    #[test]
    fn another_version_is_refused_before_the_rest_is_read() {
        let mut bytes = pack().to_bytes();
        bytes[MAGIC.len()..][..2].copy_from_slice(&(FORMAT + 1).to_le_bytes());
        assert_eq!(Pack::from_bytes(&bytes), Err(PackError::Newer(FORMAT + 1)));
        bytes[MAGIC.len()..][..2].copy_from_slice(&0_u16.to_le_bytes());
        assert_eq!(Pack::from_bytes(&bytes), Err(PackError::Older(0)));
        assert_eq!(Pack::from_bytes(b"{}"), Err(PackError::Foreign));
        assert_eq!(Pack::from_bytes(b""), Err(PackError::Foreign));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_refused() {
        let bytes = pack().to_bytes();
        for at in 0..bytes.len() {
            assert!(Pack::from_bytes(&bytes[..at]).is_err(), "{at}");
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Pack::from_bytes(&changed).is_err(), "{at}");
        }
        let longer = [bytes.as_slice(), b"more"].concat();
        assert_eq!(Pack::from_bytes(&longer), Err(PackError::Damaged));
    }

    /// A condition with every kind of matcher.
    fn every_matcher() -> Expr {
        let item = |field, matchers, all| Expr::Item(Item { field, matchers, all, negated: false });
        let record = |name: &str| Field::Record(name.into());
        let flags = RegexFlags { ignore_case: true, ..RegexFlags::default() };
        let relation = Relation::EndsWith;
        let to = FieldRef { field: record("b"), relation, cased: false };
        let dash = Glob { tokens: vec![Token::Many, Token::Dash, Token::One], cased: false };
        let matchers = vec![
            Matcher::Text(Glob::wildcard("a*b?")),
            Matcher::Text(dash),
            Matcher::Equals(1.0),
            Matcher::Gt(0.5),
            Matcher::Bool(true),
            Matcher::Null,
            Matcher::Exists(true),
            Matcher::Cidr { network: "192.0.2.0".parse().unwrap(), prefix: 24 },
            Matcher::Regex(Regex::new("^(a|b)+$", flags).unwrap()),
            Matcher::FieldRef(to),
        ];
        Expr::NOf(
            1,
            vec![
                item(record("a.b"), matchers.clone(), false),
                Expr::And(vec![item(Field::Keyword, matchers, true)]),
                Expr::Not(Box::new(item(Field::Derived(crate::Derived::ByAws), vec![], false))),
            ],
        )
    }

    proptest! {
        /// Bytes changed behind a digest that is right: what is still a pack can be evaluated.
        #[test]
        fn no_pack_panics(changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..4)) {
            let rule = Rule { condition: every_matcher(), ..rule() };
            let mut bytes = Pack { rules: vec![rule], ..Pack::default() }.to_bytes();
            bytes.truncate(bytes.len() - DIGEST);
            let body = MAGIC.len() + 2;
            for (at, byte) in changes {
                let at = body + at % (bytes.len() - body);
                bytes[at] = byte;
            }
            bytes.extend(digest(&bytes).to_le_bytes());
            let Ok(pack) = Pack::from_bytes(&bytes) else { return Ok(()) };
            for value in [
                serde_json::json!({"a": {"b": "ab-"}, "b": [1, "x", null, true]}),
                serde_json::json!({"a": [{"b": "192.0.2.1"}, {"b": [["abab"]]}], "b": {}}),
            ] {
                for rule in &pack.rules {
                    crate::holds(&rule.condition, &JsonEvent(value.clone()));
                }
            }
        }

        /// With a digest that is right, so that the body is read.
        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200), cut in 0..400usize) {
            let whole = pack().to_bytes();
            let whole = &whole[MAGIC.len() + 2..whole.len() - DIGEST];
            for body in [body.clone(), [&whole[..cut.min(whole.len())], &body].concat()] {
                let mut bytes = [MAGIC.as_slice(), &FORMAT.to_le_bytes(), &body].concat();
                bytes.extend(digest(&bytes).to_le_bytes());
                let _ = Pack::from_bytes(&bytes);
            }
        }
    }
}
