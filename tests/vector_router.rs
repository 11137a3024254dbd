//! The configurations of `vector-config/` in a real Vector (`VECTOR`, or `vector` on the path),
//! beside a real `orgwatch serve`: as they are, and with either killed in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::vector_lab::{Endpoint, Lab, Loop, Sent, Side, copies, vector};
use crate::{support, util};

#[test]
fn the_condition_of_the_tap_is_what_the_command_prints() {
    let printed = util::Sandbox::new().run(&["router", "vector"]);
    let config = fs::read_to_string(support::root().join("vector-config/tap.yaml")).unwrap();
    let config: Value = yaml_serde::from_str(&config).unwrap();
    let condition = &config["transforms"]["orgwatch_candidates"]["condition"]["source"];
    assert_eq!(condition.as_str().unwrap(), printed.out, "put what it prints into tap.yaml");
}

#[test]
fn every_sink_of_every_configuration_acknowledges() {
    for path in support::files("vector-config", "yaml") {
        let config: Value = yaml_serde::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for (name, sink) in config["sinks"].as_object().into_iter().flatten() {
            // A heartbeat that is lost is made up for by the next.
            if name == "heartbeats_to_orgwatch" {
                continue;
            }
            let on = &sink["acknowledgements"]["enabled"];
            assert_eq!(on, &Value::Bool(true), "{}: {name}", path.display());
        }
    }
}

