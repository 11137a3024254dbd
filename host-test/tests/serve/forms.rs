//! The forms of bodies, and that events come back unchanged.

use std::fs;
use std::io::{BufRead as _, BufReader};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::serve::downstream::Downstream;
use crate::serve::service::{Service, lines};
use crate::util::{Sandbox, gzip, leaving, quiet};

const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");
const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn compressed_or_not_as_lines_or_an_array() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    let bodies = |id: u32| {
        let events = [quiet(1000 + id), leaving(id)];
        (lines(&events).into_bytes(), Value::from(events.to_vec()).to_string().into_bytes())
    };
    let zstd = |body: &[u8]| zstd::encode_all(body, 3).unwrap();
    let gzipped = ("content-encoding", "gzip");
    let zstded = ("content-encoding", "zstd");
    for (id, headers, body) in [
        (1, &[NDJSON][..], bodies(1).0),
        (2, &[JSON], bodies(2).1),
        (3, &[NDJSON, gzipped], gzip(&bodies(3).0)),
        (4, &[JSON, gzipped], gzip(&bodies(4).1)),
        (5, &[NDJSON, zstded], zstd(&bodies(5).0)),
        (6, &[JSON, zstded], zstd(&bodies(6).1)),
        // A document over several lines.
        (7, &[JSON], format!("{:#}", leaving(7)).into_bytes()),
        // A file as it is.
        (8, &[NDJSON], gzip(&bodies(8).0)),
        (9, &[NDJSON, gzipped], gzip(&zstd(&bodies(9).0))),
    ] {
        let before = downstream.events().len();
        service.send("POST", "/", headers, &body).expect(200);
        let mut events = downstream.events().split_off(before);
        let last = events.last_mut().unwrap();
        assert_eq!(last["orgwatch"][0]["rule"], "member-left-organization", "{id}");
        assert_eq!(last["orgwatch_severity"], "critical");
        let object = last.as_object_mut().unwrap();
        object.remove("orgwatch");
        object.remove("orgwatch_severity");
        assert_eq!(*last, leaving(id));
        assert_eq!(downstream.ids().len(), id as usize);
    }
}

#[test]
fn what_gives_no_finding_goes_on_to_the_byte() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    for body in [
        "{\"a\": 1.50,\t\"b\":\"\\u00e9é\"}\r\n\r\n{}\n",
        "not json\n{\"eventName\":\"LeaveOrganization\"",
        "{\"eventName\":\"LeaveOrganization\",\"eventSource\":}",
        " ",
        "[1,",
    ] {
        service.post(body).expect(200);
        assert_eq!(downstream.taken().last().unwrap(), body);
    }
    assert_eq!(service.metric("orgwatch_events_total{outcome=\"unreadable\"}"), 4.0);
    // No event at all: there is nothing to send on.
    let seen = downstream.seen();
    service.post("").expect(200);
    assert_eq!(downstream.seen(), seen);
}

#[test]
fn every_shape_that_a_router_ships_is_looked_into() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    let wrapped = [
        json!({ "message": leaving(1).to_string(), "host": "a" }),
        json!({ "Records": [quiet(1), leaving(2), leaving(3)] }),
        json!({ "detail": leaving(4), "detail-type": "AWS API Call via CloudTrail" }),
        json!({ "event": { "original": leaving(5).to_string() } }),
        json!([quiet(2), leaving(6)]),
    ];
    service.post(lines(&wrapped)).expect(200);
    assert_eq!(downstream.ids().len(), 6);
    let events = downstream.events();
    assert_eq!(events.len(), 6);
    assert_eq!(events[1]["orgwatch"].as_array().unwrap().len(), 2);
    // An array has no keys: what is found in it follows it.
    assert_eq!(events[4], wrapped[4]);
    assert_eq!(events[5]["orgwatch"].as_array().unwrap().len(), 1);
}

