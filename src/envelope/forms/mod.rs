//! The facts of a record in other forms, as CloudTrail writes them.
//!
//! A lake or an index keeps what a record says and not the record. Its facts are written as a record here,
//! which rules and findings then see like any other.

mod ecs;
mod fields;
mod ocsf;
mod row;
mod struct_text;
mod writer;

use std::fmt;

use crate::json::{Kind, Value};

/// A form that is not CloudTrail's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// OCSF API Activity, as Amazon Security Lake stores CloudTrail.
    Ocsf,
    /// The Elastic Common Schema, as Elastic's AWS integration writes it.
    Ecs,
    /// A row of Athena or CloudTrail Lake.
    Row,
}

impl Form {
    /// The name that findings give it.
    pub fn as_str(self) -> &'static str {
        match self {
            Form::Ocsf => "ocsf",
            Form::Ecs => "ecs",
            Form::Row => "query-row",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The record that a value tells, as JSON, if it has one of these forms.
pub(super) fn of(value: Value<'_>) -> Option<(Form, String)> {
    if value.kind() == Kind::Array {
        return Some((Form::Row, row::of_pairs(value)?));
    }
    let ocsf = || Some((Form::Ocsf, ocsf::record(value)?));
    let ecs = || Some((Form::Ecs, ecs::record(value)?));
    let row = || Some((Form::Row, row::record(value)?));
    ocsf().or_else(ecs).or_else(row)
}

/// Whether a record has its identity as a text that is no JSON, as rows have it.
pub(super) fn has_text_identity(record: Value<'_>) -> bool {
    let text = record.get("userIdentity").and_then(|identity| identity.text());
    text.is_some_and(|text| struct_text::is_struct(&text))
}
