//! The search for records: any bytes are searched in linear work, and a record is found whatever is around it.

#![no_main]

use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use orgwatch::envelope::{Content, Located, Reach, TapePool, contents, records};
use orgwatch::json::{Kind, Tape, Value};
use orgwatch_fuzz::wrapped::{ID, Wrapped};

fuzz_target!(|bytes: &[u8]| {
    let paths = ["a", "a.a", "data.aws", "message", "x.y.z", "detail.a"];
    let at = Reach::at(paths.map(str::to_owned).to_vec());
    for reach in [Reach::default(), Reach::everywhere(), at] {
        search(bytes, &reach);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        parse(text);
    }
    if let Ok(wrapped) = Wrapped::new(&mut Unstructured::new(bytes)) {
        let text = &wrapped.text;
        assert!(finds(text, &Reach::everywhere()), "not found: {text}");
        assert!(!wrapped.known || finds(text, &Reach::default()), "not found: {text}");
    }
});

/// Work that is counted: what is visited, and the bytes of it.
fn search(line: &[u8], reach: &Reach) {
    let (mut visits, mut bytes) = (0, 0);
    let mut tapes = TapePool::default();
    contents(line, reach, &mut tapes, &mut |tapes, content| {
        visits += 1;
        match content {
            Content::Record(Located { record, source, origin }) => {
                bytes += source.raw().len();
                bytes += origin.keys.iter().map(|key| key.len() + 1).sum::<usize>();
                walk(record);
                let text = record.document();
                if origin.form.is_some() && !text.bytes().any(|byte| byte < b' ') {
                    assert_json(text);
                }
                // As the detector does with a record's own fields.
                records(record, &Reach::default(), tapes, &mut |_, _| {});
            }
            Content::Foreign(names) => bytes += names.iter().map(String::len).sum::<usize>(),
            Content::Unreadable(reason) => assert!(!reason.is_empty()),
            Content::Companion(_) => {}
        }
    });
    // Texts in one another are read once each, and what is broken a few times.
    let most = 32 * line.len() + 1000;
    assert!(visits < most && bytes < most, "{visits} visits, {bytes} bytes of {}", line.len());
}

/// What serde_json reads is read, as the same value; and what is broken can be looked at.
fn parse(text: &str) {
    let mut tape = Tape::default();
    let whole = tape.parse(text);
    if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(text) {
        assert!(whole.is_ok(), "{whole:?}");
        assert_eq!(rebuilt(Value::root(&tape, text)), theirs);
    }
    let starts = text.char_indices().filter(|(_, c)| matches!(c, '{' | '[' | '"')).take(4);
    for (start, _) in starts.chain([(0, ' '), (text.len(), ' ')]) {
        let read = tape.parse_value(text, start);
        let end = read.map_or_else(|malformed| malformed.offset, |end| end);
        assert!(end >= start || read.is_err() && end <= text.len());
        if !tape.is_empty() {
            walk(Value::root(&tape, text));
        }
        if !text[start..].starts_with(['{', '[', '"']) {
            continue;
        }
        let mut theirs = serde_json::Deserializer::from_str(&text[start..]).into_iter();
        if let Some(Ok(serde::de::IgnoredAny)) = theirs.next() {
            assert_eq!(read.ok(), Some(start + theirs.byte_offset()));
        }
    }
}

/// Looks at everything in a value, once.
fn walk(value: Value<'_>) {
    let mut pending = vec![value];
    let mut count = 0;
    while let Some(value) = pending.pop() {
        count += 1;
        assert!(count <= value.document().len() + 1, "more values than bytes");
        assert!(value.raw().len() <= value.document().len());
        let _ = (value.text(), value.scalar(), value.is_broken(), value.get("eventName"));
        if value.kind() == Kind::Object {
            for (key, value) in value.entries() {
                assert_eq!(key.kind(), Kind::Text);
                pending.push(value);
            }
        }
        pending.extend(value.items());
    }
}

fn rebuilt(value: Value<'_>) -> serde_json::Value {
    let text = |value: Value<'_>| value.text().expect("it is text").into_owned();
    match value.kind() {
        Kind::Object => value.entries().map(|(key, value)| (text(key), rebuilt(value))).collect(),
        Kind::Array => value.items().map(rebuilt).collect(),
        Kind::Text => text(value).into(),
        Kind::Bool(value) => value.into(),
        Kind::Null => serde_json::Value::Null,
        Kind::Number => serde_json::from_str(value.raw()).expect("a number"),
    }
}

fn assert_json(text: &str) {
    if let Err(err) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        assert!(err.to_string().contains("recursion"), "{err}: {text}");
    }
}

fn finds(line: &str, reach: &Reach) -> bool {
    let mut found = false;
    contents(line.as_bytes(), reach, &mut TapePool::default(), &mut |_, content| {
        if let Content::Record(Located { record, .. }) = content {
            found |= record.get("eventID").and_then(|id| id.text()).is_some_and(|id| id == ID);
        }
    });
    found
}
