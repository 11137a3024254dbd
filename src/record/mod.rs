//! One CloudTrail record, as rules and findings see it.
//!
//! A record is borrowed from the line it came in. Normalising it means one thing so far: containers
//! that a pipeline has turned into JSON text are read again.

mod actor;
mod content;
pub mod log_path;
mod networks;
pub mod org_policy;
mod outcome;
mod ownership;
mod policy;
mod selectors;
mod summary;
mod trust;

pub use actor::{DELEGATE, ON_BEHALF_OF, SOURCE_IDENTITY, is_aws};
pub use ownership::{Destination, Ownership};
pub(crate) use ownership::{is_account, is_organization};
pub use policy::{allows, grants_leave, is_unreadable as is_policy_unreadable};
pub use selectors::omits_writes;
pub use summary::EventSummary;
pub use trust::{Trusted, trusts};

use std::borrow::Cow;

use orgwatch_sigma::Path;

use crate::json::{Kind, ObjectIndex, Tape, Value};
use crate::text::MAX_VALUE;

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

/// Texts that pipelines write there for none, which must not turn a success into a failure. No service has
/// an error of such a name.
const NO_ERROR: &[&str] = &["", "-", "0", "200", "none", "null", "ok", "success", "succeeded"];

/// Containers that were JSON in text, parsed: [`Record`] borrows from them beside the line.
#[derive(Debug, Default)]
pub struct EmbeddedJson(Vec<(&'static str, String, Tape)>);

impl EmbeddedJson {
    /// Parses the containers of a record that are JSON in text.
    pub fn of(fields: &ObjectIndex<'_>) -> Self {
        let mut embedded = Vec::new();
        for name in CONTAINERS {
            let Some(text) = fields.get(name).as_ref().and_then(Value::text) else {
                continue;
            };
            let mut tape = Tape::default();
            if text.trim_start().starts_with('{') && tape.parse(&text).is_ok() {
                embedded.push((*name, text.into_owned(), tape));
            }
        }
        EmbeddedJson(embedded)
    }
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    fields: &'a ObjectIndex<'a>,
    embedded: &'a EmbeddedJson,
}

/// The values at a path.
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
    pub fn new(fields: &'a ObjectIndex<'a>, embedded: &'a EmbeddedJson) -> Self {
        Record { fields, embedded }
    }

    /// A top-level field.
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        if let Some((_, text, tape)) = self.embedded.0.iter().find(|(known, ..)| *known == name) {
            return Some(Value::root(tape, text));
        }
        let says = |value: &Value<'_>| {
            !ERRORS.contains(&name) || scalar(*value).is_some_and(|text| !says_success(&text))
        };
        self.fields.get(name).filter(says)
    }

    /// The values at a path. Keys that a pipeline has flattened (`userIdentity.arn`) are paths too,
    /// whole or in part, and come before the nested ones.
    pub fn find(&self, path: &Path) -> Found<'a> {
        self.look(&path.segments)
    }

    /// The text, number or boolean at a path, if there is one and it says something; several, in an
    /// array or because the path crosses one, joined by commas, up to the length of a value in a finding.
    pub fn text(&self, path: &Path) -> Option<Cow<'a, str>> {
        self.find(path).text()
    }

    /// [`Record::text`] at a path of keys, without a compiled [`Path`].
    pub fn at(&self, keys: &[&str]) -> Option<Cow<'a, str>> {
        self.look(keys).text()
    }

    /// The time of the event, in seconds since 1970.
    pub fn time(&self) -> Option<i64> {
        crate::time::parse(&self.at(&["eventTime"])?)
    }

    /// Whether a test holds for any text value of the record, at any depth.
    pub fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.fields.object().entries().any(|(name, value)| {
            match value.kind() {
                // It may be JSON in text, or an error that is none.
                Kind::Text => {
                    let field = name.text().and_then(|name| self.field(&name));
                    field.is_some_and(|value| value.any_text(test))
                }
                _ => value.any_text(test),
            }
        })
    }

    fn look<S: AsRef<str>>(&self, path: &[S]) -> Found<'a> {
        let Some((first, rest)) = path.split_first() else { return Found::Missing };
        if self.fields.dotted() {
            let splits = (2..=path.len()).rev().filter_map(|length| path.split_at_checked(length));
            for (joined, rest) in splits {
                let keys: Vec<&str> = joined.iter().map(S::as_ref).collect();
                let value = self.fields.get(&keys.join("."));
                match value.map(|value| below(value, rest)) {
                    None | Some(Found::Missing) => {}
                    Some(found) => return found,
                }
            }
        }
        self.field(first.as_ref()).map_or(Found::Missing, |value| below(value, rest))
    }
}

impl<'a> Found<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        let values = match self {
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

    fn values(self) -> Vec<Value<'a>> {
        match self {
            Found::Missing => Vec::new(),
            Found::One(value) => vec![value],
            Found::Many(values) => values,
        }
    }
}

/// The values at a path below a value. It calls itself no deeper than the path is long.
fn below<'a, S: AsRef<str>>(value: Value<'a>, path: &[S]) -> Found<'a> {
    let Some((first, rest)) = path.split_first() else { return Found::One(value) };
    match value.kind() {
        Kind::Object => {
            let nested = value.get(first.as_ref());
            let found = nested.map_or(Found::Missing, |inner| below(inner, rest));
            if rest.is_empty() || !matches!(found, Found::Missing) {
                return found;
            }
            let mut flat = value.entries().filter_map(|(key, inner)| {
                let found = below(inner, behind(&key.text()?, path)?);
                (!matches!(found, Found::Missing)).then_some(found)
            });
            flat.next().unwrap_or(Found::Missing)
        }
        Kind::Array => {
            let objects = value.items().filter(|item| item.kind() == Kind::Object);
            let mut found: Vec<_> = objects.flat_map(|item| below(item, path).values()).collect();
            match found.len() {
                0 => Found::Missing,
                1 => Found::One(found.remove(0)),
                _ => Found::Many(found),
            }
        }
        _ => Found::Missing,
    }
}

/// The rest of a path behind a key that is its first two segments or more, joined by dots.
fn behind<'a, S: AsRef<str>>(key: &str, path: &'a [S]) -> Option<&'a [S]> {
    let (first, mut rest) = path.split_first()?;
    let mut left = key.strip_prefix(first.as_ref())?;
    loop {
        let segment;
        (segment, rest) = rest.split_first()?;
        left = left.strip_prefix('.')?.strip_prefix(segment.as_ref())?;
        if left.is_empty() {
            return Some(rest);
        }
    }
}

/// Whether the text of an error says that there is none.
fn says_success(error: &str) -> bool {
    NO_ERROR.iter().any(|known| error.trim().eq_ignore_ascii_case(known))
}

/// An ARN without white space around it, which does not make it another; any other text as it is.
pub(crate) fn arn(text: &str) -> &str {
    // Nearly every text that is compared comes by here, and has none.
    let blank = |byte: Option<&u8>| byte.is_some_and(|byte| *byte <= b' ' || *byte >= 0x80);
    if !blank(text.as_bytes().first()) && !blank(text.as_bytes().last()) {
        return text;
    }
    let trimmed = text.trim();
    if trimmed.starts_with("arn:") { trimmed } else { text }
}

fn scalar(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.scalar().filter(|text| !text.is_empty())
}
