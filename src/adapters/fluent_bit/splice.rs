//! The findings as keys of the record, spliced into its bytes: whatever else stands in it stays as
//! it came, to the byte.

use crate::finding::Finding;
use crate::json::{Kind, Tape, Value};

/// The list of findings.
pub(super) const FINDINGS: &str = "orgwatch";
/// The highest severity among them.
pub(super) const SEVERITY: &str = "orgwatch_severity";

/// Writes the record with its findings to `out`, in place of what that held; says how many keys that
/// came with our names were given others. `None` if the record is no JSON object.
pub(super) fn splice(
    record: &[u8],
    findings: &[Finding],
    tape: &mut Tape,
    out: &mut Vec<u8>,
) -> Option<u64> {
    let text = std::str::from_utf8(record).ok()?;
    tape.parse(text).ok()?;
    let root = Value::root(tape, text);
    if root.kind() != Kind::Object {
        return None;
    }
    out.clear();
    let mut from = 0;
    let mut renamed = 0;
    let mut empty = true;
    for (key, _) in root.entries() {
        empty = false;
        let name = key.text()?;
        if name != FINDINGS && name != SEVERITY {
            continue;
        }
        // Every one of several: a reader may take the first or the last.
        let at = key.raw().as_ptr() as usize - text.as_ptr() as usize;
        out.extend_from_slice(&record[from..at]);
        renamed += 1;
        serde_json::to_writer(&mut *out, &free_name(&name, root, renamed)).ok()?;
        from = at + key.raw().len();
    }
    let close = text.rfind('}')?;
    out.extend_from_slice(&record[from..close]);
    if !empty {
        out.push(b',');
    }
    let severity = findings.iter().map(|finding| finding.severity).max()?;
    out.extend_from_slice(b"\"orgwatch\":");
    serde_json::to_writer(&mut *out, findings).ok()?;
    out.extend_from_slice(b",\"orgwatch_severity\":");
    serde_json::to_writer(&mut *out, &severity).ok()?;
    out.extend_from_slice(&record[close..]);
    Some(renamed)
}

/// A name that the record does not have: `orgwatch_original`, or one with a number behind it.
fn free_name(name: &str, root: Value<'_>, nth: u64) -> String {
    let plain = format!("{name}_original");
    // The same name twice would hide one of the two values.
    let twice = root.entries().filter(|(key, _)| key.text().is_some_and(|k| k == name)).count() > 1;
    if !twice && root.get(&plain).is_none() {
        return plain;
    }
    let numbered = (nth..).map(|n| format!("{plain}_{n}"));
    numbered.into_iter().find(|name| root.get(name).is_none()).unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::Detector;

    fn findings() -> Vec<Finding> {
        let record = br#"{"eventSource":"organizations.amazonaws.com","eventID":"1",
            "eventName":"LeaveOrganization","eventTime":"2026-06-01T12:00:00Z"}"#;
        Detector::open("{}").unwrap().detect(record).unwrap()
    }

    fn spliced(record: &str) -> (String, u64) {
        let mut out = b"what was there before".to_vec();
        let renamed = splice(record.as_bytes(), &findings(), &mut Tape::default(), &mut out);
        (String::from_utf8(out).unwrap(), renamed.unwrap())
    }

    /// What stands before and after our keys.
    fn around(spliced: &str) -> (&str, &str) {
        let start = spliced.find("\"orgwatch\":[{").unwrap();
        let end = spliced.find("\"orgwatch_severity\":\"").unwrap();
        let (_, rest) = spliced[end..].split_once(":\"").unwrap();
        (&spliced[..start], rest.split_once('"').unwrap().1)
    }

    #[test]
    fn all_else_stays_as_it_came() {
        for (record, before, after) in [
            ("{}", "{", "}"),
            (r#"{"a":1.50,"b":"\u00e9é" }"#, r#"{"a":1.50,"b":"\u00e9é" ,"#, "}"),
            (r#" {"a":{"orgwatch":1}} "#, r#" {"a":{"orgwatch":1},"#, "} "),
            (r#"{"orgwatch":"}"}"#, r#"{"orgwatch_original":"}","#, "}"),
        ] {
            let (out, _) = spliced(record);
            assert_eq!(around(&out), (before, after));
            serde_json::from_str::<serde_json::Value>(&out).unwrap();
        }
    }

    #[test]
    fn our_names_are_ours_and_no_value_is_lost() {
        for (record, names) in [
            (r#"{"orgwatch":7}"#, &["orgwatch_original"][..]),
            (r#"{"orgwatch_severity":7}"#, &["orgwatch_severity_original"]),
            (
                r#"{"orgwatch":7,"orgwatch_severity":7}"#,
                &["orgwatch_original", "orgwatch_severity_original"],
            ),
            (r#"{"\u006frgwatch":7}"#, &["orgwatch_original"]),
            (r#"{"orgwatch":7,"orgwatch":7}"#, &["orgwatch_original_1", "orgwatch_original_2"]),
            (
                r#"{"orgwatch":7,"orgwatch_original":7}"#,
                &["orgwatch_original", "orgwatch_original_1"],
            ),
        ] {
            let (out, renamed) = spliced(record);
            let read: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert!(read["orgwatch"].is_array(), "{out}");
            assert_eq!(read["orgwatch_severity"], read["orgwatch"][0]["severity"]);
            for name in names {
                assert_eq!(read[*name], 7, "{out}");
            }
            assert_eq!(read.as_object().unwrap().len(), names.len() + 2);
            let came = record.matches(":7").count() - record.matches("original\":").count();
            assert_eq!(renamed, came as u64);
        }
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        for record in ["[1]", "7", "{", "", "{}{}"] {
            let mut out = Vec::new();
            assert!(
                splice(record.as_bytes(), &findings(), &mut Tape::default(), &mut out).is_none()
            );
        }
    }
}
