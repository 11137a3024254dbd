//! The keys of an object, for whoever asks for many of them.

use super::value::Value;
use crate::text::same;

/// How many places the index has; an object with more than half as many keys is searched key by key.
const PLACES: usize = 128;

/// A key and its value, or nothing.
type Places<'a> = [Option<(&'a str, Value<'a>)>; PLACES];

/// An object whose values are found without looking at every key.
#[derive(Debug)]
pub struct Fields<'a> {
    object: Value<'a>,
    /// Keys and values in the place of their hash or the next free one after it; none at all for an
    /// object that is searched key by key.
    places: Option<Box<Places<'a>>>,
    /// Whether a key has a dot in it; true also for an object that is searched key by key.
    dotted: bool,
}

impl<'a> Fields<'a> {
    /// Indexes an object's keys, once; anything else has none.
    pub fn of(object: Value<'a>) -> Self {
        let mut places = Box::new([None; PLACES]);
        let mut dotted = false;
        for (n, (key, value)) in object.entries().enumerate() {
            let Some(key) = key.plain().filter(|_| n < PLACES / 2) else {
                return Fields { object, places: None, dotted: true };
            };
            dotted |= memchr::memchr(b'.', key.as_bytes()).is_some();
            let place = seek(&places, key);
            // Of several with the same key the last counts.
            places[place] = Some((key, value));
        }
        Fields { object, places: Some(places), dotted }
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
        match &self.places {
            Some(places) => places[seek(places, key)].map(|(_, value)| value),
            None => self.object.get(key),
        }
    }
}

/// The place that has this key, or that it would have.
fn seek(places: &Places<'_>, key: &str) -> usize {
    let byte = |at: usize| key.as_bytes().get(at).copied().map_or(0, usize::from);
    let last = key.len().wrapping_sub(1);
    let mut place = (key.len() * 5 + byte(0) * 3 + byte(last) * 7 + byte(last / 2)) % PLACES;
    // No more than half of them are taken.
    while places[place].is_some_and(|(taken, _)| !same(taken, key)) {
        place = (place + 1) % PLACES;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Tape;

    fn same(text: &str, keys: &[&str]) {
        let mut tape = Tape::default();
        tape.parse(text).unwrap();
        let object = Value::root(&tape, text);
        let fields = Fields::of(object);
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
        for count in [1, 63, 64, 65, 127, 128, 129, 1000] {
            same(&many(count), &["k0", "k1", "k63", "k64", "k127", "k128", "k999", "k"]);
        }
    }
}
