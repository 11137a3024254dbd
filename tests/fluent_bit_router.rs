//! The configurations of `fluent-bit-config/`, run by a real Fluent Bit where one is found: the
//! program that `FLUENT_BIT` names, or `fluent-bit` on the path.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fluent_bit_lab::{CONFIGURATIONS, Pipeline, Running, event, fluent_bit};
use crate::support::{self, Random};

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// An account leaving its organization, always the same one: each exit is a finding of its own whatever was
/// seen before, and those of several accounts would be one more together.
fn leaving(number: usize) -> Value {
    json!({
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "AssumedRole",
            "arn": "arn:aws:sts::111122223333:assumed-role/admin/mallory",
            "accountId": "111122223333",
        },
        "eventTime": "2026-05-04T03:02:01Z",
        "eventSource": "organizations.amazonaws.com",
        "eventName": "LeaveOrganization",
        "eventID": id(number),
        "recipientAccountId": "111122223333",
    })
}

fn quiet(number: usize) -> Value {
    let mut event = leaving(number);
    event["eventSource"] = "ec2.amazonaws.com".into();
    event["eventName"] = "DescribeInstances".into();
    event["userAgent"] = "x".repeat(800).into();
    event
}

/// Records of the sample and of the cases, 1 in 600 one that a rule names, each with an id of its own.
fn mixed(events: usize) -> Vec<String> {
    let sample = fs::read_to_string(support::root().join("samples/incident.ndjson")).unwrap();
    let mut records: Vec<Value> =
        sample.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    records.extend(support::case_records());
    let names: BTreeSet<String> = orgwatch::rules::builtin_pack()
        .event_names
        .iter()
        .map(|name| name.to_lowercase())
        .collect();
    // A record as it is, with a name and an id: what tap takes out of others is tested elsewhere.
    records.retain(|record| record["eventName"].is_string() && record["eventID"].is_string());
    let named =
        |record: &Value| names.contains(&record["eventName"].as_str().unwrap().to_lowercase());
    let (hot, quiet): (Vec<Value>, Vec<Value>) = records.into_iter().partition(named);
    let mut random = Random::new(4);
    (0..events)
        .map(|number| {
            let from = if number % 600 == 300 { &hot } else { &quiet };
            let mut record = random.pick(from).clone();
            record["eventID"] = id(number).into();
            record.to_string()
        })
        .collect()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
#[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
fn nothing_is_lost_of_a_hundred_thousand_events_and_the_findings_are_those_of_scan() {
    let program = fluent_bit();
    let events = mixed(100_000);
    for name in CONFIGURATIONS {
        let pipeline = Pipeline::new(&program, name, &events);
        let expected = pipeline.scanned();
        assert!(expected.len() > 100);
        let mut running = pipeline.start();
        pipeline.wait(&mut running, events.len(), 1);
        running.stop();
        // The next start delivers the events that were in flight.
        let mut again = pipeline.start();
        thread::sleep(Duration::from_secs(10));
        pipeline.wait(&mut again, events.len(), 1);
        again.stop();
        let ids = pipeline.ids("cloudtrail.ndjson");
        assert_eq!(ids.len(), events.len(), "{name}");
        assert!(ids.values().all(|times| *times == 1), "{name}: an event came twice");
        let findings = pipeline.findings("findings.ndjson");
        assert_eq!(sorted(findings), sorted(expected), "{name}");
        println!("{name}: {} events", ids.len());
    }
}

/// Everything that was found is in the archive; what alerts is what is new.
#[test]
#[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
fn exactly_the_new_findings_alert() {
    let program = fluent_bit();
    let sample = fs::read_to_string(support::root().join("samples/incident.ndjson")).unwrap();
    let events: Vec<String> = sample.lines().map(str::to_owned).collect();
    for name in CONFIGURATIONS {
        let pipeline = Pipeline::new(&program, name, &events);
        let expected = pipeline.scanned();
        let new: Vec<String> = expected
            .iter()
            .map(|finding| serde_json::from_str::<Value>(finding).unwrap())
            .filter(|finding| finding["status"] == "new")
            .map(|finding| finding["id"].as_str().unwrap().to_owned())
            .collect();
        assert!(!new.is_empty() && new.len() < expected.len());
        let mut running = pipeline.start();
        pipeline.wait(&mut running, events.len(), 1);
        running.stop();
        assert_eq!(sorted(pipeline.findings("findings.ndjson")), sorted(expected), "{name}");
        assert_eq!(sorted(pipeline.alerts()), sorted(new), "{name}");
    }
}

#[test]
#[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
fn every_shape_that_is_a_line_comes_through() {
    let program = fluent_bit();
    // Fluent Bit's parser takes the first of two events on a line for the whole; the expression of the tap reads no
    // escaped letters.
    let (lines, ids) = support::shapes_in_lines(&["commas-between", "escaped-keys"]);
    for name in CONFIGURATIONS {
        let pipeline = Pipeline::new(&program, name, &lines);
        let mut running = pipeline.start();
        pipeline.wait(&mut running, lines.len(), ids.len());
        running.stop();
        let found = pipeline.findings("findings.ndjson").into_iter();
        let found = found.map(|finding| serde_json::from_str::<Value>(&finding).unwrap());
        let found = found.map(|finding| finding["events"][0].as_str().unwrap().to_owned());
        assert_eq!(found.collect::<BTreeSet<_>>(), ids, "{name}");
    }
}

#[test]
#[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
fn records_of_every_size_and_depth_come_through() {
    let program = fluent_bit();
    let mut events = Vec::new();
    for size in [0, 1, 9, 31, 33, 64, 200, 511, 513, 700, 1000, 1024] {
        let number = events.len();
        for mut event in [quiet(number), leaving(number + 1)] {
            event["requestParameters"] = json!({ "text": "x".repeat(size << 10) });
            events.push(event.to_string());
        }
    }
    for depth in [10, 25, 100] {
        let number = events.len();
        for mut event in [quiet(number), leaving(number + 1)] {
            event["requestParameters"] =
                (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
            events.push(event.to_string());
        }
    }
    for name in CONFIGURATIONS {
        let pipeline = Pipeline::new(&program, name, &events);
        let mut running = pipeline.start();
        pipeline.wait(&mut running, events.len(), events.len() / 2);
        running.stop();
        for line in pipeline.lines("cloudtrail.ndjson") {
            let record = event(&line);
            let number = record["eventID"].as_str().unwrap()[24..].parse::<usize>().unwrap();
            assert_eq!(record, serde_json::from_str::<Value>(&events[number]).unwrap(), "{name}");
        }
        // A record that Fluent Bit's parser does not take goes on as text.
        let found = pipeline.findings("findings.ndjson").iter().map(|one| anywhere(one)).collect();
        let expected = pipeline.scanned().iter().map(|one| anywhere(one)).collect();
        assert_eq!(sorted(found), sorted(expected), "{name}");
    }
}

/// A finding without the place where its record was read, its keys in order.
fn anywhere(finding: &str) -> String {
    let mut finding: BTreeMap<String, Value> = serde_json::from_str(finding).unwrap();
    if let Some(details) = finding.get_mut("details").and_then(Value::as_object_mut) {
        details.remove("record_at");
    }
    finding.retain(|_, value| value.as_object().is_none_or(|map| !map.is_empty()));
    serde_json::to_string(&finding).unwrap()
}

/// A call that goes deeper than the interpreter's stack costs Fluent Bit the record. Ours sets a large
/// one; a configuration that somebody wrote from the manual has the default, 8 KiB.
#[test]
#[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
fn the_interpreters_own_stack_is_enough_for_every_case() {
    let program = fluent_bit();
    let events: Vec<String> = support::case_records().iter().map(Value::to_string).collect();
    let pipeline = Pipeline::new(&program, "annotate.yaml", &events);
    let configuration = pipeline.path("fluent-bit.yaml");
    let text = fs::read_to_string(&configuration).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("wasm_stack_size")).collect();
    assert_eq!(kept.len() + 1, text.lines().count());
    fs::write(&configuration, kept.join("\n")).unwrap();
    let mut running = pipeline.start();
    pipeline.wait(&mut running, events.len(), 100);
    running.stop();
    assert_eq!(pipeline.count("cloudtrail.ndjson"), events.len());
}

/// Stops Fluent Bit several times in the middle of a backlog, one way or another. The events and findings up
/// to then must all be there in the end; `complete` says of a configuration in which output
/// nothing that was found may be missing.
fn restarts(stop: fn(Running), complete: fn(&str) -> &'static str) {
    let program = fluent_bit();
    const EVENTS: usize = 60_000;
    const EVERY: usize = 100;
    let event = |number| if number % EVERY == 7 { leaving(number) } else { quiet(number) };
    let events: Vec<String> = (0..EVENTS).map(|number| event(number).to_string()).collect();
    for name in CONFIGURATIONS {
        let pipeline = Pipeline::new(&program, name, &events);
        for part in 1..=3 {
            let mut running = pipeline.start();
            pipeline.wait(&mut running, EVENTS * part / 5, 1);
            stop(running);
        }
        let mut running = pipeline.start();
        pipeline.wait(&mut running, EVENTS, 1);
        let found =
            || -> BTreeSet<String> { pipeline.findings(complete(name)).into_iter().collect() };
        // Some came twice, so that the count is reached before the last has come.
        let start = Instant::now();
        while (pipeline.ids("cloudtrail.ndjson").len(), found().len()) != (EVENTS, EVENTS / EVERY)
            && start.elapsed() < Duration::from_secs(120)
        {
            thread::sleep(Duration::from_secs(1));
        }
        running.stop();
        let ids = pipeline.ids("cloudtrail.ndjson");
        assert_eq!(ids.len(), EVENTS, "{name}: events are missing");
        let found = found();
        let missing = pipeline.scanned().into_iter().filter(|finding| !found.contains(finding));
        assert_eq!(missing.collect::<Vec<_>>(), [""; 0], "{name}: findings are missing");
        let twice = ids.values().sum::<usize>() - EVENTS;
        println!("{name}: {twice} events of {EVENTS} came twice");
    }
}

#[test]
#[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
fn a_restart_loses_nothing() {
    restarts(Running::stop, |_| "findings.ndjson");
}

/// Annotate's copies with a tag of their own wait in memory for half a second; the records do not.
#[test]
#[ignore = "needs Fluent Bit: FLUENT_BIT, or `fluent-bit` on the path"]
fn a_kill_loses_nothing() {
    restarts(Running::kill, |name| match name {
        "annotate.yaml" => "cloudtrail.ndjson",
        _ => "findings.ndjson",
    });
}
