//! Times that nobody could read.

use super::*;

fn exits_at(time: Value) -> Vec<Value> {
    let mut exit = leave(1, "", json!({}));
    exit["eventTime"] = time;
    vec![root_signs_in("2026-06-01T11:00:00Z"), exit]
}

/// An offset without a colon, and counts since 1970: the finding came, and no chain did.
#[test]
fn every_way_to_write_a_time_completes_the_chain() {
    for time in [
        json!("2026-06-01T12:00:00Z"),
        json!("2026-06-01T12:00:00+0000"),
        json!("2026-06-01t14:00:00.25+02"),
        json!("2026-06-01 12:00:00 UTC"),
        json!(1_780_315_200),
        json!(1_780_315_200.75),
        json!(1.7803152e9),
        json!(1_780_315_200_000_u64),
        json!(1_780_315_200_000_000_000_u64),
        json!("1780315200"),
        json!("1780315200.123"),
        json!("1780315200123"),
    ] {
        let found = detect("{}", &exits_at(time.clone()));
        let exit = found.iter().find(|finding| finding.rule == "member-left-organization").unwrap();
        assert_eq!(exit.last_seen.as_deref(), Some("2026-06-01T12:00:00Z"), "{time}");
        assert!(rules(&found).contains(&"power-then-exit"), "{time}");
        assert_eq!(exit.details, [], "{time}");
    }
}

/// They were counted nowhere, and the finding had them where a time stands.
#[test]
fn a_time_that_cannot_be_read_is_counted_and_the_finding_says_so() {
    for (time, said) in [
        (json!("June, the first"), "cannot be read: June, the first"),
        (json!("20260601120000"), "cannot be read: 20260601120000"),
        (json!(7), "cannot be read: 7"),
        (json!(""), "missing"),
        (json!(null), "missing"),
        (json!({"$date": "2026-06-01T12:00:00Z"}), "missing"),
        (json!("x".repeat(1 << 20)), "cannot be read: xxx"),
    ] {
        let mut detector = Detector::open("{}").unwrap();
        let lines: Vec<String> = exits_at(time).iter().map(Value::to_string).collect();
        let batch = detector.detect_batch(lines.join("\n").as_bytes());
        assert_eq!((batch.counts.evaluated, batch.counts.without_time), (2, 1), "{said}");
        let finding = &batch.findings.last().unwrap().finding;
        assert_eq!((&finding.rule[..], finding.status), ("member-left-organization", Status::New));
        assert_eq!((&finding.first_seen, &finding.last_seen), (&None, &None));
        let (name, value) = finding.details.last().unwrap();
        assert!(name == "time" && value.starts_with(said) && value.len() < 400, "{value}");
    }
}

/// An event that no rule names does not go by its time.
#[test]
fn only_events_that_a_rule_names_are_counted_as_without_time() {
    let mut detector = Detector::open("{}").unwrap();
    let other = event(2, "DescribeInstances", "ec2", "", json!({}));
    let document = json!({"Records": [other, leave(1, "", json!({}))]}).to_string();
    let counts = detector.detect_batch(document.as_bytes()).counts;
    assert_eq!((counts.evaluated, counts.without_time), (2, 1));
}
