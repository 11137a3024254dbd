//! One CloudTrail record, as rules and findings see it.
//!
//! A record is borrowed from the line it came in. Normalising it means one thing so far: containers
//! that a pipeline has turned into JSON text are read again.

mod content;
mod facts;
mod outcome;
mod policy;
mod time;

pub(crate) use facts::shortened;
pub use facts::{Facts, MAX_VALUE};
pub use policy::{Trusted, grants_leave, trusts};
pub use time::{parse as parse_time, rfc3339};

use std::borrow::Cow;

use orgwatch_sigma::Path;

use crate::json::{Fields, Kind, Tape, Value};

/// The containers that some pipelines ship as JSON text.
const CONTAINERS: &[&str] = &[
    "additionalEventData",
    "requestParameters",
    "responseElements",
    "serviceEventDetails",
    "userIdentity",
];

/// The fields whose presence is a failure.
const ERRORS: &[&str] = &["errorCode", "errorMessage"];

/// What [`Record`] borrows beside the line: containers that were JSON in text, parsed.
#[derive(Debug, Default)]
pub struct Unfolded(Vec<(&'static str, String, Tape)>);

impl Unfolded {
    /// Parses the containers of a record that are JSON in text.
    pub fn of(fields: &Fields<'_>) -> Self {
        let mut unfolded = Vec::new();
        for name in CONTAINERS {
            let Some(text) = fields.get(name).as_ref().and_then(Value::text) else {
                continue;
            };
            let mut tape = Tape::default();
            if text.starts_with('{') && tape.parse(&text).is_ok() {
                unfolded.push((*name, text.into_owned(), tape));
            }
        }
        Unfolded(unfolded)
    }
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    fields: &'a Fields<'a>,
    unfolded: &'a Unfolded,
}

/// What stands at a path.
#[derive(Debug)]
pub enum Found<'a> {
    /// Nothing.
    Missing,
    /// One value.
    One(Value<'a>),
    /// Several, because the path crosses an array.
    Many(Vec<Value<'a>>),
}

impl<'a> Record<'a> {
    /// The record that is this JSON object.
    pub fn new(fields: &'a Fields<'a>, unfolded: &'a Unfolded) -> Self {
        Record { fields, unfolded }
    }

    /// A top-level field.
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        if let Some((_, text, tape)) = self.unfolded.0.iter().find(|(known, ..)| *known == name) {
            return Some(Value::root(tape, text));
        }
        // A pipeline that writes an empty error for none must not turn a success into a failure.
        let says = |value: &Value<'_>| !ERRORS.contains(&name) || scalar(*value).is_some();
        self.fields.get(name).filter(says)
    }

    /// What stands at a path. A key of exactly the path's name comes first.
    pub fn find(&self, path: &Path) -> Found<'a> {
        let (first, rest) = match path.segments.as_slice() {
            [only] => return self.field(only).map_or(Found::Missing, Found::One),
            [first, rest @ ..] => (first, rest),
            [] => return Found::Missing,
        };
        if let Some(value) = self.fields.get(&path.text) {
            return Found::One(value);
        }
        let Some(mut value) = self.field(first) else { return Found::Missing };
        let mut rest = rest.iter();
        // No list, until there is an array to cross.
        while value.kind() == Kind::Object {
            match rest.next().map(|segment| value.get(segment)) {
                None => return Found::One(value),
                Some(None) => return Found::Missing,
                Some(Some(inner)) => value = inner,
            }
        }
        let mut values = vec![value];
        for segment in rest {
            values = values
                .into_iter()
                .flat_map(|value| {
                    let own = value.get(segment);
                    let of_items = value.items().filter_map(|item| item.get(segment));
                    own.into_iter().chain(of_items).collect::<Vec<_>>()
                })
                .collect();
        }
        match values.len() {
            0 => Found::Missing,
            1 => Found::One(values[0]),
            _ => Found::Many(values),
        }
    }

    /// The text, number or boolean at a path, if there is one and it says something; several, in an
    /// array or because the path crosses one, joined by commas, up to the length of a value in a finding.
    pub fn text(&self, path: &Path) -> Option<Cow<'a, str>> {
        let values = match self.find(path) {
            Found::Missing => return None,
            Found::One(value) if value.kind() == Kind::Array => value.items().collect(),
            Found::One(value) => return scalar(value),
            Found::Many(values) => values,
        };
        let mut joined = String::new();
        for text in values.into_iter().filter_map(scalar) {
            if !joined.is_empty() {
                joined.push_str(", ");
            }
            joined.push_str(&text);
            // Every template that names the path asks anew.
            if joined.len() > MAX_VALUE {
                break;
            }
        }
        Some(joined.into()).filter(|text: &Cow<'_, str>| !text.is_empty())
    }

    /// [`Record::text`] at a path of keys, without a compiled [`Path`].
    pub fn at(&self, keys: &[&str]) -> Option<Cow<'a, str>> {
        let (first, rest) = keys.split_first()?;
        let mut value = self.field(first)?;
        for key in rest {
            value = value.get(key)?;
        }
        scalar(value)
    }
}

fn scalar(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.scalar().filter(|text| !text.is_empty())
}
