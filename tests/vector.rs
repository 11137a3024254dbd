//! The configurations of `vector-config/` in a real Vector (`VECTOR`, or `vector` on the path),
//! beside a real `orgwatch serve`: as they are, and with either killed in the middle.

#[path = "../host-test/tests/bench/mod.rs"]
mod bench;
mod support;
mod vector_lab;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use vector_lab::{Lab, Loop, copies, vector};

#[test]
fn the_condition_of_the_tap_is_what_the_command_prints() {
    let printed = bench::Bench::new().run(&["router", "vector"]);
    let config = fs::read_to_string(support::root().join("vector-config/tap.yaml")).unwrap();
    let config: serde_json::Value = yaml_serde::from_str(&config).unwrap();
    let condition = &config["transforms"]["orgwatch_candidates"]["condition"]["source"];
    assert_eq!(condition.as_str().unwrap(), printed.out, "put what it prints into tap.yaml");
}

#[test]
fn every_sink_of_every_configuration_acknowledges() {
    for path in support::files("vector-config", "yaml") {
        let config: serde_json::Value =
            yaml_serde::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for (name, sink) in config["sinks"].as_object().into_iter().flatten() {
            let on = &sink["acknowledgements"]["enabled"];
            assert_eq!(on, &serde_json::Value::Bool(true), "{}: {name}", path.display());
        }
    }
}

#[test]
fn vector_takes_every_configuration() {
    let Some(vector) = vector() else { return };
    for source in ["source-files", "source-s3"] {
        for path in ["tap", "annotate"] {
            for findings in ["findings-file", "findings-slack", "findings-elasticsearch"] {
                let folder = tempfile::tempdir().unwrap();
                let files = copies(folder.path(), &[source, path, findings], 6002, 6003);
                validate(&vector, &files, &format!("{source} {path} {findings}"));
            }
        }
    }
}

fn validate(vector: &Path, files: &[std::path::PathBuf], what: &str) {
    let ran = Command::new(vector)
        .args(["validate", "--no-environment", "--deny-warnings"])
        .args(files)
        .output()
        .unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{what}: {told}");
}

const EVENTS: u32 = 100_000;

#[test]
fn every_event_and_every_finding_arrives_once() {
    let Some(vector) = vector() else { return };
    for kind in [Loop::Tap, Loop::Annotate] {
        let mut lab = Lab::new(kind, EVENTS);
        lab.start_orgwatch();
        lab.start_vector(&vector);
        lab.wait();
        let (events, findings) = (lab.events(), lab.findings());
        assert_eq!(events.len(), EVENTS as usize, "{kind:?}");
        assert!(events.values().all(|count| *count == 1), "{kind:?}");
        assert_eq!(findings.keys().collect::<Vec<_>>(), lab.expected.iter().collect::<Vec<_>>());
        assert!(findings.values().all(|count| *count == 1), "{kind:?}");
        lab.events_are_as_they_were();
    }
}

#[test]
fn a_killed_orgwatch_loses_nothing() {
    let Some(vector) = vector() else { return };
    for kind in [Loop::Tap, Loop::Annotate] {
        let mut lab = Lab::new(kind, EVENTS);
        lab.start_orgwatch();
        lab.start_vector(&vector);
        lab.in_the_middle();
        lab.kill_orgwatch();
        thread::sleep(Duration::from_secs(2));
        lab.start_orgwatch();
        lab.wait();
        nothing_is_lost(&lab);
    }
}

#[test]
fn a_killed_vector_loses_nothing() {
    let Some(vector) = vector() else { return };
    for kind in [Loop::Tap, Loop::Annotate] {
        let mut lab = Lab::new(kind, EVENTS);
        lab.start_orgwatch();
        lab.start_vector(&vector);
        lab.in_the_middle();
        lab.kill_vector();
        thread::sleep(Duration::from_secs(2));
        lab.start_vector(&vector);
        lab.wait();
        nothing_is_lost(&lab);
    }
}

/// Every event, every finding; and a finding twice only if it was in flight at the kill.
fn nothing_is_lost(lab: &Lab) {
    let (events, findings) = (lab.events(), lab.findings());
    assert_eq!(events.len(), EVENTS as usize);
    let missing: Vec<_> = lab.expected.iter().filter(|id| !findings.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{} findings are missing", missing.len());
    assert_eq!(findings.len(), lab.expected.len());
    let twice: BTreeMap<_, _> = findings.iter().filter(|(_, count)| **count > 1).collect();
    let settled = lab.settled_before_the_kill();
    let wrong: Vec<_> = twice.keys().filter(|id| settled.contains(**id)).collect();
    println!(
        "{:?}: {} events and {} findings came twice, {} findings settled before the kill",
        lab.kind,
        events.values().filter(|count| **count > 1).count(),
        twice.len(),
        settled.len(),
    );
    assert!(wrong.is_empty(), "{} findings came again that were taken long before", wrong.len());
}
