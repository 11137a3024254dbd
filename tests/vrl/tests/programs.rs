//! The VRL programs of vector-config/, compiled and run as Vector does.
//!
//! No rule may want an event that the tap leaves out: over every case, and over every shape of it that the
//! configurations produce, the detector must find in what passed all that it finds in everything.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use orgwatch::detector::Detector;
use serde_json::{Value as Json, json};
use vrl::compiler::runtime::Runtime;
use vrl::compiler::{Program, TargetValue, TimeZone, compile};
use vrl::value::{Secrets, Value};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Every program of every configuration, by file and component.
fn programs() -> BTreeMap<(String, String), Program> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root().join("vector-config")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let config: Json = yaml_serde::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let file = path.file_stem().unwrap().to_string_lossy().into_owned();
        for (name, transform) in config["transforms"].as_object().into_iter().flatten() {
            let source = transform.get("source").or(transform["condition"].get("source"));
            let Some(source) = source.and_then(Json::as_str) else { continue };
            let compiled = compile(source, &vrl::stdlib::all());
            let compiled = compiled.unwrap_or_else(|err| {
                panic!("{file}: {name}: {}", vrl::diagnostic::Formatter::new(source, err))
            });
            assert!(compiled.warnings.is_empty(), "{file}: {name}: {:?}", compiled.warnings);
            found.insert((file.clone(), name.clone()), compiled.program);
        }
    }
    found
}

/// Runs a program on an event: what it resolves to, and the event after it. None if it fails.
fn run(program: &Program, event: &Value) -> Option<(Value, Value)> {
    let mut target = TargetValue {
        value: event.clone(),
        metadata: Value::Object(BTreeMap::new()),
        secrets: Secrets::default(),
    };
    let resolved = Runtime::default().resolve(&mut target, program, &TimeZone::default()).ok()?;
    Some((resolved, target.value))
}

/// The events that a source's lines become.
fn exploded(program: &Program, line: &str) -> Vec<Value> {
    let event = Value::from(json!({ "message": line, "file": "f", "source_type": "file" }));
    match run(program, &event).expect("the program takes any line").1 {
        // As Vector's remap does: an array is so many events, and what is no object is its message.
        Value::Array(events) => events
            .into_iter()
            .map(|event| match event {
                Value::Object(_) => event,
                other => Value::Object([("message".into(), other)].into()),
            })
            .collect(),
        event => vec![event],
    }
}

fn line(event: &Value) -> String {
    serde_json::to_string(event).unwrap()
}

/// The lines of a case in the shapes in which they may stand in a file or an object.
fn shapes(events: &str) -> Vec<String> {
    let mut lines: Vec<String> = events.lines().map(str::to_owned).collect();
    let records: Vec<Json> =
        events.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for record in &records {
        let text = record.to_string();
        lines.push(json!({ "detail": record, "detail-type": "AWS API Call" }).to_string());
        lines.push(json!({ "message": text }).to_string());
        lines.push(json!({ "CloudTrailEvent": text }).to_string());
        lines.push(json!({ "event": { "original": text } }).to_string());
        lines.push(json!({ "logEvents": [{ "message": text }] }).to_string());
        lines.push(json!([record]).to_string());
    }
    lines.push(json!({ "Records": records }).to_string());
    lines.push(json!({ "Events": records }).to_string());
    lines
}

fn found(settings: &str, lines: &[String]) -> Vec<String> {
    let mut detector = Detector::open(settings).unwrap();
    let batch = detector.detect_batch(lines.join("\n").as_bytes());
    batch.findings.into_iter().map(|located| located.finding.id).collect()
}

#[test]
fn the_tap_passes_every_event_that_a_rule_wants() {
    let programs = programs();
    let program = |file: &str, name: &str| &programs[&(file.to_owned(), name.to_owned())];
    let condition = program("tap", "orgwatch_candidates");
    let (mut cases, mut all_findings, mut left_out) = (0, 0, 0);
    let mut pending = vec![root().join("tests/cases")];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            if !path.ends_with("events.ndjson") {
                continue;
            }
            cases += 1;
            let settings = fs::read_to_string(folder.join("settings.yaml")).unwrap_or_default();
            let settings: Json = yaml_serde::from_str(&settings).unwrap();
            let settings = if settings.is_null() { "{}".into() } else { settings.to_string() };
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            for source in ["source-files", "source-s3"] {
                let mut all = Vec::new();
                let mut passed = Vec::new();
                for shape in shapes(&text) {
                    for event in exploded(program(source, "cloudtrail"), &shape) {
                        let verdict =
                            run(condition, &event).expect("the condition takes any event").0;
                        all.push(line(&event));
                        match verdict {
                            Value::Boolean(true) => passed.push(line(&event)),
                            Value::Boolean(false) => left_out += 1,
                            other => panic!("{}: no boolean: {other}", path.display()),
                        }
                    }
                }
                let (of_all, of_passed) = (found(&settings, &all), found(&settings, &passed));
                assert_eq!(of_all, of_passed, "{}", path.display());
                all_findings += of_all.len();
            }
        }
    }
    assert!(cases > 50 && all_findings > 100, "{cases} cases, {all_findings} findings");
    assert!(left_out > 100, "it leaves nothing out: {left_out}");
}

