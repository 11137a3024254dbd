//! Health, metrics, logs.

use std::fs;

use serde_json::Value;

use crate::serve::downstream::Downstream;
use crate::serve::service::{Service, lines};
use crate::util::{Sandbox, leaving, quiet};

#[test]
fn health_says_that_it_lives_and_is_ready() {
    let sandbox = Sandbox::new();
    let service = Service::start(&sandbox, &[]);
    // Vector's health check.
    let head = service.send("HEAD", "/", &[], b"");
    assert_eq!((head.status, &*head.text), (200, ""));
    for path in ["/health", "/health/ready", "/health/live"] {
        service.get(path).expect(200);
        service.send("HEAD", path, &[], b"").expect(200);
    }
    let health: Value = serde_json::from_str(&service.get("/health").text).unwrap();
    assert_eq!(health["ready"], true);
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    assert!(health["component"].as_str().unwrap().starts_with("sha256:"));
}

/// A time that nobody could read was counted nowhere.
#[test]
fn events_without_a_time_are_counted() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(&sandbox, &downstream, &[]);
    let mut event = leaving(1);
    event["eventTime"] = "June".into();
    service.post(lines(&[event, leaving(2)])).expect(200);
    assert_eq!(service.metric("orgwatch_events_without_time_total"), 1.0);
}

#[test]
fn metrics_count_what_happens() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let service = Service::annotating(
        &sandbox,
        &downstream,
        &["--state", "state", "--save-interval", "100ms"],
    );
    let batch = lines(&[quiet(1), leaving(1), serde_json::json!({ "a": 1 })]) + "\nnot json";
    service.post(&batch).expect(200);
    service.post(&batch).expect(200);
    for (name, value) in [
        ("orgwatch_events_total{outcome=\"rejected\"}", 2.0),
        ("orgwatch_events_total{outcome=\"evaluated\"}", 2.0),
        ("orgwatch_events_total{outcome=\"foreign\"}", 2.0),
        ("orgwatch_events_total{outcome=\"unreadable\"}", 2.0),
        (
            "orgwatch_findings_total{rule=\"member-left-organization\",severity=\"critical\",status=\"new\"}",
            1.0,
        ),
        ("orgwatch_findings_deduplicated_total", 1.0),
        ("orgwatch_batches_total{outcome=\"ok\"}", 2.0),
        ("orgwatch_batch_seconds_count{stage=\"all\"}", 2.0),
        ("orgwatch_batch_seconds_count{stage=\"detect\"}", 2.0),
        ("orgwatch_batch_seconds_count{stage=\"forward\"}", 2.0),
        ("orgwatch_guest_traps_total", 0.0),
        ("orgwatch_memory_evicted", 0.0),
        ("orgwatch_batches_in_flight", 0.0),
        ("orgwatch_findings_pending", 0.0),
    ] {
        assert_eq!(service.metric(name), value, "{name}");
    }
    assert!(service.metric("orgwatch_memory_entries{store=\"events\"}") > 0.0);
    let text = service.get("/metrics").text;
    assert!(text.contains("orgwatch_build_info{version=") && text.ends_with("# EOF\n"), "{text}");
    // Every metric that is documented is there, and the other way round.
    let documented = fs::read_to_string(crate::support::root().join("docs/operations.md")).unwrap();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split(' ').next().unwrap();
        assert!(documented.contains(&format!("`{name}")), "{name} is not documented");
    }
}

#[test]
fn logs_are_json_whatever_events_hold() {
    let (sandbox, downstream) = (Sandbox::new(), Downstream::start());
    let mut service = Service::annotating(&sandbox, &downstream, &["--log-level", "debug"]);
    let mut event = leaving(1);
    event["recipientAccountId"] = "\u{1b}[2J\n{\"forged\":1}".into();
    service.post(event.to_string()).expect(200);
    let line = service.logged("finding delivered");
    assert_eq!(
        (&line["rule"], &line["level"]),
        (&"member-left-organization".into(), &"INFO".into())
    );
    service.post("\u{1b}[2J not json").expect(200);
    assert_eq!(service.logged("events that cannot be read")["unreadable"], 1);
    assert!(service.lines().iter().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert!(service.lines().iter().all(|line| !line.contains('\u{1b}')));
}

#[test]
#[ignore = "needs systemd-analyze"]
fn systemd_finds_nothing_wrong_with_the_unit() {
    use std::process::Command;
    let sandbox = Sandbox::new();
    let unit = crate::support::root().join("packaging/systemd/orgwatch.service");
    // The path of this orgwatch: systemd checks that the program exists.
    let unit = fs::read_to_string(unit).unwrap();
    let unit = unit.replace("/usr/bin/orgwatch", env!("CARGO_BIN_EXE_orgwatch"));
    let file = sandbox.file("orgwatch.service", unit);
    let verified = Command::new("systemd-analyze").arg("verify").arg(file).output().unwrap();
    let told = String::from_utf8_lossy(&verified.stderr);
    // Problems of this unit; those of other units of the machine do not count.
    let ours: Vec<_> = told.lines().filter(|line| line.contains("orgwatch")).collect();
    assert!(verified.status.success() && ours.is_empty(), "{told}");
}
