//! A fleet, end to end: three edges, which are real Vectors with `vector-config/fleet-edge.yaml`, a real nats-server
//! with the streams of `examples/fleet`, and detectors. All of it may die.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::fleet_lab::{CANDIDATES, FINDINGS, Fleet, alerts, found, free_port, get, until};
use crate::vector_lab::{copies, vector};
use crate::{support, util};

const EVENTS: u32 = 100_000;

#[test]
fn edges_screen_for_the_rules_that_their_subject_names() {
    let sandbox = util::Sandbox::new();
    let (condition, digest) =
        (sandbox.run(&["router", "vector"]), sandbox.run(&["router", "fleet"]));
    let config = fs::read_to_string(support::root().join("vector-config/fleet-edge.yaml")).unwrap();
    let config: Value = yaml_serde::from_str(&config).unwrap();
    let condition_there = &config["transforms"]["orgwatch_candidates"]["condition"]["source"];
    assert_eq!(condition_there.as_str().unwrap(), condition.out, "put what it prints there");
    let subject = config["sinks"]["orgwatch_stream"]["subject"].as_str().unwrap();
    assert_eq!(subject, format!("orgwatch.candidate.{}", digest.out.trim()));
    let filter = sandbox.run(&["router", "fluent-bit"]).out.replace("findings", "candidates");
    let config = support::root().join("fluent-bit-config/fleet-edge.yaml");
    assert!(fs::read_to_string(config).unwrap().contains(&filter));
}

