//! Heartbeats: a second kind of input, a line that a router makes cheaply of a whole stream to say that an
//! account was heard of: `{"orgwatch.heartbeat":{"account":"111122223333","time":"2026-11-17T12:00:00Z"}}`.

use crate::json::{Kind, Tape, Value};

/// The key of a heartbeat.
const HEARTBEAT: &str = "orgwatch.heartbeat";

/// Whether a line begins as a heartbeat does.
pub fn may_be(line: &[u8]) -> bool {
    let rest = line.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let rest = rest.and_then(|rest| rest.strip_prefix(b"\""));
    rest.is_some_and(|rest| rest.starts_with(HEARTBEAT.as_bytes()))
}

/// The account and the time of a heartbeat; `None` for a line that is none, which may be an event.
pub fn read(line: &[u8]) -> Option<Option<(String, i64)>> {
    let text = std::str::from_utf8(line).ok().filter(|_| may_be(line))?.trim();
    let mut tape = Tape::default();
    tape.parse(text).ok()?;
    of(Value::root(&tape, text))
}

/// The same, of a line that is parsed already.
pub fn of(root: Value<'_>) -> Option<Option<(String, i64)>> {
    // Nothing else stands beside it: such a key in an event is the event's.
    let mut keys = root.entries();
    let (key, beat) = keys.next()?;
    if key.text()? != HEARTBEAT || keys.next().is_some() || beat.kind() != Kind::Object {
        return None;
    }
    let says = |key| beat.get(key).and_then(|value| value.scalar().map(|text| text.into_owned()));
    let time = says("time").and_then(|time| crate::time::parse(&time));
    Some(says("account").zip(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_heartbeat_is() {
        let line = br#" { "orgwatch.heartbeat" : {"account":"111122223333","time":"2026-11-17T12:00:00Z"}} "#;
        assert_eq!(read(line), Some(Some(("111122223333".into(), 1_794_916_800))));
        assert_eq!(read(br#"{"orgwatch.heartbeat":{"account":"x"}}"#), Some(None));
        for other in [
            r#"{"orgwatch.heartbeat":{"account":"1","time":"x"},"eventName":"LeaveOrganization"}"#,
            r#"{"eventName":"x","orgwatch.heartbeat":{}}"#,
            r#"{"requestParameters":{"orgwatch.heartbeat":{}}}"#,
            r#"{"orgwatch.heartbeats":{}}"#,
            r#"{"orgwatch.heartbeat":"x"}"#,
            r#"{"orgwatch.heartbeat":{"#,
        ] {
            assert_eq!(read(other.as_bytes()), None, "{other}");
        }
    }
}
