//! What must always hold, whatever comes in.

mod support;

use std::collections::BTreeSet;

use orgwatch::detector::{Counts, Detector, Place};
use orgwatch::finding::{Finding, Outcome};
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
    let mut detector = open("{}");
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
}

/// Settings in which each part of the memory has so many entries at most. What is new depends on what came
/// first, so the rule that looks for it is off.
fn capped(events: usize, terms: usize, steps: usize, policies: usize) -> String {
    let caps = json!({"events": events, "terms": terms, "steps": steps, "policies": policies});
    json!({"memory": caps, "rules": {"account-discovery-rare-identity": "off"}}).to_string()
}

/// Caps from so low that next to nothing is held to so high that nothing goes.
fn cap() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1, 3, 20, 100_000])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The memory of a stream dealt out to several detectors, in any order, and merged in any
    /// order, is the same as if one had seen it in any order; also when parts of it are full, alone
    /// and together.
    #[test]
    fn memory_merges_by_the_laws(
        seed in any::<u64>(),
        caps in [cap(), cap(), cap(), cap()],
    ) {
        let mut random = Random::new(seed);
        let [events, terms, steps, policies] = caps;
        let settings = capped(events, terms, steps, policies);
        let mut lines = all_records(&mut random);
        let mut one = open(&settings);
        let mut parts: Vec<Detector> = (0..3).map(|_| open(&settings)).collect();
        for line in &lines {
            let _ = parts[random.below(3)].detect(line.as_bytes());
        }
        while !lines.is_empty() {
            let line = lines.swap_remove(random.below(lines.len()));
            let _ = one.detect(line.as_bytes());
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
        prop_assert!(one.save_state() == all, "as if one had seen it");
        prop_assert!(merged(&[2, 0, 1]) == all, "commutative");
        prop_assert!(merged(&[1, 1, 0, 2, 1]) == all, "idempotent");
        let mut pair = open(&settings);
        pair.merge_state(&merged(&[1, 2])).unwrap();
        pair.merge_state(&states[0]).unwrap();
        prop_assert!(pair.save_state() == all, "associative");
    }
}

/// The records of all cases, and policies of changing types, in any order.
fn all_records(random: &mut Random) -> Vec<String> {
    let mut records: Vec<Value> = support::case_records();
    for n in 0..30 {
        let kind = *random.pick(&["TAG_POLICY", "BACKUP_POLICY", "SERVICE_CONTROL_POLICY"]);
        records.push(json!({
            "eventSource": "organizations.amazonaws.com", "eventName": "UpdatePolicy",
            "eventID": format!("policy {n}"), "recipientAccountId": "111122223333",
            "eventTime": format!("2026-06-{:02}T12:00:00Z", random.below(20) + 1),
            "responseElements": {"policy": {"policySummary":
                {"id": format!("p-0000000{}", random.below(9)), "type": kind}}},
        }));
    }
    let mut lines: Vec<String> = Vec::new();
    while !records.is_empty() {
        lines.push(records.swap_remove(random.below(records.len())).to_string());
    }
    lines
}

