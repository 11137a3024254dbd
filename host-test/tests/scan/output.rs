//! What is printed, and how it ends.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::json;

use crate::bench::{Bench, leaving};

#[test]
fn a_finding_names_its_artifact() {
    let bench = Bench::new();
    let ran = bench.scan_stdin(&["-"], leaving(1).to_string().as_bytes());
    let artifact = &ran.expect(1, 0).findings()[0]["artifact"];
    assert_eq!(artifact["version"], env!("CARGO_PKG_VERSION"));
    let digest = artifact["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
}

#[test]
fn severities_choose_what_is_printed_and_how_it_ends() {
    let bench = Bench::new();
    bench.file("file", leaving(1).to_string());
    let severity = bench.scan(&["file"]).findings()[0]["severity"].as_str().unwrap().to_owned();
    bench.scan(&["file", "--fail-on", &severity]).expect(1, 1);
    bench.scan(&["file", "--fail-on", "informational"]).expect(1, 1);
    bench.scan(&["file", "--min-severity", &severity]).expect(1, 0);
    if severity != "critical" {
        bench.scan(&["file", "--fail-on", "critical"]).expect(1, 0);
        bench
            .scan(&["file", "--min-severity", "critical", "--fail-on", "low"])
            .expect(0, 1)
            .says("1 below critical not printed");
    }
}

#[test]
fn ocsf_is_one_detection_finding_a_line() {
    let bench = Bench::new();
    bench.file("file", leaving(1).to_string());
    let ran = bench.scan(&["--format", "ocsf", "file"]);
    let event = &ran.expect(1, 0).findings()[0];
    assert_eq!((&event["class_uid"], &event["type_uid"]), (&json!(2004), &json!(200_401)));
    assert_eq!(event["metadata"]["version"], "1.8.0");
    assert_eq!(event["time"], 1_777_863_721_000_i64);
}

#[test]
fn text_escapes_what_an_attacker_chose() {
    let bench = Bench::new();
    let mut event = leaving(1);
    event["userAgent"] = "\u{1b}[2J\u{202e}agent".into();
    event["errorCode"] = "\u{9b}31mAccessDenied\r\nCRITICAL".into();
    bench.file("file", event.to_string());
    let ran = bench.scan(&["--format", "text", "--explain", "file"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.out.contains("\\u{1b}[2J\\u{202e}agent"), "{ran:#?}");
    assert!(!ran.out.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r']), "{ran:#?}");
    let ran = bench.scan(&["--format", "text", "--color", "always", "file"]);
    assert!(ran.out.contains("\u{1b}["), "{ran:#?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    let lines: String = (0..20_000).map(|id| format!("{}\n", leaving(id))).collect();
    bench.file("file", lines);
    let mut child = bench
        .command()
        .args(["scan", "file", "missing", "--fail-on", "low"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = [0; 100];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
