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

/// How many texts that are JSON may stand in one another; of real ones at most 3 do. Each is read once more.
const MAX_TEXTS: usize = 6;

/// The content of one place of a line.
pub enum Content<'a> {
    /// A record: an object with an `eventName` and an `eventSource`.
    Record(Value<'a>),
    /// JSON that is no CloudTrail record.
    Foreign,
    /// Something that should have been a record and could not be read.
    Unreadable(String),
}

/// A visitor of each.
pub type Visit<'a> = &'a mut dyn FnMut(&mut TapePool, Content<'_>);

/// Tapes to parse with, reused from one event to the next.
#[derive(Debug, Default)]
pub struct TapePool(Vec<Tape>);

impl TapePool {
    /// Lends a tape, and takes it back.
    pub fn with<T>(&mut self, use_it: impl FnOnce(&mut Self, &mut Tape) -> T) -> T {
        let mut tape = self.0.pop().unwrap_or_default();
        let result = use_it(self, &mut tape);
        self.0.push(tape);
        result
    }
}

/// Visits every record in a line, in order, and everything that is not one.
pub fn contents(line: &[u8], tapes: &mut TapePool, visit: Visit<'_>) {
    match std::str::from_utf8(line) {
        Ok(text) => Search { visit, seen: 0 }.document(text, Depth::default(), tapes),
        Err(_) => visit(tapes, Content::Unreadable("not UTF-8".into())),
    }
}

/// Visits what a value holds.
pub fn records(value: Value<'_>, tapes: &mut TapePool, visit: Visit<'_>) {
    Search { visit, seen: 0 }.value(value, Depth::default(), tapes);
}

/// Where a value stands in envelopes.
#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    /// Texts in one another.
    texts: usize,
    /// One of several keys of an envelope led here: most of those hold something else.
    one_of_several: bool,
}

/// A value that is still to be looked into.
enum Pending<'a> {
    Value(Value<'a>, Depth),
    /// What several keys of an envelope hold has been looked into, before which so much was visited.
    Looked(usize),
}

/// A search for records.
struct Search<'v> {
    visit: Visit<'v>,
    /// How much was visited.
    seen: usize,
}

impl Search<'_> {
    fn visit(&mut self, tapes: &mut TapePool, content: Content<'_>) {
        self.seen += 1;
        (self.visit)(tapes, content);
    }

    /// Looks into a text, which is JSON or should be.
    fn document(&mut self, text: &str, depth: Depth, tapes: &mut TapePool) {
        if depth.texts > MAX_TEXTS {
            let reason = "too many envelopes in one another";
            return self.visit(tapes, Content::Unreadable(reason.into()));
        }
        tapes.with(|tapes, tape| match tape.parse(text) {
            Ok(()) => self.value(Value::root(tape, text), depth, tapes),
            Err(malformed) => self.visit(tapes, Content::Unreadable(malformed.to_string())),
        });
    }

    /// Looks into a value. Every value is looked at once, however envelopes stand in one another:
    /// a search in what each of them holds would make a deep document take the square of its size.
    fn value(&mut self, value: Value<'_>, depth: Depth, tapes: &mut TapePool) {
        let mut pending = vec![Pending::Value(value, depth)];
        // Depth first and in order, without recursion: what a value wraps takes its place.
        while let Some(next) = pending.pop() {
            let (value, mut depth) = match next {
                Pending::Value(value, depth) => (value, depth),
                Pending::Looked(before) => {
                    if self.seen == before {
                        self.visit(tapes, Content::Foreign);
                    }
                    continue;
                }
            };
            match inside(value) {
                Envelope::Record => self.visit(tapes, Content::Record(value)),
                Envelope::Text(text) => {
                    depth.texts += 1;
                    self.document(&text, depth, tapes);
                }
                Envelope::Wrappers { values, several, packed } => {
                    if several && !depth.one_of_several {
                        pending.push(Pending::Looked(self.seen));
                        depth.one_of_several = true;
                    }
                    if packed {
                        self.visit(tapes, Content::Unreadable(PACKED.into()));
                    }
                    let values = values.into_iter().rev();
                    pending.extend(values.map(|value| Pending::Value(value, depth)));
                }
                Envelope::Nothing if depth.one_of_several => {}
                Envelope::Nothing => self.visit(tapes, Content::Foreign),
            }
        }
    }
}

/// A record, or a value that may hold records.
enum Envelope<'a> {
    Record,
    /// JSON in text.
    Text(Cow<'a, str>),
    /// An envelope: what it holds, whether several of its keys hold something, and whether one of
    /// them holds what a host has to unpack.
    Wrappers {
        values: Vec<Value<'a>>,
        several: bool,
        packed: bool,
    },
    Nothing,
}

fn inside(value: Value<'_>) -> Envelope<'_> {
    let is_text = |key: &str| value.get(key).is_some_and(|inner| inner.kind() == Kind::Text);
    match value.kind() {
        Kind::Array => {
            let values = value.items().collect();
            return Envelope::Wrappers { values, several: false, packed: false };
        }
        Kind::Text => return json_text(value).map_or(Envelope::Nothing, Envelope::Text),
        Kind::Object if is_text("eventName") && is_text("eventSource") => return Envelope::Record,
        _ => {}
    }
    let mut values: Vec<Value<'_>> = Vec::new();
    let mut keys = 0;
    for list in ["Records", "Events", "logEvents"] {
        let before = values.len();
        values.extend(value.get(list).into_iter().flat_map(|list| list.items()));
        keys += usize::from(values.len() > before);
    }
    let records = values.len();
    let object = |key| value.get(key).filter(|inner| inner.kind() == Kind::Object);
    for inner in [
        object("detail"),
        value.get("CloudTrailEvent"),
        object("event").and_then(|event| event.get("original")),
        value.get("event.original"),
        value.get("message"),
        value.get("log"),
    ] {
        let may_hold =
            |inner: &Value<'_>| inner.kind() == Kind::Object || json_text(*inner).is_some();
        let Some(inner) = inner.filter(may_hold) else { continue };
        // Every one is looked into: something foreign in one must not hide a record in another. The
        // same text again, which Elastic has under two keys, is no second record.
        if !values[records..].iter().any(|known| known.raw() == inner.raw()) {
            values.push(inner);
            keys += 1;
        }
    }
    let packed = object("awslogs").is_some();
    match keys + usize::from(packed) {
        0 => Envelope::Nothing,
        keys => Envelope::Wrappers { values, several: keys > 1, packed },
    }
}

/// A text that begins like JSON.
fn json_text(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.text().filter(|text| text.trim_ascii_start().starts_with(['{', '[']))
}