/// An event in one of three accounts; some of the accounts are named by what is done, and some by whose
/// trail it is in.
fn in_account(id: usize, name: &str, second: usize, account: usize, more: Value) -> Value {
    let account = format!("{}", 444_455_556_660 + account);
    let mut event = json!({
        "eventID": format!("{name} {id}"), "eventName": name, "recipientAccountId": account,
        "eventSource": "organizations.amazonaws.com", "sourceIPAddress": "203.0.113.7",
        "eventTime": format!("2026-06-01T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60),
        "userIdentity": {"type": "IAMUser", "accountId": account, "userName": "ops",
            "arn": format!("arn:aws:iam::{account}:user/ops")},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        event[key] = match value.as_str() {
            Some("account") => json!(account),
            _ => serde_json::from_str(&value.to_string().replace("@account", &account)).unwrap(),
        };
    }
    event
}

/// What leads to exits, and exits: few enough of each rule that all are remembered.
fn a_takeover(random: &mut Random, caps: usize) -> Vec<Value> {
    let kinds: [(&str, Value); 8] = [
        (
            "ConsoleLogin",
            json!({"eventSource": "signin.amazonaws.com",
            "userIdentity": {"type": "Root", "accountId": "@account"},
            "responseElements": {"ConsoleLogin": "Success"}}),
        ),
        ("StopLogging", json!({"eventSource": "cloudtrail.amazonaws.com"})),
        ("ListAccounts", json!({})),
        (
            "AcceptHandshake",
            json!({"responseElements": {"handshake": {"action": "INVITE",
            "arn": "arn:aws:organizations::999999999999:handshake/o-elsewhere26/invite/h-1"}}}),
        ),
        ("LeaveOrganization", json!({})),
        (
            "AccountDepartedOrganization",
            json!({"serviceEventDetails":
            {"accountId": "@account", "departureMethod": "LEFT"}}),
        ),
        (
            "RemoveAccountFromOrganization",
            json!({"requestParameters": {"accountId": ["@account", "444455556661"]}}),
        ),
        ("CloseAccount", json!({"requestParameters": {"accountId": "@account"}})),
    ];
    let mut events = Vec::new();
    for (name, more) in kinds {
        for id in 0..random.below(caps + 1) {
            let (second, account) = (random.below(80_000), random.below(3));
            events.push(in_account(id, name, second, account, more.clone()));
        }
    }
    events
}

/// The rule and id of each chain that something completed which was done, and not refused.
fn done(findings: &[Finding]) -> BTreeSet<(String, String)> {
    let chains = findings.iter().filter(|finding| !finding.parts.is_empty());
    chains
        .filter(|finding| finding.outcome == Outcome::Success)
        .map(|finding| (finding.rule.to_string(), finding.id.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// However many attempts are refused, whatever comes late, and in however many detectors: none is
    /// missing of the chains that actual exits complete alone, in the order of their times.
    #[test]
    fn no_flood_of_refused_attempts_hides_an_exit(seed in any::<u64>(), steps in 1..8usize) {
        let mut random = Random::new(seed);
        let settings = capped(100_000, 100_000, steps, 100_000)
            .replace("\"off\"", "\"on\"");
        let mut takeover = a_takeover(&mut random, steps);
        takeover.sort_by_key(|event| event["eventTime"].to_string());
        let mut quiet = open(&settings);
        let mut alone = Vec::new();
        for event in &takeover {
            alone.extend(quiet.detect(event.to_string().as_bytes()).unwrap());
        }
        let mut all = takeover;
        for id in 0..random.below(400) {
            let error = json!({"errorCode": "AccessDenied"});
            let name = *random.pick(&["LeaveOrganization", "LeaveOrganization", "AccountDepartedOrganization"]);
            let more = match name {
                "LeaveOrganization" => error,
                _ => json!({"errorCode": "AccessDenied", "serviceEventDetails":
                    {"accountId": "@account", "departureMethod": "LEFT"}}),
            };
            all.push(in_account(id + 1000, name, random.below(80_000), random.below(3), more));
        }
        let mut flooded = Vec::new();
        let mut detectors: Vec<Detector> = (0..3).map(|_| open(&settings)).collect();
        let shared = random.below(3) + 1;
        while !all.is_empty() {
            let event = all.swap_remove(random.below(all.len())).to_string();
            let detector = &mut detectors[random.below(shared)];
            flooded.extend(detector.detect(event.as_bytes()).unwrap());
        }
        let mut merged = open(&settings);
        for detector in &detectors {
            flooded.extend(merged.merge_state(&detector.save_state()).unwrap());
        }
        // What is new depends on what came first.
        let kept = |mut ends: BTreeSet<(String, String)>| {
            ends.retain(|(rule, _)| rule != "discovery-then-exit");
            ends
        };
        let (alone, with_flood) = (kept(done(&alone)), kept(done(&flooded)));
        prop_assert!(with_flood.is_superset(&alone), "{alone:?} {with_flood:?}");
        // An exit may confirm an attempt: a chain that is there only with the flood names one.
        let refused: BTreeSet<&str> = flooded
            .iter()
            .filter(|finding| finding.parts.is_empty() && finding.outcome != Outcome::Success)
            .map(|finding| finding.id.as_str())
            .collect();
        for (_, id) in with_flood.difference(&alone) {
            let chain = flooded.iter().find(|finding| finding.id == *id);
            let names_one = |parts: &[String]| parts.iter().any(|part| refused.contains(part.as_str()));
            prop_assert!(chain.is_some_and(|chain| names_one(&chain.parts)), "{id}");
        }
    }
}

/// What a rule finds is its own, but for the chains that it feeds.
#[test]
fn a_rule_that_is_off_changes_no_other() {
    let events = all_cases();
    let found = |off: &[&str]| -> Vec<String> {
        let rules: serde_json::Map<String, Value> =
            off.iter().map(|slug| (slug.to_string(), json!("off"))).collect();
        let (found, ..) = batch(&mut open(&json!({"rules": rules}).to_string()), &events);
        let others = found.iter().filter(|finding| finding.parts.is_empty());
        let others = others.filter(|finding| !off.contains(&&*finding.rule));
        others.map(|finding| serde_json::to_string(finding).unwrap()).collect()
    };
    let all = found(&[]);
    for rule in orgwatch::rules::pack().public() {
        let slug = rule.slug.as_str();
        let other = format!("\"rule\":\"{slug}\"");
        let expected: Vec<_> = all.iter().filter(|text| !text.contains(&other)).cloned().collect();
        assert_eq!(found(&[slug]), expected, "{slug}");
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
        let settings = "{}";
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
