//! Finding CloudTrail records inside what people and routers ship.
//!
//! A record is an object with text `eventSource`, text `eventName`, `eventTime`, and `userIdentity` or
//! `recipientAccountId`. It is taken wherever it stands within the [`Reach`] of the search: under a
//! key, in an array, in text that holds JSON (in text in text, behind the header of a syslog line), or
//! as the same facts in [another form](forms). Nothing inside a record is searched for records.
//!
//! `docs/input.md` shows each shape.

mod companion;
mod forms;
mod origin;
mod reach;
mod search;
mod starts;

pub use companion::Companion;
pub use forms::Form;
pub use origin::Origin;
pub use reach::Reach;
pub use starts::may_hold_record;

use crate::json::{Tape, Value};

/// The shapes that are understood, for `describe`.
pub const SHAPES: &[&str] = &[
    "cloudtrail",
    "s3-object",
    "eventbridge",
    "cloudwatch-logs",
    "lookup-events",
    "message",
    "ecs-event-original",
    "sns",
    "sqs",
    "kinesis",
    "firehose",
    "splunk-hec",
    "syslog",
    "ocsf-api-activity",
    "ecs",
    "query-row",
];

/// Why a `{"awslogs": …}` line is unreadable here: a host unpacks it.
pub const PACKED: &str = "packed data (base64, and gzip in it): the host unpacks it";

/// The content of one place of a line.
#[derive(Debug)]
pub enum Content<'a> {
    /// A record.
    Record(Located<'a>),
    /// JSON that is no CloudTrail record, and the events that it names nevertheless.
    Foreign(Vec<String>),
    /// What stands beside records in a bucket or a queue and is none.
    Companion(Companion),
    /// Something that should have been a record and could not be read.
    Unreadable(String),
}

/// A record and where it was.
#[derive(Debug)]
pub struct Located<'a> {
    /// The record.
    pub record: Value<'a>,
    /// The value that it was read from: itself, or the same facts in another form.
    pub source: Value<'a>,
    /// Where that stands.
    pub origin: Origin,
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
pub fn contents(line: &[u8], reach: &Reach, tapes: &mut TapePool, visit: Visit<'_>) {
    match std::str::from_utf8(line) {
        Ok(text) => search::line(text, reach, tapes, visit),
        Err(_) => visit(tapes, Content::Unreadable("not UTF-8".into())),
    }
}

/// Visits what a value holds.
pub fn records(value: Value<'_>, reach: &Reach, tapes: &mut TapePool, visit: Visit<'_>) {
    search::value(value, reach, tapes, visit);
}

#[cfg(test)]
mod tests;