#[test]
fn our_names_are_ours_alone() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    let (mut spoofed, mut both) = (quiet(1), leaving(2));
    spoofed["orgwatch"] = json!([{ "severity": "critical" }]);
    spoofed["orgwatch_severity"] = "critical".into();
    both["orgwatch"] = "mine".into();
    service.post(lines(&[spoofed.clone(), both])).expect(200);
    let events = downstream.events();
    assert_eq!(events[0].get("orgwatch"), None);
    assert_eq!(events[0]["orgwatch_original"], spoofed["orgwatch"]);
    assert_eq!(events[0]["orgwatch_severity_original"], "critical");
    assert_eq!(events[1]["orgwatch_original"], "mine");
    assert_eq!(events[1]["orgwatch"][0]["severity"], "critical");
    assert_eq!(service.metric("orgwatch_keys_renamed_total"), 3.0);
}

#[test]
fn findings_alone_are_events_of_their_own() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::tapping(&sandbox, &downstream, &[]);
    service.post(lines(&[quiet(1), quiet(2)])).expect(200);
    assert_eq!(downstream.seen(), 0);
    service.post(lines(&[quiet(1), leaving(1), quiet(2), leaving(2)])).expect(200);
    let events = downstream.events();
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(event["rule"], "member-left-organization");
        assert!(event["artifact"]["digest"].as_str().unwrap().starts_with("sha256:"));
    }
}

#[test]
fn without_a_downstream_findings_are_written_down() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--out", "findings.ndjson"]);
    let written = || fs::read_to_string(sandbox.path("findings.ndjson")).unwrap();
    service.post(lines(&[quiet(1), leaving(1)])).expect(200);
    // Before the answer, not some time after it.
    assert_eq!(written().lines().count(), 1);
    fs::rename(sandbox.path("findings.ndjson"), sandbox.path("rotated")).unwrap();
    service.signal("HUP");
    crate::serve::service::until(|| sandbox.path("findings.ndjson").exists());
    service.post(leaving(2).to_string()).expect(200);
    assert_eq!(written().lines().count(), 1);
    drop(service);

    let mut service = Service::start(&sandbox, &[]);
    service.post(leaving(3).to_string()).expect(200);
    let mut line = String::new();
    BufReader::new(service.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["rule"], "member-left-organization");
}

/// A disk that is full takes nothing; the batch stays with its sender.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "needs /dev/full")]
fn what_cannot_be_written_is_sent_again() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &["--out", "/dev/full"]);
    service.post(leaving(1).to_string()).expect_retry();
    assert_eq!(service.metric("orgwatch_forward_failures_total{reason=\"write\"}"), 1.0);
    assert_eq!(service.metric("orgwatch_findings_pending"), 1.0);
}

/// Whatever the events, they come out as they came but for our keys.
#[test]
fn out_is_in_but_for_our_keys() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    let next = std::cell::Cell::new(0);
    let value = prop_oneof![
        "\\PC{0,20}".prop_map(Value::from),
        any::<f64>().prop_map(|number| json!([number, { "orgwatch": number }])),
        Just(json!({ "eventName": "LeaveOrganization" })),
    ];
    let events = prop::collection::vec((any::<bool>(), "\\PC{1,8}", value), 1..20);
    let mut runner = TestRunner::new(Config { cases: 100, ..Config::default() });
    let tested = runner.run(&events, |events| {
        let events: Vec<(bool, Value)> = events
            .into_iter()
            .map(|(leaves, key, value)| {
                next.set(next.get() + 1);
                let mut event = if leaves { leaving(next.get()) } else { quiet(next.get()) };
                event[&format!("x-{key}")] = value;
                (leaves, event)
            })
            .collect();
        let body = lines(&events.iter().map(|(_, event)| event.clone()).collect::<Vec<_>>());
        prop_assert_eq!(service.post(&body).status, 200);
        let taken = downstream.taken().pop().unwrap();
        let (came, went): (Vec<_>, Vec<_>) =
            (body.split('\n').collect(), taken.split('\n').collect());
        prop_assert_eq!(came.len(), went.len());
        for ((came, went), (leaves, _)) in came.iter().zip(went).zip(&events) {
            if *leaves {
                let open = came.strip_suffix('}').unwrap();
                let ours = went.strip_prefix(open).unwrap().strip_prefix(',').unwrap();
                let ours: Value = serde_json::from_str(&format!("{{{ours}")).unwrap();
                prop_assert_eq!(ours.as_object().unwrap().len(), 2);
                prop_assert_eq!(ours["orgwatch"].as_array().unwrap().len(), 1);
            } else {
                prop_assert_eq!(*came, went);
            }
        }
        Ok(())
    });
    tested.unwrap();
}
