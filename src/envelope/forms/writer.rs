//! A record as it is written, key by key.

use crate::json::Value;

/// Writes one JSON object.
pub(super) struct Writer {
    text: String,
    /// Whether something stands before what is written next.
    follows: bool,
}

impl Writer {
    pub(super) fn new() -> Writer {
        Writer { text: "{".into(), follows: false }
    }

    /// The object.
    pub(super) fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }

    pub(super) fn key(&mut self, key: &str) {
        if std::mem::replace(&mut self.follows, true) {
            self.text.push(',');
        }
        push_json(key, &mut self.text);
        self.text.push(':');
    }

    /// A text, if there is one.
    pub(super) fn text(&mut self, key: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.key(key);
            push_json(text.as_ref(), &mut self.text);
        }
    }

    /// A value as it stands, if there is one.
    pub(super) fn value(&mut self, key: &str, value: Option<Value<'_>>) {
        if let Some(value) = value {
            self.json(key, value.raw());
        }
    }

    /// JSON as it stands.
    pub(super) fn json(&mut self, key: &str, json: &str) {
        self.key(key);
        self.text.push_str(json);
    }

    /// An object, unless nothing is written into it.
    pub(super) fn object(&mut self, key: &str, write: impl FnOnce(&mut Writer)) {
        let mut inner = Writer::new();
        write(&mut inner);
        if inner.follows {
            self.json(key, &inner.finish());
        }
    }
}

/// Appends a text as JSON.
pub(super) fn push_json(text: &str, to: &mut String) {
    // Writing a text cannot fail.
    to.push_str(&serde_json::to_string(text).unwrap_or_default());
}
