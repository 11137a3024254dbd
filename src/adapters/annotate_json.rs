//! The findings as keys of the record, spliced into its bytes: whatever else stands in it stays as
//! it came, to the byte.

use std::collections::BTreeSet;

use super::json;
use crate::finding::Finding;
use crate::json::{Kind, Tape, Value};

/// The key of the list of findings.
pub const FINDINGS: &str = "orgwatch";
/// The key of the highest severity among them.
pub const SEVERITY: &str = "orgwatch_severity";

/// Appends the record with its findings to `out`; says how many keys that came with our names were
/// given others. Without findings only that is done. `None`, and nothing appended, if the record is
/// no JSON object.
pub fn splice(
    record: &[u8],
    findings: &[Finding],
    tape: &mut Tape,
    out: &mut Vec<u8>,
) -> Option<u64> {
    let text = std::str::from_utf8(record).ok()?;
    tape.parse(text).ok()?;
    splice_parsed(Value::root(tape, text), findings, out)
}

/// As [`splice`], of a record that is parsed already and the whole of its document.
#[inline(never)]
pub fn splice_parsed(root: Value<'_>, findings: &[Finding], out: &mut Vec<u8>) -> Option<u64> {
    let start = out.len();
    let renamed = append(root, findings, out);
    if renamed.is_none() {
        out.truncate(start);
    }
    renamed
}

fn append(root: Value<'_>, findings: &[Finding], out: &mut Vec<u8>) -> Option<u64> {
    if root.kind() != Kind::Object {
        return None;
    }
    let text = root.document();
    let record = text.as_bytes();
    let mut names = Names::default();
    let mut from = 0;
    let mut renamed = 0;
    // Every one of several: a reader may take the first or the last.
    for (key, _) in root.entries() {
        let name = key.text()?;
        if name != FINDINGS && name != SEVERITY {
            continue;
        }
        let at = key.span();
        out.extend_from_slice(record.get(from..at.start)?);
        renamed = u64::saturating_add(renamed, 1);
        json::text(&names.free(&name, root), out);
        from = at.end;
    }
    let Some(severity) = findings.iter().map(|finding| finding.severity).max() else {
        out.extend_from_slice(record.get(from..)?);
        return Some(renamed);
    };
    let close = text.rfind('}')?;
    out.extend_from_slice(record.get(from..close)?);
    if root.entries().next().is_some() {
        out.push(b',');
    }
    out.extend_from_slice(b"\"orgwatch\":");
    json::findings(findings, out);
    out.extend_from_slice(b",\"orgwatch_severity\":");
    json::text(severity.as_str(), out);
    out.extend_from_slice(record.get(close..)?);
    Some(renamed)
}

/// Names like ours that the record has or was given: the same one twice would hide one of two values.
#[derive(Default)]
struct Names {
    /// Read when there is one to give.
    taken: Option<BTreeSet<String>>,
    /// The number given last. It only grows, so that many names cost no more than one each.
    number: u64,
}

impl Names {
    /// A name that the record does not have: `orgwatch_original`, or one with a number behind it.
    fn free(&mut self, name: &str, root: Value<'_>) -> String {
        let taken = self.taken.get_or_insert_with(|| {
            let names = root.entries().filter_map(|(key, _)| key.text());
            names.filter(|name| name.starts_with(FINDINGS)).map(Into::into).collect()
        });
        let plain = format!("{name}_original");
        let mut free = plain.clone();
        while !taken.insert(free.clone()) {
            self.number = self.number.saturating_add(1);
            free = format!("{plain}_{}", self.number);
        }
        free
    }
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
        let mut out = b"before".to_vec();
        let renamed = splice(record.as_bytes(), &findings(), &mut Tape::default(), &mut out);
        let out = String::from_utf8(out).unwrap();
        (out.strip_prefix("before").unwrap().to_owned(), renamed.unwrap())
    }

    /// The text before and after our keys.
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
            (r#"{"orgwatch":7,"orgwatch":7}"#, &["orgwatch_original", "orgwatch_original_1"]),
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
    fn without_findings_only_names_change() {
        for (record, expected) in [
            (r#"{"a":1,"orgwatch":[1]}"#, r#"{"a":1,"orgwatch_original":[1]}"#),
            (r#"{"orgwatch\u005fseverity":1 }"#, r#"{"orgwatch_severity_original":1 }"#),
            (
                r#" {"orgwatching":1.50,"a":{"orgwatch":1},"b":"orgwatch"} "#,
                r#" {"orgwatching":1.50,"a":{"orgwatch":1},"b":"orgwatch"} "#,
            ),
            ("{}", "{}"),
        ] {
            let mut out = Vec::new();
            let renamed = splice(record.as_bytes(), &[], &mut Tape::default(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
            assert_eq!(renamed, Some(u64::from(record != expected)));
        }
    }

    #[test]
    fn many_names_take_no_longer_than_their_number() {
        let numbered = (1..40_000).map(|n| format!(r#""orgwatch_original_{n}":7"#));
        let same = (0..40_000).map(|_| r#""orgwatch":7"#.to_owned());
        let keys: Vec<_> = numbered.chain(same).collect();
        let record = format!("{{{}}}", keys.join(","));
        let mut out = Vec::new();
        let renamed = splice(record.as_bytes(), &[], &mut Tape::default(), &mut out);
        assert_eq!(renamed, Some(40_000));
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read.as_object().unwrap().len(), keys.len());
    }

    #[test]
    fn what_is_no_object_is_left_alone() {
        for record in ["[1]", "7", "{", "", "{}{}"] {
            let mut out = b"before".to_vec();
            assert!(
                splice(record.as_bytes(), &findings(), &mut Tape::default(), &mut out).is_none()
            );
            assert_eq!(out, b"before");
        }
    }
}
