//! What a value is, by its keys: a record in one of its forms, or packed data.

use std::borrow::Cow;

use super::super::{Content, Located, Origin, TapePool, forms};
use super::place::Steps;
use super::{Node, Outer, Search};
use crate::json::{Kind, Value};

/// How long the name of an event is that something foreign names.
const MAX_NAME: usize = 128;

impl Search<'_, '_> {
    /// Visits a value that is a record, in whatever form. Whether it is.
    pub(super) fn record(
        &mut self,
        node: Node<'_>,
        outer: &Outer,
        steps: &Steps<'_>,
        tapes: &mut TapePool,
    ) -> bool {
        let source = node.value;
        let is_record = is_record(source, node.known);
        let form = match is_record && !forms::has_text_identity(source) {
            true => None,
            false => forms::of(source),
        };
        let keys = || steps.keys(&outer.keys, node.step);

        match form {
            Some((form, text)) => {
                self.mapped(source, &text, Origin { keys: keys(), form: Some(form) }, tapes);
            }
            None if is_record => {
                let origin = Origin { keys: keys(), form: None };
                self.visit(tapes, Content::Record(Located { record: source, source, origin }));
            }
            None => return false,
        }
        true
    }

    /// Visits a record that was written of the facts of this one, which has another form.
    #[inline(never)]
    fn mapped(&mut self, source: Value<'_>, text: &str, origin: Origin, tapes: &mut TapePool) {
        tapes.with(|tapes, tape| {
            if tape.parse(text).is_err() {
                // It was written here, of values that were read.
                debug_assert!(false, "{text}");
                let form = origin.form.map(|form| form.to_string()).unwrap_or_default();
                let reason = format!("{form} that cannot be mapped");
                return self.visit(tapes, Content::Unreadable(reason));
            }
            let record = Value::root(tape, text);
            self.visit(tapes, Content::Record(Located { record, source, origin }));
        });
    }
}

/// Whether an object is a record. Where records are known to stand, old and odd ones are taken too.
fn is_record(value: Value<'_>, known: bool) -> bool {
    let text = |key: &str| value.get(key).filter(|inner| inner.kind() == Kind::Text);
    let has = |key: &str| value.get(key).is_some_and(|inner| inner.kind() != Kind::Null);
    value.kind() == Kind::Object
        && text("eventName").is_some()
        && text("eventSource")
            .and_then(|source| source.text())
            .is_some_and(|s| !s.starts_with("aws:"))
        && (known || has("eventTime") && (has("userIdentity") || has("recipientAccountId")))
}

/// Whether an object under a key holds what a host has to unpack: the data of CloudWatch Logs, Kinesis or Firehose.
pub(super) fn is_packed(value: Value<'_>, key: Option<&str>) -> bool {
    const CARRIERS: &[&str] = &["awslogs", "kinesis"];
    const BESIDE: &[&str] = &["recordId", "partitionKey", "approximateArrivalTimestamp"];
    let Some(data) = value.get("data").and_then(|data| data.text()) else { return false };
    let carried = key.is_some_and(|key| CARRIERS.contains(&key));
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    (carried || BESIDE.iter().any(|key| value.get(key).is_some()))
        && !data.is_empty()
        && data.bytes().all(is_base64)
}

/// The event that an object names, if it does.
pub(super) fn name(value: Value<'_>) -> Option<String> {
    let keys = ["eventName", "eventname", "event.action", "action", "operation"];
    let named = keys.iter().find_map(|key| value.get(key)?.text());
    named.filter(|name| name.len() <= MAX_NAME).map(Cow::into_owned)
}
