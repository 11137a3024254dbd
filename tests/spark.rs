//! `examples/spark/backfill.py` on a real Spark: the same findings as one scan, and a state to go on with.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::util::Sandbox;
use crate::vector_lab::input;
use crate::{support, util};

/// So much JSON.
const BYTES: usize = 200 << 20;

/// Events of an object.
const OBJECT: usize = 500;

fn pairs(findings: &[Value]) -> BTreeSet<(String, String)> {
    let pair = |one: &Value| (one["rule"].to_string(), one["id"].to_string());
    findings.iter().map(pair).collect()
}

/// Objects as a trail writes them, in folders of their own, none of them in the order of time; their number. Each
/// event once, in that order, is in `sorted.ndjson`.
fn write_objects(sandbox: &Sandbox) -> usize {
    input::write_events(&sandbox.path("some.ndjson"), 20_000);
    let events = fs::read_to_string(sandbox.path("some.ndjson")).unwrap();
    fs::remove_file(sandbox.path("some.ndjson")).unwrap();
    let events: Vec<&str> = events.lines().collect();
    let quiet: Vec<String> = (0..OBJECT as u32)
        .map(|id| {
            let mut event = util::quiet(id);
            // As long as events are.
            event["requestParameters"] = serde_json::json!({ "key": "k".repeat(900) });
            event.to_string()
        })
        .collect();
    let mut sorted: Vec<&str> = quiet.iter().map(String::as_str).chain(events.clone()).collect();
    sorted.sort_by_key(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        (event["eventTime"].as_str().unwrap().to_owned(), *line)
    });
    sandbox.file("sorted.ndjson", sorted.join("\n") + "\n");
    let (mut bytes, mut objects) = (0, 0);
    while bytes < BYTES {
        let own = events.iter().skip(objects * 97 % events.len()).step_by(211).take(OBJECT);
        let fill = quiet.iter().map(String::as_str);
        let records = own.copied().chain(fill).collect::<Vec<_>>().join(",");
        let object = format!("{{\"Records\":[{records}]}}");
        bytes += object.len();
        sandbox.file(
            &format!("logs/{}/{objects}.json.gz", objects % 7),
            util::gzip(object.as_bytes()),
        );
        objects += 1;
    }
    // All of them at least once, and as lines.
    sandbox.file("logs/lines.ndjson", events.join("\n") + "\n");
    objects + 1
}

#[test]
#[ignore = "needs Python with pyspark, and Java: SPARK_PYTHON"]
fn spark_finds_what_one_scan_finds() {
    let python = support::program("SPARK_PYTHON", "python3");
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("logs")).unwrap();
    let objects = write_objects(&sandbox);
    let expected = sandbox.scan(&["sorted.ndjson", "--quiet"]).findings();
    assert!(expected.len() > 100);
    let ran = Command::new(python)
        .current_dir(sandbox.path(""))
        .arg(support::root().join("examples/spark/backfill.py"))
        .args(["--out", "findings.ndjson", "--state", "orgwatch.state"])
        .args(["--orgwatch", env!("CARGO_BIN_EXE_orgwatch"), "--partitions", "8"])
        .args(["logs/*/*.json.gz", "logs/*.ndjson"])
        .env("PYSPARK_SUBMIT_ARGS", "--master local[2] --driver-memory 1g pyspark-shell")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let found = fs::read_to_string(sandbox.path("findings.ndjson")).unwrap();
    let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(pairs(&found), pairs(&expected));
    // The state knows all of it: nothing is found again.
    let again = sandbox.scan(&["sorted.ndjson", "--quiet", "--state", "orgwatch.state"]);
    assert!(again.findings().is_empty());
    println!(
        "{} pairs of rule and id out of {objects} objects; {}",
        found.len(),
        said.lines().last().unwrap()
    );
}