#[test]
#[ignore = "needs Vector: VECTOR, or `vector` on the path"]
fn vector_takes_every_configuration() {
    let vector = vector();
    for source in ["source-files", "source-s3"] {
        for path in ["tap", "annotate"] {
            for findings in
                ["findings-file", "findings-alerts", "findings-slack", "findings-elasticsearch"]
            {
                let folder = tempfile::tempdir().unwrap();
                let files = copies(folder.path(), &[source, path, findings], &[]);
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
    let said =
        format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{what}: {said}");
}

const EVENTS: u32 = 100_000;

#[test]
#[ignore = "needs Vector: VECTOR, or `vector` on the path"]
fn every_shape_that_is_a_line_comes_through() {
    let vector = vector();
    let (lines, ids) = support::shapes_in_lines(&[]);
    for kind in [Loop::Tap, Loop::Annotate] {
        let mut lab = Lab::of_lines(kind, &lines);
        assert_eq!(lab.expected.len(), ids.len());
        lab.start(Side::Orgwatch, &vector);
        lab.start(Side::Vector, &vector);
        lab.until(|| lab.findings().len() >= ids.len());
        assert!(lab.findings().keys().eq(lab.expected.keys()), "{kind:?}");
    }
}

#[test]
#[ignore = "needs Vector: VECTOR, or `vector` on the path"]
fn every_event_and_every_finding_arrives_once() {
    let vector = vector();
    for kind in [Loop::Tap, Loop::Annotate] {
        let mut lab = Lab::new(kind, EVENTS);
        lab.start(Side::Orgwatch, &vector);
        lab.start(Side::Vector, &vector);
        lab.wait();
        let (events, findings) = (lab.events(), lab.findings());
        assert_eq!(events.len(), EVENTS as usize, "{kind:?}");
        assert!(events.values().all(|count| *count == 1), "{kind:?}");
        assert_eq!(findings.keys().collect::<Vec<_>>(), lab.expected.keys().collect::<Vec<_>>());
        assert!(findings.values().all(|count| *count == 1), "{kind:?}");
        lab.events_are_as_they_were();
    }
}

#[test]
#[ignore = "needs Vector: VECTOR, or `vector` on the path"]
fn a_killed_orgwatch_loses_nothing() {
    killed(Side::Orgwatch);
}

#[test]
#[ignore = "needs Vector: VECTOR, or `vector` on the path"]
fn a_killed_vector_loses_nothing() {
    killed(Side::Vector);
}

fn killed(side: Side) {
    let vector = vector();
    for kind in [Loop::Tap, Loop::Annotate] {
        let mut lab = Lab::new(kind, EVENTS);
        lab.start(Side::Orgwatch, &vector);
        lab.start(Side::Vector, &vector);
        lab.in_the_middle();
        lab.kill(side);
        thread::sleep(Duration::from_secs(2));
        lab.start(side, &vector);
        lab.wait();
        nothing_is_lost(&lab);
    }
}

/// Every event, every finding, chains that the kill divides included; and a finding twice only if it was in flight at the kill.
fn nothing_is_lost(lab: &Lab) {
    let (events, findings) = (lab.events(), lab.findings());
    assert_eq!(events.len(), EVENTS as usize);
    let missing: Vec<_> = lab.expected.keys().filter(|id| !findings.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{} findings are missing", missing.len());
    assert!(findings.keys().all(|id| lab.expected.contains_key(id)));
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
    assert!(
        wrong.is_empty(),
        "{} findings are duplicates of ones acknowledged long before",
        wrong.len()
    );
}

/// An object of S3, announced by SQS: the message is deleted when all of it has arrived.
#[test]
#[ignore = "needs Vector: VECTOR, or `vector` on the path"]
fn objects_of_s3_arrive_and_are_done_with() {
    let vector = vector();
    for kind in [Loop::Tap, Loop::Annotate] {
        let object = Arc::new(OnceLock::new());
        let aws = Endpoint::of_object(Arc::clone(&object));
        let url = format!("http://{}", aws.address);
        let replaced = [
            ("https://sqs.us-east-1.amazonaws.com", url.clone()),
            (
                "    region: us-east-1\n",
                format!(
                    "    region: us-east-1\n    endpoint: {url}\n    force_path_style: true\n    \
                     auth: {{access_key_id: a, secret_access_key: b}}\n"
                ),
            ),
        ];
        let mut lab = Lab::with(kind, 2000, &["source-s3", "findings-file"], &replaced, "");
        let records = lab.input().lines().collect::<Vec<_>>().join(",");
        object.set(util::gzip(format!("{{\"Records\":[{records}]}}").as_bytes())).unwrap();
        lab.start(Side::Orgwatch, &vector);
        lab.start(Side::Vector, &vector);
        lab.wait();
        assert!(lab.events().values().chain(lab.findings().values()).all(|count| *count == 1));
        lab.events_are_as_they_were();
        let deleted = |sent: &Sent| sent.head.contains("amazonsqs.deletemessage");
        lab.until(|| aws.posted().iter().any(deleted));
    }
}

/// Into Elasticsearch each by its id; to whatever pages people exactly what is new, and to Slack of that what is
/// at high or above. All fail first.
#[test]
#[ignore = "needs Vector: VECTOR, or `vector` on the path"]
fn findings_arrive_where_people_use_them() {
    let vector = vector();
    let (elasticsearch, slack) = (Endpoint::of_findings(), Endpoint::of_findings());
    let pager = Endpoint::of_findings();
    let replaced = [
        ("https://127.0.0.1:9200", format!("http://{}", elasticsearch.address)),
        ("https://hooks.slack.com", format!("http://{}", slack.address)),
        ("https://alerts.example.com", format!("http://{}", pager.address)),
    ];
    let ends = [
        "source-files",
        "findings-file",
        "findings-elasticsearch",
        "findings-alerts",
        "findings-slack",
    ];
    let settings =
        "rules: {member-leave-denied: dry-run, leave-permission-granted: {severity: low}}\n";
    let mut lab = Lab::with(Loop::Tap, 400, &ends, &replaced, settings);
    let is_new = |(_, finding): &(&String, &Value)| finding["status"] == "new";
    let new: BTreeSet<String> =
        lab.expected.iter().filter(is_new).map(|(id, _)| id.clone()).collect();
    assert!(lab.expected.values().any(|finding| finding["status"] == "follow-up"));
    let alerts: BTreeSet<String> = lab
        .expected
        .iter()
        .filter(is_new)
        .filter(|(_, finding)| finding["severity"] == "high" || finding["severity"] == "critical")
        .map(|(id, _)| id.clone())
        .collect();
    assert!(!alerts.is_empty() && alerts.len() < lab.expected.len(), "{:#?}", lab.expected);
    lab.start(Side::Orgwatch, &vector);
    lab.start(Side::Vector, &vector);
    lab.until(|| indexed(&elasticsearch).len() >= lab.expected.len());
    lab.until(|| slack.posted().len() >= alerts.len());
    lab.until(|| pager.posted().len() >= new.len());

    let indexed = indexed(&elasticsearch);
    assert_eq!(indexed.keys().collect::<Vec<_>>(), lab.expected.keys().collect::<Vec<_>>());
    // Whole: a document's own id is not taken out of it.
    for (id, finding) in &indexed {
        for (key, value) in lab.expected[id].as_object().unwrap() {
            assert_eq!(&finding[key], value, "{key}");
        }
    }
    let mut paged = BTreeSet::new();
    for message in pager.posted() {
        let finding: Value = serde_json::from_str(&message.body).unwrap();
        let id = finding["id"].as_str().unwrap().to_owned();
        assert_eq!(finding, lab.expected[&id]);
        assert!(paged.insert(id), "twice: {finding}");
    }
    assert_eq!(paged, new);

    let mut said = BTreeSet::new();
    for message in slack.posted() {
        assert_eq!(message.path, "/services/T0/B0/secret");
        assert!(
            message.head.contains("\r\ncontent-type: application/json\r\n"),
            "{}",
            message.head
        );
        let text: Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(text.as_object().unwrap().len(), 1);
        let text = text["text"].as_str().unwrap();
        assert!(!text.contains('<'), "{text}");
        for part in ["*Account* ", "*Who* arn:", "*From* ", "*What to do*\n1. "] {
            assert!(text.contains(part), "{text}");
        }
        assert!(said.insert(text.lines().last().unwrap().to_owned()), "twice: {text}");
    }
    assert_eq!(said, alerts);
}

/// The indexed findings, by document id.
fn indexed(elasticsearch: &Endpoint) -> BTreeMap<String, Value> {
    let mut documents = BTreeMap::new();
    for bulk in elasticsearch.posted() {
        assert!(bulk.path.starts_with("/_bulk"), "{}", bulk.path);
        assert!(bulk.head.contains("\r\nauthorization: basic "), "{}", bulk.head);
        let lines: Vec<Value> =
            bulk.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for pair in lines.chunks(2) {
            let action = &pair[0]["index"];
            assert_eq!(action["_index"], "orgwatch-findings", "{action}");
            documents.insert(action["_id"].as_str().unwrap().to_owned(), pair[1].clone());
        }
    }
    documents
}
