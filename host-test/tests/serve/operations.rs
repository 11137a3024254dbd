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

/// The table of limits, and the constants that it is about.
#[test]
fn every_limit_has_the_default_that_is_documented() {
    let root = crate::support::root();
    let documented = fs::read_to_string(root.join("docs/operations.md")).unwrap();
    let table = documented.split("\n## Limits\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let limits = [
        ("`max_body`", "64 MiB", "host-test/src/serve/options.rs", "max_body: 64 << 20"),
        (
            "time for a body",
            "10 s",
            "host-test/src/serve/body.rs",
            "BODY_TIMEOUT: Duration = Duration::from_secs(10)",
        ),
        (
            "time for a request's head",
            "30 s",
            "host-test/src/serve/server.rs",
            "HEAD_TIMEOUT: Duration = Duration::from_secs(30)",
        ),
        ("`timeout`", "30 s", "host-test/src/serve/options.rs", "timeout: Duration::from_secs(30)"),
        ("`max_in_flight`", "8 batches", "host-test/src/serve/options.rs", "max_in_flight: 8"),
        ("connections", "512", "host-test/src/serve/server.rs", "MAX_CONNECTIONS: usize = 512"),
        (
            "`open_timeout`",
            "30 s",
            "host-test/src/plugin/mod.rs",
            "open_deadline: Duration::from_secs(30)",
        ),
        (
            "`call_timeout`",
            "10 s for each MiB",
            "host-test/src/plugin/mod.rs",
            "call_deadline: Duration::from_secs(10)",
        ),
        (
            "time for that search",
            "15 s",
            "host-test/src/plugin/mod.rs",
            "recovery_deadline: Duration::from_secs(15)",
        ),
        ("`max_memory`", "1 GiB", "host-test/src/plugin/mod.rs", "max_memory: 1 << 30"),
        (
            "`max_findings`",
            "100,000 of a call, ten times",
            "host-test/src/plugin/mod.rs",
            "max_findings: 100_000",
        ),
        (
            "`max_findings`",
            "ten times as many",
            "host-test/src/plugin/recovery.rs",
            "TIMES_FINDINGS: usize = 10",
        ),
        ("an event", "16 MiB", "host-test/src/input/limits.rs", "MAX_LINE: usize = 16 << 20"),
        ("nesting of an event", "1,000 levels", "src/json/tape.rs", "MAX_DEPTH: usize = 1000"),
        ("layers of compression", "4", "host-test/src/input/layers.rs", "MOST_LAYERS: u32 = 4"),
        (
            "unreadable events named of a batch",
            "100",
            "host-test/src/serve/detector/examine.rs",
            "MAX_UNREADABLE: usize = 100",
        ),
        (
            "lines in the log of one kind",
            "one in 10 s",
            "host-test/src/serve/log_limit.rs",
            "PAUSE: Duration = Duration::from_secs(10)",
        ),
        (
            "journal, before a save is due",
            "16 MiB",
            "host-test/src/state/journal/mod.rs",
            "LONG: u64 = 16 << 20",
        ),
        (
            "journal, if the state cannot be saved",
            "256 MiB",
            "host-test/src/state/journal/mod.rs",
            "MAX: u64 = 256 << 20",
        ),
        (
            "findings that are undelivered",
            "100,000",
            "host-test/src/state/undelivered.rs",
            "MAX: usize = 100_000",
        ),
        ("a state file", "1 GiB", "host-test/src/state.rs", "MAX_STATE: u64 = 1 << 30"),
        (
            "files of own rules",
            "1 MiB each",
            "sigma/src/compile/limits.rs",
            "MAX_FILE: usize = 1 << 20",
        ),
        (
            "files of own rules",
            "10,000 rules",
            "sigma/src/compile/limits.rs",
            "MAX_RULES: usize = 10_000",
        ),
    ];
    for (name, default, file, constant) in limits {
        let row = table.lines().find(|row| row.starts_with(&format!("| {name}")));
        let row = row.unwrap_or_else(|| panic!("{name} has no row"));
        assert!(row.split('|').nth(2).unwrap().contains(default), "{row}: not {default}");
        let source = fs::read_to_string(root.join(file)).unwrap();
        assert!(source.contains(constant), "{name}: {file} has another limit than {constant}");
    }
    let rows = table.lines().filter(|line| line.starts_with("| ")).count() - 2;
    let memory = 1;
    let names: std::collections::BTreeSet<_> = limits.iter().map(|limit| limit.0).collect();
    assert_eq!(rows, names.len() + memory, "a row that no constant is compared with");
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
