//! The parser against `serde_json`, and where it differs.

use proptest::prelude::*;

use super::*;
use crate::json::Value;

/// The document as `serde_json` would read it, rebuilt from the tape.
fn rebuilt(value: Value<'_>) -> serde_json::Value {
    serde_json::from_str(value.raw()).expect("a value's own bytes are JSON")
}

#[test]
fn nesting_is_bounded_without_recursion() {
    let mut tape = Tape::default();
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(tape.parse(&deep(MAX_DEPTH)).is_ok());
    let refused = tape.parse(&deep(10_000)).unwrap_err();
    assert_eq!(refused.reason, "nested deeper than 1000");
}

#[test]
fn what_logs_contain_in_spite_of_the_standard_is_read() {
    let mut tape = Tape::default();
    tape.parse("{\"a\":\"tab\there\",\"b\":\"\\ud800\"}").unwrap();
    let root = Value::root(&tape, "{\"a\":\"tab\there\",\"b\":\"\\ud800\"}");
    assert_eq!(root.get("a").unwrap().text().unwrap(), "tab\there");
    assert_eq!(root.get("b").unwrap().text().unwrap(), "\u{fffd}");
}

proptest! {
    /// Any bytes at all: no panic, and what serde_json reads is read, as the same value.
    #[test]
    fn reads_what_serde_json_reads(text in r#"[\[\]{},:" \\0-9eE.+a-zu\-]{0,40}"#) {
        let mut tape = Tape::default();
        let ours = tape.parse(&text);
        if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(&text) {
            prop_assert!(ours.is_ok(), "{:?}: {:?}", text, ours);
            prop_assert_eq!(rebuilt(Value::root(&tape, &text)), theirs);
        }
    }

    #[test]
    fn any_text_is_unescaped_as_serde_json_does(text in any::<String>()) {
        let source = serde_json::to_string(&text).unwrap();
        let mut tape = Tape::default();
        tape.parse(&source).unwrap();
        prop_assert_eq!(Value::root(&tape, &source).text().unwrap(), text);
    }
}
