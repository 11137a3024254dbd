//! Finding CloudTrail records inside what routers ship.
//!
//! | shape | where the record is |
//! | --- | --- |
//! | raw record | the document |
//! | S3 object, `lookup-events` output, array | `Records[]`, `Events[]`, the elements |
//! | EventBridge | `detail` |
//! | CloudWatch Logs subscription, decoded | `logEvents[].message` |
//! | `lookup-events` | `CloudTrailEvent`, JSON in text |
//! | Vector, Fluent Bit, Datadog | `message` or `log`, JSON in text |
//! | Elastic | `event.original`, JSON in text |

use std::borrow::Cow;

use crate::json::{Kind, Tape, Value};

/// The shapes that are understood, for `describe`.
pub const SHAPES: &[&str] = &[
    "cloudtrail",
    "s3-object",
    "eventbridge",
    "cloudwatch-logs",
    "lookup-events",
    "message",
    "ecs-event-original",
];

/// Why a `{"awslogs": …}` line is unreadable here: a host unpacks it.
pub const PACKED: &str = "awslogs data is packed (base64, gzip): the host unpacks it";

/// How deep envelopes may stand in one another; a real one is at most 3 deep.
const MAX_WRAPS: usize = 6;

/// What was found at one place of a line.
pub enum Content<'a> {
    /// A record: an object with an `eventName` and an `eventSource`.
    Record(Value<'a>),
    /// JSON that is no CloudTrail record.
    Foreign,
    /// Something that should have been a record and could not be read.
    Unreadable(String),
}

/// What is done with each.
pub type Visit<'a> = &'a mut dyn FnMut(&mut Tapes, Content<'_>);

/// Tapes to parse with, kept from one event to the next.
#[derive(Debug, Default)]
pub struct Tapes(Vec<Tape>);

impl Tapes {
    /// Lends a tape, and takes it back.
    pub fn with<T>(&mut self, use_it: impl FnOnce(&mut Self, &mut Tape) -> T) -> T {
        let mut tape = self.0.pop().unwrap_or_default();
        let result = use_it(self, &mut tape);
        self.0.push(tape);
        result
    }
}

/// Visits every record in a line, in order, and everything that is not one.
pub fn contents(line: &[u8], tapes: &mut Tapes, visit: Visit<'_>) {
    match std::str::from_utf8(line) {
        Ok(text) => document(text, 0, tapes, visit),
        Err(_) => visit(tapes, Content::Unreadable("not UTF-8".into())),
    }
}

/// Visits what a text holds, which is JSON or should be.
fn document(text: &str, wraps: usize, tapes: &mut Tapes, visit: Visit<'_>) {
    if wraps > MAX_WRAPS {
        return visit(tapes, Content::Unreadable("too many envelopes in one another".into()));
    }
    tapes.with(|tapes, tape| match tape.parse(text) {
        Ok(()) => records(Value::root(tape, text), wraps, tapes, visit),
        Err(malformed) => visit(tapes, Content::Unreadable(malformed.to_string())),
    });
}

/// Visits what a value holds that is itself so deep in envelopes.
pub fn records(value: Value<'_>, wraps: usize, tapes: &mut Tapes, visit: Visit<'_>) {
    let mut pending = vec![value];
    // Depth first and in order, without recursion: what a value wraps takes its place.
    while let Some(value) = pending.pop() {
        match inside(value) {
            Inside::Record => visit(tapes, Content::Record(value)),
            Inside::Values(values) => pending.extend(values.into_iter().rev()),
            Inside::Text(text) => document(&text, wraps + 1, tapes, visit),
            Inside::Packed => visit(tapes, Content::Unreadable(PACKED.into())),
            Inside::Nothing => visit(tapes, Content::Foreign),
        }
    }
}

/// What an envelope holds.
enum Inside<'a> {
    Record,
    Values(Vec<Value<'a>>),
    /// JSON in text.
    Text(Cow<'a, str>),
    Packed,
    Nothing,
}

fn inside(value: Value<'_>) -> Inside<'_> {
    let is_text = |value: &Value<'_>| value.kind() == Kind::Text;
    let object = |key| value.get(key).filter(|inner| inner.kind() == Kind::Object);
    if value.kind() == Kind::Array {
        return Inside::Values(value.items().collect());
    }
    if value.get("eventName").is_some_and(|name| is_text(&name))
        && value.get("eventSource").is_some_and(|source| is_text(&source))
    {
        return Inside::Record;
    }
    for list in ["Records", "Events", "logEvents"] {
        let items: Vec<_> = value.get(list).into_iter().flat_map(|list| list.items()).collect();
        if !items.is_empty() {
            return Inside::Values(items);
        }
    }
    let original = object("event").and_then(|event| event.get("original"));
    let wrapped = [
        object("detail"),
        value.get("CloudTrailEvent"),
        original,
        value.get("event.original"),
        value.get("message"),
        value.get("log"),
    ];
    let is_json = |text: &str| text.trim_ascii_start().starts_with(['{', '[']);
    let mut wrapped: Vec<Value<'_>> = wrapped
        .into_iter()
        .flatten()
        .filter(|inner| {
            inner.kind() == Kind::Object || inner.text().is_some_and(|text| is_json(&text))
        })
        .collect();
    // Several keys may wrap something: the one that speaks of an event is looked into.
    wrapped.sort_by_key(|inner| !inner.raw().contains("eventName"));
    if let Some(inner) = wrapped.first() {
        return match inner.text() {
            Some(text) => Inside::Text(text),
            None => Inside::Values(vec![*inner]),
        };
    }
    if object("awslogs").is_some() {
        return Inside::Packed;
    }
    Inside::Nothing
}
