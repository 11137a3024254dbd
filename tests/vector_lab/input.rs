//! The events that go into a lab.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde_json::Value;

use crate::support;
use crate::util::{leaving, quiet};

/// So many events; one in fifty is of an attack on an account of its own.
pub fn write_events(file: &Path, count: u32) {
    let case = support::root().join("tests/cases/power-then-exit/attempt-power-exit/events.ndjson");
    let attack: Vec<Value> = fs::read_to_string(case)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut out = BufWriter::new(File::create(file).unwrap());
    for id in 0..count {
        let mut event = match id % 200 {
            0 => {
                // A mention that would notify everybody in Slack.
                let mut event = leaving(id);
                event["userIdentity"]["arn"] = "arn:aws:sts::1:assumed-role/a/<!channel>&".into();
                event
            }
            // Far enough from each other that they come in batches of their own.
            50 => attack[0].clone(),
            100 => attack[1].clone(),
            // A second exit, which completes a chain that has alerted.
            150 | 175 => attack[2].clone(),
            _ => quiet(id),
        };
        let account = format!("{:012}", 100_000_000_000_u64 + u64::from(id / 200));
        event["eventID"] = format!("00000000-0000-4000-8000-{id:012}").into();
        let own = event["userIdentity"]["accountId"].as_str().unwrap_or("none").to_owned();
        let line = event.to_string().replace(&own, &account);
        writeln!(out, "{line}").unwrap();
    }
    out.flush().unwrap();
}
