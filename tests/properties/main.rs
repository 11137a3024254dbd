//! Laws that hold whatever comes in.

mod alerts;
mod batches;
mod chains;
mod envelopes;
mod memory;
#[path = "../support/mod.rs"]
mod support;
mod witnesses;

use orgwatch::detector::{Counts, Detector, Place};
use orgwatch::finding::Finding;
use serde_json::json;

fn open(settings: &str) -> Detector {
    Detector::open(settings).expect("the case's settings are right")
}

/// Each finding as JSON, with its mark.
fn shown(findings: &[Finding]) -> Vec<(String, bool)> {
    findings
        .iter()
        .map(|finding| (serde_json::to_string(finding).unwrap(), finding.repeat))
        .collect()
}

fn batch(detector: &mut Detector, events: &[u8]) -> (Vec<Finding>, Vec<Place>, Counts) {
    let batch = detector.detect_batch(events);
    let Counts { events, rejected, evaluated, unreadable, foreign, .. } = batch.counts;
    assert_eq!(events, rejected + evaluated + unreadable + foreign, "every event is counted once");
    let places = batch.findings.iter().map(|located| located.place).collect();
    (batch.findings.into_iter().map(|located| located.finding).collect(), places, batch.counts)
}

/// Every case, one after the other, in a detector without settings of its own.
fn all_cases() -> Vec<u8> {
    let mut events = Vec::new();
    for case in support::cases() {
        events.extend(&case.events);
        events.push(b'\n');
    }
    events
}

/// Settings in which each part of the memory has so many entries at most. What is new depends on what came
/// first, so the rule that looks for it is off.
fn capped(events: usize, terms: usize, steps: usize, policies: usize) -> String {
    let caps = json!({"events": events, "terms": terms, "steps": steps, "policies": policies});
    // What is new depends on who has seen what.
    let off = json!({
        "account-discovery-rare-identity": "off", "organization-discovery-wide": "off",
        "discovery-then-exit": "off",
    });
    // So long that nobody's silence is told, which depends on who looked when.
    let silence = json!({
        "accounts": ["111122223333", "210987654321", "321098765432"], "after": "10000d",
    });
    json!({"memory": caps, "rules": off, "silence": silence}).to_string()
}
