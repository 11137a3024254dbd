//! The events of well-formed documents, found with serde_json and all of them in memory.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The entries of an object in order. A key with escapes has none of the names that are looked for.
struct Entries<'a>(Vec<(Option<&'a str>, &'a RawValue)>);

/// A key, if it is written without escapes.
struct Key<'a>(Option<&'a str>);

/// What was found in a document.
#[derive(Default)]
struct Found {
    events: Vec<Vec<u8>>,
    /// Whether a document with a list was among the elements of another's.
    nested: bool,
    /// Whether a document may still take the place of the elements that come next.
    aside: bool,
}

/// The events of a text, or none if it is not well-formed JSON of objects, arrays and texts.
pub fn events(text: &[u8], lists: &[&str]) -> Option<Vec<Vec<u8>>> {
    let mut found = Found::default();
    for document in serde_json::Deserializer::from_slice(text).into_iter::<&RawValue>() {
        let document = document.ok()?;
        match document.get().as_bytes()[0] {
            b'[' => list(document, lists, &mut found)?,
            b'{' | b'"' => event(document, lists, &mut found)?,
            _ => return None,
        }
    }
    Some(found.events)
}

/// An element of a list, or a document.
fn event(value: &RawValue, lists: &[&str], found: &mut Found) -> Option<()> {
    if value.get().starts_with('[') {
        return list(value, lists, found);
    }
    let before = found.events.len();
    let (mut taken_apart, mut was_taken_apart) = (false, false);
    if value.get().starts_with('{') {
        let (mut name, mut source) = (false, false);
        found.nested = false;
        let is = |key: Option<&str>, name: &str| key.is_some_and(|key| key.eq_ignore_ascii_case(name));
        for (key, value) in entries(value)? {
            let is_text = value.get().starts_with('"');
            let lost = found.nested && taken_apart;
            name |= is(key, "eventName") && is_text && !lost;
            source |= is(key, "eventSource") && is_text && !lost;
            let is_record = name && source;
            let is_list = value.get().starts_with('[') && key.is_some_and(|it| lists.contains(&it));
            if is_list && !is_record {
                taken_apart = true;
                found.aside = true;
                list(value, lists, found)?;
            } else if taken_apart {
                others(value, lists, found)?;
            }
        }
        was_taken_apart = taken_apart;
        if taken_apart && name && source && !found.nested {
            taken_apart = false;
        }
    }
    found.aside &= !was_taken_apart;
    if taken_apart {
        // Whatever it is in is no record any more.
        found.nested = true;
        return Some(());
    }
    found.events.truncate(before);
    found.events.push(one_line(value));
    Some(())
}

fn list(value: &RawValue, lists: &[&str], found: &mut Found) -> Option<()> {
    let elements = serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()?;
    if !found.aside && is_row(&elements, lists) {
        found.events.push(one_line(value));
        return Some(());
    }
    for element in elements {
        event(element, lists, found)?;
    }
    Some(())
}

/// Whether a list is the fields of a row that names a call, an object each.
fn is_row(fields: &[&RawValue], lists: &[&str]) -> bool {
    let (mut name, mut source) = (false, false);
    for field in fields {
        let entries = if field.get().starts_with('{') { entries(field) } else { None };
        let Some((Some(key), value)) = entries.as_deref().and_then(<[_]>::last) else {
            return false;
        };
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        let same = entries.iter().flatten().all(|(other, _)| *other == Some(*key));
        if !same || value.get().starts_with('[') && lists.contains(key) {
            return false;
        }
        name |= is("eventName") && value.get().starts_with('"');
        source |= is("eventSource") && value.get().starts_with('"');
    }
    name && source
}

fn one_line(value: &RawValue) -> Vec<u8> {
    value.get().bytes().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { b }).collect()
}

/// What else is in a document that has a list: lists in it are of events, too.
fn others(value: &RawValue, lists: &[&str], found: &mut Found) -> Option<()> {
    if value.get().starts_with('[') {
        for element in serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()? {
            others(element, lists, found)?;
        }
    } else if value.get().starts_with('{') {
        for (key, value) in entries(value)? {
            let is_list = value.get().starts_with('[') && key.is_some_and(|it| lists.contains(&it));
            if is_list { list(value, lists, found)? } else { others(value, lists, found)? }
        }
    }
    Some(())
}

fn entries(object: &RawValue) -> Option<Vec<(Option<&str>, &RawValue)>> {
    let mut text = serde_json::Deserializer::from_str(object.get());
    Some(text.deserialize_map(Entries(Vec::new())).ok()?.0)
}

impl<'a> Visitor<'a> for Entries<'a> {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(mut self, mut map: M) -> Result<Self, M::Error> {
        while let Some((Key(key), value)) = map.next_entry()? {
            self.0.push((key, value));
        }
        Ok(self)
    }
}

impl<'a> Deserialize<'a> for Key<'a> {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'a> Visitor<'a> for Text {
            type Value = Key<'a>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Key<'a>, E> {
                Ok(Key(Some(text)))
            }

            fn visit_str<E>(self, _: &str) -> Result<Key<'a>, E> {
                Ok(Key(None))
            }
        }
        from.deserialize_str(Text)
    }
}
