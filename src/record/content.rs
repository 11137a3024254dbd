//! The key of a record that has no `eventID`: a digest of all that it says.
//!
//! It must not depend on how the record is written down: on white space, escapes, the order of keys,
//! or how numbers are written. So what is hashed is a form of its own, made in one pass: the values in the
//! order of their keys, behind their keys. Null is left out, and so is a container that holds
//! nothing. Of several values with the same key the last counts, as it does for rules.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::Record;
use crate::digest::Digest128;
use crate::json::{Kind, Value};

/// The key or the index that leads to a value.
enum Label<'a> {
    Key(Cow<'a, str>),
    Index(usize),
}

/// The rest of a container.
type Rest<'a> = Box<dyn Iterator<Item = (Label<'a>, Value<'a>)> + 'a>;

/// The key of a record by its content.
pub(super) fn key(record: &Record<'_>) -> Digest128 {
    let mut form = Form::default();
    // A container that was JSON in text is read as rules read it.
    let embedded = |(label, value)| match &label {
        Label::Key(key) => {
            let known = record.embedded.0.iter().find(|(name, ..)| name == key);
            (label, known.map_or(value, |(_, text, tape)| Value::root(tape, text)))
        }
        Label::Index(_) => (label, value),
    };
    let mut open: Vec<Rest<'_>> = vec![Box::new(rest(record.fields.object()).map(embedded))];
    // The labels of the containers that are open, and the number of them that are written.
    let (mut labels, mut written) = (Vec::new(), 0);
    while let Some(container) = open.last_mut() {
        let Some((label, value)) = container.next() else {
            open.pop();
            labels.pop();
            if written > labels.len() {
                written = labels.len();
                form.piece(b'e', 0, &[]);
            }
            continue;
        };
        match value.kind() {
            Kind::Null => {}
            Kind::Object | Kind::Array => {
                open.push(rest(value));
                labels.push(label);
            }
            _ => {
                labels.iter().skip(written).for_each(|label| form.label(label));
                written = labels.len();
                form.label(&label);
                let text = value.scalar().unwrap_or_default();
                form.piece(b't', text.len(), text.as_bytes());
            }
        }
    }
    form.key()
}

/// The values of a container.
fn rest(value: Value<'_>) -> Rest<'_> {
    if value.kind() == Kind::Array {
        let items = value.items().enumerate();
        return Box::new(items.map(|(n, item)| (Label::Index(n), item)));
    }
    let mut entries: Vec<_> =
        value.entries().map(|(key, value)| (key.text().unwrap_or_default(), value)).collect();
    // The last of equal keys comes first, and stays.
    entries.reverse();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    entries.dedup_by(|(one, _), (other, _)| one == other);
    Box::new(entries.into_iter().map(|(key, value)| (Label::Key(key), value)))
}

/// The text that is hashed, gathered so that there are few calls for it.
#[derive(Default)]
struct Form {
    hash: Sha256,
    gathered: Vec<u8>,
}

impl Form {
    const ENOUGH: usize = 4096;

    fn label(&mut self, label: &Label<'_>) {
        match label {
            Label::Key(key) => self.piece(b'k', key.len(), key.as_bytes()),
            Label::Index(index) => self.piece(b'n', *index, &[]),
        }
    }

    /// A piece: its type, its length or number as LEB128, and its bytes.
    fn piece(&mut self, what: u8, mut number: usize, bytes: &[u8]) {
        self.gathered.push(what);
        while number >= 0x80 {
            self.gathered.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.gathered.push(number as u8);
        if self.gathered.len().saturating_add(bytes.len()) > Self::ENOUGH {
            self.hash.update(&self.gathered);
            self.gathered.clear();
        }
        match bytes.len() {
            short if short <= Self::ENOUGH => self.gathered.extend_from_slice(bytes),
            _ => self.hash.update(bytes),
        }
    }

    fn key(mut self) -> Digest128 {
        self.hash.update(&self.gathered);
        Digest128::cut(self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{ObjectIndex, Tape};
    use crate::record::EmbeddedJson;

    fn of(text: &str) -> Digest128 {
        let mut tape = Tape::default();
        tape.parse(text).unwrap();
        let fields = ObjectIndex::of(Value::root(&tape, text));
        let embedded = EmbeddedJson::of(&fields);
        key(&Record::new(&fields, &embedded))
    }

    #[test]
    fn the_way_a_record_is_written_down_does_not_matter() {
        let one = of(r#"{"a":{"b":[1,"x"],"c":true},"requestParameters":{"d":"é"}}"#);
        for other in [
            r#" { "requestParameters" : {"d":"\u00e9"}, "a":{"c":true,"b":[1.0,"x"]} } "#,
            r#"{"a":{"b":[1,"x"],"c":true,"e":null,"f":{},"g":[[{}],null]},"requestParameters":{"d":"é"}}"#,
            r#"{"a":7,"\u0061":{"b":[1,"x"],"c":"y","c":true},"requestParameters":{"d":"é"}}"#,
            r#"{"a":{"b":[1,"x"],"c":true},"requestParameters":"{\"d\":\"é\"}"}"#,
        ] {
            assert_eq!(of(other), one, "{other}");
        }
    }

    #[test]
    fn what_a_record_says_does() {
        let all = [
            r#"{}"#,
            r#"{"a":""}"#,
            r#"{"a":"b"}"#,
            r#"{"ab":""}"#,
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"c","d":"e"}}"#,
            r#"{"a":{"b":"c"},"d":"e"}"#,
            r#"{"a":{"b":{"c":"d"}}}"#,
            r#"{"a":["b","c"]}"#,
            r#"{"a":["c","b"]}"#,
            r#"{"a":[["b"],"c"]}"#,
            r#"{"a":[["b","c"]]}"#,
            r#"{"a":[null,"b","c"]}"#,
            r#"{"a":{"0":"b","1":"c"}}"#,
        ];
        let keys: std::collections::BTreeSet<_> = all.iter().map(|text| of(text)).collect();
        assert_eq!(keys.len(), all.len());
    }
}
