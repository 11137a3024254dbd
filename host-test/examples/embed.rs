//! A program that embeds the detector: events in, findings out, and a memory that is kept.
//!
//! `cargo run --release -p orgwatch-host --example embed`

use std::error::Error;

use orgwatch_host::Severity;
use orgwatch_host::plugin::{Artifact, Options, Plugin};

/// The account removes itself from its organization.
const EVENTS: &str = r#"{"eventSource":"iam.amazonaws.com","eventName":"ListUsers","eventTime":"2026-11-17T19:00:00Z","recipientAccountId":"111122223333"}
{"eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization","eventTime":"2026-11-17T19:06:31Z","eventID":"1","recipientAccountId":"111122223333","userIdentity":{"accountId":"111122223333"}}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    // The embedded component, or a file: Artifact::read. It is compiled once and shared.
    let artifact = Artifact::find(None)?;
    let plugin = Plugin::load(artifact.bytes(), &Options::default())?;

    // One detector for each thread that examines events.
    let mut detector = plugin.open("{}")?;
    let batch = detector.detect_batch(EVENTS.as_bytes())?;
    for located in &batch.findings {
        println!("line {}: {}", located.place.line, located.finding.summary);
    }
    assert!(batch.findings.iter().any(|found| found.finding.severity >= Severity::High));
    // An event on which the guest failed is counted, and named among the unreadable ones.
    assert_eq!((batch.counts.trapped, batch.unreadable.len()), (0, 0));

    // The memory outlives the detector: the same event found again is marked as a repeat.
    let memory = detector.save_state()?;
    let mut next = plugin.open("{}")?;
    next.merge_state(&memory)?;
    let again = next.detect_batch(EVENTS.as_bytes())?;
    assert!(again.findings.iter().all(|found| found.finding.repeat));
    Ok(())
}

#[test]
fn it_runs() {
    main().unwrap();
}
