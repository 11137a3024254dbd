//! The event that the evaluator of the rules' crate sees.

use std::borrow::Cow;

use orgwatch_sigma::{Event, EventValue, Field, Lookup};

use super::context::{Context, FieldValue};
use crate::json::{Kind, Value};
use crate::record::{Found, arn};

impl Event for Context<'_> {
    type Value<'a>
        = Value<'a>
    where
        Self: 'a;

    #[inline]
    fn field(&self, field: &Field) -> Lookup<'_, Value<'_>> {
        match self.held(field) {
            FieldValue::Record(Found::Missing) | FieldValue::Derived(None) => Lookup::Missing,
            FieldValue::Record(Found::One(value)) => Lookup::One(value),
            FieldValue::Record(Found::Many(values)) => Lookup::Many(values),
            FieldValue::Derived(Some(text)) => Lookup::Text(trimmed(text)),
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.record.any_text(test)
    }
}

impl EventValue for Value<'_> {
    #[inline]
    fn kind(&self) -> Kind {
        Value::kind(self)
    }

    #[inline]
    fn text(&self) -> Option<Cow<'_, str>> {
        self.scalar().map(trimmed)
    }

    #[inline]
    fn digits(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.raw())
    }

    #[inline]
    fn items(&self) -> impl Iterator<Item = Self> {
        Value::items(self)
    }
}

/// A text as patterns see it: an ARN without white space around it, anything else as it is.
fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(arn(text)),
        Cow::Owned(text) if arn(&text).len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(arn(&text).to_owned()),
    }
}