#[test]
#[ignore = "needs Vector, nats-server and Python with nats-py: VECTOR, NATS_SERVER, NATS_PYTHON"]
fn vector_takes_every_edge() {
    for source in ["source-files", "source-s3", "source-http"] {
        let folder = tempfile::tempdir().unwrap();
        let files = copies(folder.path(), &[source, "fleet-edge"], &[]);
        let arguments = ["validate", "--no-environment", "--deny-warnings"];
        let ran = Command::new(vector()).args(arguments).args(&files).output().unwrap();
        assert!(ran.status.success(), "{source}: {}", String::from_utf8_lossy(&ran.stdout));
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let sandbox = util::Sandbox::new();
    let from = "nats://127.0.0.1:4222/S";
    for (flags, part) in [
        (&["--publish", "orgwatch"][..], "needs from"),
        (&["--nats-credentials", "file"], "needs from"),
        (&["--from", "nats://192.0.2.1/S"], "give tls://"),
        (&["--from", from, "--publish", "orgwatch", "--out", "file"], "goes without"),
        (&["--from", from, "--publish", "a.*"], "between dots"),
        (&["--from", from, "--nats-key", "file"], "needs nats_certificate"),
        (&["--from", from, "--forward", "http://127.0.0.1:1/", "--findings-only=false"], "from"),
    ] {
        let ran = sandbox.run(&[&["serve", "--check"], flags].concat());
        ran.says(part);
    }
    sandbox.file("serve.yaml", format!("from: {from}\npublish: orgwatch\nedges: [a, b]\n"));
    sandbox.run(&["serve", "--config", "serve.yaml", "--check"]).expect(1, 0);
}

/// A detector starts whether or not there is a server, and is not ready as long as there is none.
#[test]
fn without_nats_it_runs_and_is_not_ready() {
    let sandbox = util::Sandbox::new();
    let (port, nats) = (free_port(), free_port());
    let mut service = sandbox
        .command()
        .args(["serve", "--from", &format!("nats://127.0.0.1:{nats}/S"), "--publish", "orgwatch"])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("it listens", || get(port, "/health/live").is_some_and(|(status, _)| status == 200));
    let (status, body) = get(port, "/health/ready").unwrap();
    assert!(status == 503 && body.contains("\"connected\":false"), "{body}");
    service.kill().unwrap();
    service.wait().unwrap();
}

/// Every finding, every alert once, and nothing else.
fn all_is_there(fleet: &Fleet) {
    fleet.until_all();
    // Duplicates would arrive now.
    thread::sleep(Duration::from_secs(3));
    let messages = fleet.messages(FINDINGS);
    assert_eq!(found(&messages.findings), found(&fleet.expected));
    let alerted: BTreeSet<_> = alerts(&messages.alerts);
    assert_eq!(alerted, alerts(&fleet.expected));
    assert_eq!(alerted.len(), messages.alerts.len(), "an alert came twice");
    let ids: BTreeSet<_> = messages.ids.iter().collect();
    assert_eq!(ids.len(), messages.ids.len(), "an id came twice");
    println!(
        "{} findings and {} alerts in the stream, as in one scan; {} canaries",
        messages.findings.len(),
        messages.alerts.len(),
        messages.canaries.len()
    );
}

#[test]
#[ignore = "needs Vector, nats-server and Python with nats-py: VECTOR, NATS_SERVER, NATS_PYTHON"]
fn two_detectors_find_what_one_scan_finds() {
    let mut fleet = Fleet::new(EVENTS);
    fleet.add_detector(&[]);
    fleet.add_detector(&[]);
    fleet.start_edges();
    all_is_there(&fleet);
    until("both are ready", || fleet.is_ready(0) && fleet.is_ready(1));
    assert_eq!((fleet.lag(0), fleet.lag(1)), (Some(0), Some(0)));
    assert!(fleet.metric(0, "orgwatch_canary_timestamp_seconds{of=\"edge-0\"}") > 0.0);
    assert!(!fleet.said("detector-0").contains("SCREENS FOR OTHER RULES"));
    // A dead edge is noticed, though everything else is green.
    fleet.kill_edge(2);
    until("the canary is missed", || {
        fleet.metric(1, "orgwatch_canary_missing{of=\"edge-2\"}") == 1.0
    });
    assert!(fleet.said("detector-1").contains("THE CANARY OF AN EDGE DOES NOT COME BACK"));
}

#[test]
#[ignore = "needs Vector, nats-server and Python with nats-py: VECTOR, NATS_SERVER, NATS_PYTHON"]
fn an_edge_a_detector_and_the_server_die() {
    let mut fleet = Fleet::new(EVENTS);
    fleet.add_detector(&[]);
    fleet.add_detector(&[]);
    fleet.start_edges();
    until("it has begun", || fleet.found().len() > 50);
    fleet.kill_edge(1);
    fleet.kill_detector(0);
    thread::sleep(Duration::from_secs(1));
    fleet.start_edge(1);
    fleet.start_detector(0);
    thread::sleep(Duration::from_secs(1));
    fleet.kill_server();
    thread::sleep(Duration::from_secs(3));
    assert!(!fleet.is_ready(0) && !fleet.is_ready(1));
    fleet.start_server();
    all_is_there(&fleet);
    until("both are ready", || fleet.is_ready(0) && fleet.is_ready(1));
}

#[test]
#[ignore = "needs Vector, nats-server and Python with nats-py: VECTOR, NATS_SERVER, NATS_PYTHON"]
fn a_third_detector_starts_from_the_state_of_another() {
    let mut fleet = Fleet::new(EVENTS / 2);
    fleet.add_detector(&[]);
    fleet.start_edges();
    until("it has begun", || fleet.found().len() > 50);
    // So that a state of that is saved.
    thread::sleep(Duration::from_secs(1));
    fs::copy(fleet.state(0), fleet.state(1)).unwrap();
    all_is_there(&fleet);
    let before: BTreeSet<String> = fleet.messages(FINDINGS).ids.into_iter().collect();
    let third = fleet.add_detector(&[]);
    until("the third is ready", || fleet.is_ready(third));
    assert_eq!(fleet.lag(third), Some(0));
    let read = fleet.metric(third, "orgwatch_stream_messages_total");
    let all = fleet.messages(CANDIDATES).ids.len() as f64;
    assert!(read < all, "it read everything: {read} of {all}");
    let is_canary = |id: &&String| id.starts_with("canary-");
    let after: BTreeSet<String> = fleet.messages(FINDINGS).ids.into_iter().collect();
    let added: Vec<_> = after.difference(&before).filter(|id| !is_canary(id)).collect();
    assert!(added.is_empty(), "the stream lacked {added:?}");
    println!(
        "the third read {read} of {all} messages, and published nothing that the stream lacked"
    );
}

/// The component of another version says so in what it finds, and finds the same.
#[test]
#[ignore = "needs Vector, nats-server and Python with nats-py: VECTOR, NATS_SERVER, NATS_PYTHON"]
fn a_detector_of_another_version_agrees() {
    let mut fleet = Fleet::new(EVENTS / 2);
    let mut component = fs::read(support::dist(".wasm")).unwrap();
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let mut changed = 0;
    for at in 0..component.len() - version.len() {
        if component[at..].starts_with(version) {
            component[at + version.len() - 1] = b'9';
            changed += 1;
        }
    }
    assert!(changed > 0);
    let component = fleet.sandbox.file("other.wasm", component).display().to_string();
    // It has a rule more, too, which the edges do not screen for.
    fleet.sandbox.file("rules/more.yml", MORE);
    let rules = fleet.sandbox.path("rules").display().to_string();
    fleet.add_detector(&[]);
    fleet.add_detector(&["--component", &component, "--rules", &rules]);
    fleet.start_edges();
    all_is_there(&fleet);
    let findings = fleet.messages(FINDINGS).findings;
    let versions: BTreeSet<_> =
        findings.iter().map(|finding| finding["artifact"]["version"].to_string()).collect();
    println!("versions in the stream: {versions:?}");
    assert!(fleet.said("detector-1").contains("AN EDGE SCREENS FOR OTHER RULES THAN THESE"));
    assert!(fleet.metric(1, "orgwatch_stream_other_rules_total") > 0.0);
    assert!(!fleet.said("detector-0").contains("SCREENS FOR OTHER RULES"));
}

const MORE: &str = r#"
title: A bucket was listed
id: 6f0e6a30-5d0a-4c58-9b39-6f7a30a5f0c1
status: experimental
description: For a test.
logsource: { product: aws, service: cloudtrail }
detection:
  selection: { eventSource: s3.amazonaws.com, eventName: ListBuckets }
  condition: selection
level: low
"#;

/// Events that come to a detector by HTTP go the way of those of the edges.
#[test]
#[ignore = "needs Vector, nats-server and Python with nats-py: VECTOR, NATS_SERVER, NATS_PYTHON"]
fn events_by_http_go_into_the_stream() {
    let mut fleet = Fleet::new(2000);
    let first = fleet.add_detector(&[]);
    let second = fleet.add_detector(&[]);
    until("it is ready", || fleet.is_ready(first) && fleet.is_ready(second));
    let events = fs::read_to_string(fleet.sandbox.path("in/events.ndjson")).unwrap();
    for _ in 0..2 {
        assert_eq!(fleet.post(first, events.as_bytes()), 200);
    }
    fleet.kill_detector(first);
    all_is_there(&fleet);
    // Twice the same is once in the stream, and what no rule wants is not in it.
    let candidates = fleet.messages(CANDIDATES);
    assert!(candidates.ids.len() < 200, "{}", candidates.ids.len());
    let digest = fleet.sandbox.run(&["router", "fleet"]).out;
    assert!(candidates.subjects.iter().all(|subject| subject.ends_with(digest.trim())));
}

#[test]
#[ignore = "needs Vector, nats-server and Python with nats-py: VECTOR, NATS_SERVER, NATS_PYTHON"]
fn all_speak_tls_and_may_no_more_than_they_need() {
    let mut fleet = Fleet::with(2000, true);
    fleet.add_detector(&[]);
    fleet.start_edges();
    all_is_there(&fleet);
    until("it is ready", || fleet.is_ready(0));
    let said = fleet.said("detector-0");
    assert!(!said.contains("ermissions"), "{said}");
}
