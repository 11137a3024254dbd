//! Chains: findings that an event completes are given with it, and again with it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::serve::downstream::{Does, Downstream};
use crate::serve::service::Service;
use crate::support;
use crate::util::Sandbox;

/// The sample incident event by event, each failing once: every finding comes, and once.
#[test]
fn every_finding_of_an_incident_comes_once_though_every_batch_fails_first() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let incident = fs::read_to_string(support::root().join("samples/incident.ndjson")).unwrap();
    sandbox.file("incident", &incident);
    let expected: BTreeSet<String> = sandbox
        .scan(&["incident", "--quiet"])
        .findings()
        .iter()
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(expected.len() > 10);
    let state = ["--state", "state", "--save-interval", "100ms"];
    let mut service = Service::tapping(&sandbox, &downstream, &state);
    for (number, event) in incident.lines().enumerate() {
        let before = downstream.seen();
        downstream.will(&[Does::Answers(500)]);
        let answer = service.post(event);
        if answer.status == 200 {
            // Nothing was found: nothing was forwarded that could fail.
            assert_eq!(downstream.seen(), before);
            downstream.forget();
            continue;
        }
        answer.expect_retry();
        if number % 2 == 0 {
            // Pending findings stay pending across a restart.
            assert_eq!(service.stop().code(), Some(0));
            service = Service::tapping(&sandbox, &downstream, &state);
        }
        service.post(event).expect(200);
    }
    let ids = downstream.ids();
    let once: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!((once.len(), &once), (ids.len(), &expected));

    // All of it once more, as a Vector does that lost its place.
    service.post(&incident).expect(200);
    assert_eq!(downstream.ids().len(), ids.len());
}

#[test]
fn a_chain_comes_with_the_event_that_completes_it() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let case = support::root().join("tests/cases/power-then-exit/attempt-power-exit/events.ndjson");
    let events = fs::read_to_string(case).unwrap();
    let service = Service::annotating(&sandbox, &downstream, &[]);
    let last = events.lines().count() - 1;
    for (number, event) in events.lines().enumerate() {
        if number == last {
            downstream.will(&[Does::Closes]);
            service.post(event).expect_retry();
        }
        service.post(event).expect(200);
    }
    let whole = downstream.events();
    let of_last: Vec<&str> = whole[last]["orgwatch"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    assert!(of_last.len() > 1 && of_last.contains(&"power-then-exit"), "{of_last:?}");
    // Its parts come again: what they complete was delivered.
    service.post(&events).expect(200);
    assert!(downstream.events()[whole.len()..].iter().all(|event| event.get("orgwatch").is_none()));
    let parts = |id: &Value| id.as_array().map_or(0, Vec::len);
    let chain = whole[last]["orgwatch"].as_array().unwrap();
    assert!(chain.iter().any(|finding| parts(&finding["parts"]) > 1));
}
