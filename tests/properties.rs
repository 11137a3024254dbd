//! What must always hold, whatever comes in.

mod support;

use std::collections::BTreeSet;

use orgwatch::detector::{Counts, Detector, Place};
use orgwatch::finding::Finding;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Case, Random};

fn open(settings: &str) -> Detector {
    Detector::open(settings).expect("the case's settings are right")
}

/// Each finding as JSON, with its mark.
fn shown(findings: &[Finding]) -> Vec<(String, bool)> {
    findings
        .iter()
        .map(|finding| (serde_json::to_string(finding).unwrap(), finding.repeat))
        .collect()
}

fn batch(detector: &mut Detector, events: &[u8]) -> (Vec<Finding>, Vec<Place>, Counts) {
    let batch = detector.detect_batch(events);
    let Counts { events, rejected, evaluated, unreadable, foreign, .. } = batch.counts;
    assert_eq!(events, rejected + evaluated + unreadable + foreign, "every event is counted once");
    let places = batch.findings.iter().map(|located| located.place).collect();
    (batch.findings.into_iter().map(|located| located.finding).collect(), places, batch.counts)
}

/// Every case, one after the other, in a detector without settings of its own.
fn all_cases() -> Vec<u8> {
    let mut events = Vec::new();
    for case in support::cases() {
        events.extend(&case.events);
        events.push(b'\n');
    }
    events
}

/// A record in an envelope: what it is called and what it looks like.
fn envelopes(record: &Value) -> Vec<(&'static str, Value)> {
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
                    assert_eq!(shown(&found), shown(&raw), "{}: {name}", case.name);
                }
            }
        }
    }
}

#[test]
fn screening_first_finds_the_same() {
    let mut everything = all_cases();
    everything
        .extend(b"{\"eventName\": broken\n\n\xff\xfe\n{\"a\":1}\n{\"awslogs\":{\"data\":\"\"}}\n");
    let (all, _, counts) = batch(&mut open("{}"), &everything);
    let mut detector = open("{}");
    let screened = detector.screen(&everything);
    let mut passed = Vec::new();
    for span in &screened.spans {
        let start = span.offset as usize;
        passed.extend(&everything[start..start + span.length as usize]);
        passed.push(b'\n');
    }
    let (found, _, rest) = batch(&mut detector, &passed);
    assert_eq!(shown(&found), shown(&all));
    assert_eq!(screened.counts.events + rest.events, counts.events);
    assert_eq!(screened.counts.unreadable + rest.unreadable, counts.unreadable);
}

#[test]
fn a_batch_that_comes_again_gives_its_findings_again_marked() {
    let events = all_cases();
    let mut detector = open(r#"{"late": "36500d"}"#);
    let (first, ..) = batch(&mut detector, &events);
    let (second, ..) = batch(&mut detector, &events);
    assert!(second.iter().all(|finding| finding.repeat));
    let ids = |findings: &[Finding]| -> BTreeSet<String> {
        findings.iter().map(|finding| finding.id.clone()).collect()
    };
    assert_eq!(ids(&second), ids(&first));
}

#[test]
fn a_line_alone_and_in_a_batch_gives_the_same() {
    for Case { events, settings, name, .. } in support::cases() {
        let (together, ..) = batch(&mut open(&settings), &events);
        let mut detector = open(&settings);
        let mut alone = Vec::new();
        for line in events.split(|byte| *byte == b'\n') {
            alone.extend(detector.detect(line).unwrap_or_default());
        }
        assert_eq!(shown(&alone), shown(&together), "{name}");
    }
}

/// A record as some serializer might write it: any white space, any character escaped.
fn written(value: &Value, random: &mut Random, out: &mut String) {
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
        prop_assert_eq!(shown(&found), shown(&raw), "{}: {}", name, text);
        let line = text.replace(['\n', '\r'], " ");
        let (found, ..) = batch(&mut open("{}"), line.as_bytes());
        prop_assert_eq!(shown(&found), shown(&raw), "{}: {}", name, line);
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

    /// The memory of a stream dealt out to several detectors, in any order, and merged in any
    /// order, is the same as if one had seen it; also when it is full.
    #[test]
    fn memory_merges_by_the_laws(seed in any::<u64>(), most in prop::sample::select(vec![3, 20, 100_000])) {
        let mut random = Random::new(seed);
        let settings = json!({"memory": {"terms": most, "events": most}}).to_string();
        let mut lines: Vec<String> = support::case_records().iter().map(Value::to_string).collect();
        let mut parts: Vec<Detector> = (0..3).map(|_| open(&settings)).collect();
        while !lines.is_empty() {
            let line = lines.swap_remove(random.below(lines.len()));
            let part = random.below(3);
            let _ = parts[part].detect(line.as_bytes());
        }
        let states: Vec<Vec<u8>> = parts.iter().map(Detector::save_state).collect();
        let merged = |order: &[usize]| {
            let mut detector = open(&settings);
            for part in order {
                detector.merge_state(&states[*part]).unwrap();
            }
            detector.save_state()
        };
        let all = merged(&[0, 1, 2]);
        prop_assert!(merged(&[2, 0, 1]) == all, "commutative");
        prop_assert!(merged(&[1, 1, 0, 2, 1]) == all, "idempotent");
        let mut pair = open(&settings);
        pair.merge_state(&merged(&[1, 2])).unwrap();
        pair.merge_state(&states[0]).unwrap();
        prop_assert!(pair.save_state() == all, "associative");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// A stream dealt out to several detectors, in any order, and merged, gives altogether the
    /// findings that one detector gives. Not so what is new to somebody who has seen only a part:
    /// each of several detectors finds its own first sighting, one of which is that of the one.
    #[test]
    fn a_shared_stream_gives_the_same_findings(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let settings = r#"{"late": "36500d"}"#;
        let mut lines: Vec<String> = support::case_records().iter().map(Value::to_string).collect();
        let mut one = open(settings);
        let mut parts: Vec<Detector> = (0..3).map(|_| open(settings)).collect();
        let (mut alone, mut shared) = (Vec::new(), Vec::new());
        while !lines.is_empty() {
            let line = lines.swap_remove(random.below(lines.len()));
            alone.extend(one.detect(line.as_bytes()).unwrap_or_default());
            shared.extend(parts[random.below(3)].detect(line.as_bytes()).unwrap_or_default());
        }
        let mut merged = open(settings);
        for part in &parts {
            shared.extend(merged.merge_state(&part.save_state()).unwrap());
        }
        let ids = |findings: &[Finding], of_new_terms: bool| -> BTreeSet<String> {
            let kept = |f: &&Finding| f.rule.starts_with("account-discovery-rare") == of_new_terms
                && f.rule != "discovery-then-exit";
            findings.iter().filter(kept).map(|f| f.id.clone()).collect()
        };
        prop_assert!(ids(&alone, false) == ids(&shared, false));
        prop_assert!(ids(&alone, true).len() <= ids(&shared, true).len());
    }
}
