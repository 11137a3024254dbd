//! The same record in every envelope, written in every way, and damaged.

use orgwatch::finding::Finding;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{self, Random};
use crate::{batch, open, shown};

/// Findings without where their record stood, in which alone envelopes differ.
fn without_origin(mut findings: Vec<Finding>) -> Vec<Finding> {
    for finding in &mut findings {
        finding.details.retain(|(name, _)| name != "record_at");
    }
    findings
}

/// A record in an envelope: what it is called and what it looks like.
pub(crate) fn envelopes(record: &Value) -> Vec<(&'static str, Value)> {
    let text = record.to_string();
    vec![
        ("raw", record.clone()),
        ("s3 object", json!({"Records": [record]})),
        ("array", json!([record])),
        ("eventbridge", json!({"version": "0", "source": "aws.organizations", "detail": record})),
        (
            "cloudwatch logs",
            json!({"messageType": "DATA_MESSAGE", "logEvents": [{"id": "1", "message": text}]}),
        ),
        ("lookup-events", json!({"EventName": "x", "CloudTrailEvent": text})),
        ("lookup-events output", json!({"Events": [{"EventName": "x", "CloudTrailEvent": text}]})),
        ("message", json!({"message": text, "source_type": "file"})),
        ("message, parsed", json!({"message": record})),
        ("message with an s3 object", json!({"message": json!({"Records": [record]}).to_string()})),
        ("log", json!({"log": text})),
        ("ecs", json!({"event": {"original": text, "action": "x"}, "@timestamp": "x"})),
        ("ecs, flat", json!({"event.original": text})),
        ("twice wrapped", json!({"message": json!({"detail": record}).to_string()})),
    ]
}

#[test]
fn every_envelope_gives_the_findings_of_the_raw_record() {
    for case in support::cases() {
        let text = String::from_utf8_lossy(&case.events).into_owned();
        for line in text.lines() {
            let Ok(record) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let raw = open(&case.settings).detect(line.as_bytes()).unwrap();
            for (name, envelope) in envelopes(&record) {
                for written in [envelope.to_string(), format!("{envelope:#}")] {
                    let found = open(&case.settings).detect(written.as_bytes()).unwrap();
                    assert_eq!(shown(&without_origin(found)), shown(&raw), "{}: {name}", case.name);
                }
            }
        }
    }
}

/// A record as some serializer might write it: any white space, any character escaped.
pub(crate) fn written(value: &Value, random: &mut Random, out: &mut String) {
    let space = |random: &mut Random, out: &mut String| {
        for _ in 0..random.below(3) {
            out.push(*random.pick(&[' ', '\t', '\r', '\n']));
        }
    };
    space(random, out);
    match value {
        Value::String(text) => quoted(text, random, out),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                written(item, random, out);
            }
            out.push(']');
        }
        Value::Object(entries) => {
            out.push('{');
            for (n, (key, value)) in entries.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                space(random, out);
                quoted(key, random, out);
                space(random, out);
                out.push(':');
                written(value, random, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
    space(random, out);
}

fn quoted(text: &str, random: &mut Random, out: &mut String) {
    let often = random.below(4) == 0;
    out.push('"');
    for c in text.chars() {
        if c.is_ascii()
            && (c.is_control() || matches!(c, '"' | '\\') || (often && random.below(3) == 0))
        {
            out.push_str(&format!("\\u{:04x}", c as u32));
        } else if c == '/' && often {
            out.push_str("\\/");
        } else if !c.is_ascii() && often {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                out.push_str(&format!("\\u{unit:04X}"));
            });
        } else {
            out.push(c);
        }
    }
    out.push('"');
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// However a record is written down and wrapped, the prefilter lets it pass.
    #[test]
    fn the_prefilter_never_loses_a_match(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let records = support::case_records();
        let record = random.pick(&records);
        let raw = open("{}").detect(record.to_string().as_bytes()).unwrap();
        let wrapped = envelopes(record);
        let (name, envelope) = random.pick(&wrapped);
        let mut text = String::new();
        written(envelope, &mut random, &mut text);
        let found = open("{}").detect(text.as_bytes()).unwrap();
        prop_assert_eq!(shown(&without_origin(found)), shown(&raw), "{}: {}", name, text);
        let line = text.replace(['\n', '\r'], " ");
        let (found, ..) = batch(&mut open("{}"), line.as_bytes());
        prop_assert_eq!(shown(&without_origin(found)), shown(&raw), "{}: {}", name, line);
    }

    /// Bytes of any kind: nothing panics, everything is counted.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut detector = open("{}");
        let (_, _, counts) = batch(&mut detector, &bytes);
        prop_assert!(counts.lines as usize <= bytes.len() + 1);
        let _ = detector.detect(&bytes);
        let _ = detector.merge_state(&bytes);
    }

    /// Records with bytes changed, cut and put in: nothing panics, everything is counted.
    #[test]
    fn damaged_records_are_survived(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let records = support::case_records();
        let mut text = random.pick(&records).to_string().into_bytes();
        for _ in 0..=random.below(6) {
            let at = random.below(text.len());
            match random.below(4) {
                0 => text.truncate(at.max(1)),
                1 => text[at] = random.below(256) as u8,
                2 => { text.remove(at); }
                _ => text.insert(at, *random.pick(b"\"\\{}[],:\n\x00u")),
            }
            if text.is_empty() { text.push(b'{'); }
        }
        batch(&mut open("{}"), &text);
    }
}
