//! The memory of a scan is bounded, whatever one file holds.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::util::{Sandbox, gzip, leaving};

/// The bound of docs/scanning.md, for eight threads.
const MOST: u64 = 100 << 20;

/// An event that a rule names and none matches.
fn candidate() -> Value {
    let mut event = leaving(1);
    event["eventName"] = "AttachRolePolicy".into();
    event["eventSource"] = "iam.amazonaws.com".into();
    event["requestParameters"] =
        json!({ "roleName": "r", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess" });
    event
}

/// The most memory that a scan of a file had, resident, in bytes.
fn peak(sandbox: &Sandbox, file: &str) -> u64 {
    let mut scan = sandbox.command();
    scan.args(["scan", file, "--quiet", "--threads", "8"]);
    let mut child = scan.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or_default() << 10);
        thread::sleep(Duration::from_millis(10));
    }
    assert!(child.wait().unwrap().success());
    peak
}

fn write(to: impl Write, line: &str, times: usize) {
    let mut to = BufWriter::new(to);
    for _ in 0..times {
        writeln!(to, "{line}").unwrap();
    }
    to.flush().unwrap();
}

/// Once all that was read and not examined yet was kept: as much as the file decompresses to.
#[test]
fn a_file_of_candidates_takes_no_more_memory_than_another() {
    let sandbox = Sandbox::new();
    let line = candidate().to_string();
    let times = (120 << 20) / line.len();
    write(File::create(sandbox.path("plain")).unwrap(), &line, times);
    let packed = GzEncoder::new(File::create(sandbox.path("packed")).unwrap(), Compression::fast());
    write(packed, &line, times);
    // Objects of a bucket, a line each and longer than any event.
    let records = json!({ "Records": vec![candidate(); 20_000] }).to_string();
    write(File::create(sandbox.path("objects")).unwrap(), &records, (60 << 20) / records.len());
    for file in ["plain", "packed", "objects"] {
        let peak = peak(&sandbox, file);
        assert!(peak > 0 && peak < MOST, "{file}: {} MiB", peak >> 20);
    }
}

/// Once each was in memory some ten times: what was freed of them was kept, by the guests and by the
/// allocator.
#[test]
fn events_of_many_megabytes_take_no_more_memory_than_others() {
    let sandbox = Sandbox::new();
    let lines = |events: &mut dyn Iterator<Item = Value>| {
        let lines: Vec<_> = events.map(|event| event.to_string()).collect();
        lines.join("\n")
    };
    let event = |id, length| {
        let mut event = leaving(id);
        event["requestParameters"] = json!({ "text": "x".repeat(length) });
        event
    };
    let long = lines(&mut (0..6).map(|id| event(id, (16 << 20) - 2000)));
    let subscription = |id| {
        let message = event(id, 12 << 20).to_string();
        let document = json!({ "logEvents": [{ "id": "1", "message": message }] }).to_string();
        json!({ "awslogs": { "data": STANDARD.encode(gzip(document.as_bytes())) } })
    };
    sandbox.file("packed", gzip(long.as_bytes()));
    sandbox.file("plain", long);
    sandbox.file("shorter", lines(&mut (0..30).map(|id| event(id, 3 << 20))));
    sandbox.file("subscriptions", lines(&mut (0..6).map(subscription)));
    for file in ["plain", "packed", "shorter", "subscriptions"] {
        let peak = peak(&sandbox, file);
        assert!(peak > 0 && peak < MOST, "{file}: {} MiB", peak >> 20);
    }
}

#[test]
fn a_file_of_findings_takes_no_more_memory_than_another() {
    let sandbox = Sandbox::new();
    let mut lines = BufWriter::new(File::create(sandbox.path("file")).unwrap());
    for id in 0..60_000 {
        writeln!(lines, "{}", leaving(id)).unwrap();
    }
    lines.flush().unwrap();
    let peak = peak(&sandbox, "file");
    // The detector remembers each of them.
    assert!(peak > 0 && peak < MOST + (20 << 20), "{} MiB", peak >> 20);
}