#[test]
fn names_are_told_apart_as_the_detector_does() {
    let programs = programs();
    let condition = &programs[&("tap".to_owned(), "orgwatch_candidates".to_owned())];
    let passes = |name: Json| {
        let event = Value::from(json!({ "eventSource": "x", "eventName": name }));
        run(condition, &event).unwrap().0 == Value::Boolean(true)
    };
    // The Kelvin sign is a k in lower case.
    for name in
        ["LeaveOrganization", "leaveorganization", "LEAVEORGANIZATION", "AcceptHandsha\u{212a}e"]
    {
        assert!(passes(name.into()), "{name}");
    }
    for name in
        ["", "DescribeInstances", "LeaveOrganizationX", "XLeaveOrganization", "Leave\nOrganization"]
    {
        assert!(!passes(name.into()), "{name}");
    }
    // What is no record is the detector's to look into.
    for name in [Json::Null, json!(7), json!(["LeaveOrganization"])] {
        assert!(passes(name));
    }
}

#[test]
fn what_comes_back_is_left_as_it_was() {
    let programs = programs();
    for (file, name) in [("tap", "findings"), ("annotate", "annotated")] {
        let program = &programs[&(file.to_owned(), name.to_owned())];
        let event = json!({ "id": "1", "orgwatch": [{ "id": "2" }], "path": "/",
            "source_type": "http_server", "timestamp": "2026-01-01T00:00:00Z" });
        let (_, after) = run(program, &Value::from(event)).unwrap();
        assert_eq!(
            serde_json::to_value(after).unwrap(),
            json!({ "id": "1", "orgwatch": [{ "id": "2" }] })
        );
    }
    let with = &programs[&("annotate".to_owned(), "annotated_with_findings".to_owned())];
    let findings = &programs[&("annotate".to_owned(), "findings".to_owned())];
    let event = Value::from(json!({ "a": 1, "orgwatch": [{ "id": "1" }, { "id": "2" }] }));
    assert_eq!(run(with, &event).unwrap().0, Value::Boolean(true));
    assert_eq!(run(with, &Value::from(json!({ "a": 1 }))).unwrap().0, Value::Boolean(false));
    let (_, after) = run(findings, &event).unwrap();
    assert_eq!(serde_json::to_value(after).unwrap(), json!([{ "id": "1" }, { "id": "2" }]));
}

#[test]
fn only_new_findings_at_high_or_above_alert_and_none_can_forge_a_message() {
    let programs = programs();
    let program = |name: &str| &programs[&("findings-slack".to_owned(), name.to_owned())];
    let alerts = |status: &str, severity: &str| {
        let event = Value::from(json!({ "status": status, "severity": severity }));
        run(program("findings_to_alert"), &event).unwrap().0 == Value::Boolean(true)
    };
    for severity in ["informational", "low", "medium", "high", "critical"] {
        assert_eq!(alerts("new", severity), severity == "high" || severity == "critical");
        for status in ["approved", "learning", "dry-run", "follow-up"] {
            assert!(!alerts(status, severity));
        }
    }
    let summary = "<!channel> <https://evil.example|click> a & b";
    let event = json!({ "summary": summary, "severity": "high", "title": "A\nB", "rule": "r", "id": "1",
        "account": "444455556666", "principal": { "arn": "arn:aws:iam::444455556666:user/a", "access_key_id": "AKIA" },
        "source_ip": "203.0.113.7", "user_agent": "cli", "event_name": "LeaveOrganization", "outcome": "success",
        "last_seen": "2026-06-01T12:00:00Z", "triage": ["Call\n*Who* nobody", "Ask"], "why": "It is.", "benign": "Planned.",
        "incident": "i" });
    let (_, after) = run(program("slack_message"), &Value::from(event)).unwrap();
    let expected = "*HIGH* A B\n&lt;!channel&gt; &lt;https://evil.example|click&gt; a &amp; b\n\
        *Account* 444455556666 \n*Who* arn:aws:iam::444455556666:user/a AKIA\n*From* 203.0.113.7 cli\n\
        *Call* LeaveOrganization, success, 2026-06-01T12:00:00Z\n*What to do*\n1. Call *Who* nobody\n2. Ask\n\
        *Why* It is.\n*Or else* Planned.\n*Rule* r, incident i\n1";
    assert_eq!(serde_json::to_value(after).unwrap(), json!({ "text": expected }));
    // One without anything is told all the same.
    assert!(run(program("slack_message"), &Value::from(json!({}))).is_some());
}
