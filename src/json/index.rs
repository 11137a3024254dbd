//! An index of an object's keys, for look-ups by the dozen.

use super::value::Value;
use crate::text::same;

/// The number of places in the table; an object with more than half as many keys has a list instead.
const PLACES: usize = 128;

/// A key and its value, or nothing.
type Places<'a> = [Option<(&'a str, Value<'a>)>; PLACES];

/// An object whose values are found without looking at every key.
#[derive(Debug)]
pub struct ObjectIndex<'a> {
    object: Value<'a>,
    index: Index<'a>,
    /// Whether a key has a dot in it; true also for an object that is searched by a list.
    dotted: bool,
}

#[derive(Debug)]
enum Index<'a> {
    /// Keys and values in the place of their hash or the next free one after it. So few collide with
    /// one another at worst that it does not matter who chose them.
    Table(Box<Places<'a>>),
    /// The hashes of all keys, in order, each with where the key stands. Keys that somebody chose so that
    /// they have one hash make it as slow as a search of the object, and not slower.
    List(Vec<(u32, u32)>),
}

impl<'a> ObjectIndex<'a> {
    /// Indexes an object's keys, once; anything else has none.
    pub fn of(object: Value<'a>) -> Self {
        let mut places = Box::new([None; PLACES]);
        let mut dotted = false;
        for (n, (key, value)) in object.entries().enumerate() {
            let Some(key) = key.plain().filter(|_| n < PLACES / 2) else {
                return ObjectIndex { object, index: Index::List(list(object)), dotted: true };
            };
            dotted |= memchr::memchr(b'.', key.as_bytes()).is_some();
            let place = seek(&places, key);
            // Of several with the same key the last counts.
            if let Some(place) = places.get_mut(place) {
                *place = Some((key, value));
            }
        }
        ObjectIndex { object, index: Index::Table(places), dotted }
    }

    /// The object.
    pub fn object(&self) -> Value<'a> {
        self.object
    }

    /// Whether keys may have been flattened: `userIdentity.arn`.
    pub fn dotted(&self) -> bool {
        self.dotted
    }

    /// As [`Value::get`].
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        match &self.index {
            Index::Table(places) => taken(places, seek(places, key)).map(|(_, value)| value),
            Index::List(list) => {
                let hash = hash(key);
                let end = list.partition_point(|(other, _)| *other <= hash);
                let same = list.iter().take(end).rev().take_while(|(other, _)| *other == hash);
                // Of several with the same key the last counts.
                let mut entries = same.map(|(_, position)| self.object.entry_at(*position));
                entries.find(|(name, _)| name.reads(key)).map(|(_, value)| value)
            }
        }
    }
}

fn list(object: Value<'_>) -> Vec<(u32, u32)> {
    let hashed = |key: Value<'_>| (hash(&key.text().unwrap_or_default()), key.position());
    let mut list: Vec<_> = object.entries().map(|(key, _)| hashed(key)).collect();
    list.sort_unstable();
    list
}

/// FNV-1a.
fn hash(key: &str) -> u32 {
    key.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The place that has this key, or that it would have.
fn seek(places: &Places<'_>, key: &str) -> usize {
    let byte = |at: usize| key.as_bytes().get(at).copied().map_or(0, usize::from);
    let last = key.len().wrapping_sub(1);
    let mut place = (key.len().wrapping_mul(5))
        .wrapping_add(byte(0).wrapping_mul(3))
        .wrapping_add(byte(last).wrapping_mul(7))
        .wrapping_add(byte(last / 2));
    // No more than half of them are taken.
    while taken(places, place).is_some_and(|(taken, _)| !same(taken, key)) {
        place = place.wrapping_add(1);
    }
    place % PLACES
}

/// The key and value at a place; the first place follows the last.
#[inline(always)]
fn taken<'a>(places: &Places<'a>, place: usize) -> Option<(&'a str, Value<'a>)> {
    places.get(place % PLACES).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Tape;

    fn same(text: &str, keys: &[&str]) {
        let mut tape = Tape::default();
        tape.parse(text).unwrap();
        let object = Value::root(&tape, text);
        let fields = ObjectIndex::of(object);
        for key in keys {
            let raw = |value: Option<Value<'_>>| value.map(|value| value.raw().to_owned());
            assert_eq!(raw(fields.get(key)), raw(object.get(key)), "{key} of {text}");
        }
    }

    #[test]
    fn it_finds_what_a_search_finds() {
        let keys = ["", "a", "b", "aa", "ab", "x", "eventName"];
        for text in [
            "{}",
            "[1]",
            "7",
            r#"{"":1,"a":2,"ab":3,"eventName":"x"}"#,
            r#"{"a":1,"a":2,"b":3,"a":4}"#,
            r#"{"a":1,"\u0061":2,"b":3}"#,
        ] {
            same(text, &keys);
        }
        let many = |count: usize| {
            let entries: Vec<_> = (0..count).map(|n| format!(r#""k{n}":{n}"#)).collect();
            format!("{{{}}}", entries.join(","))
        };
        // FNV-1a of 32 bits gives these two one hash.
        let text = r#"{"okje":1,"bihcnpi":2,"\u006fkje":3}"#;
        same(text, &["okje", "bihcnpi", "okjf"]);
        for count in [1, 63, 64, 65, 127, 128, 129, 1000] {
            same(&many(count), &["k0", "k1", "k63", "k64", "k127", "k128", "k999", "k"]);
        }
    }
}
