//! The work that a worst case takes.

use super::*;
use crate::instructions::Counted;

/// Those of a large organization, in whose list of accounts the one that acts is the last.
fn settings() -> String {
    let others = (1..10_000_u64).map(|n| format!("\"{n:012}\","));
    format!(r#"{{"accounts":[{}"444455556666"]}}"#, others.collect::<String>())
}

/// Examines a case; says how many instructions that took, and whether the exit was found.
fn work(component: &Counted, events: &str) -> (u64, bool) {
    let (batch, took) = component.open(&settings()).detect_batch(events.as_bytes());
    let exits = ["member-left-organization", "member-leave-denied"];
    (took, batch.findings.iter().any(|one| exits.contains(&&*one.finding.rule)))
}

/// The square of the size, or twenty times as much for each byte as the others.
#[test]
fn work_grows_as_the_input_does() {
    let component = Counted::load();
    const SIZE: usize = 256 << 10;
    let mut wrong = Vec::new();
    for (name, make) in CASES {
        let [once, twice] = [SIZE, 2 * SIZE].map(make);
        let (small, found) = work(&component, &once);
        let (large, found_too) = work(&component, &twice);
        let (per_byte, growth) = (large as f64 / twice.len() as f64, large as f64 / small as f64);
        println!(
            "{per_byte:7.0} instructions a byte, {growth:.2} times as many for twice the size: {name}"
        );
        if !found || !found_too {
            wrong.push(format!("{name}: the exit is not found"));
        }
        // A finding is several times as long as its event, and each exit completes chains.
        let most = if name == &"findings" { 1600.0 } else { 1000.0 };
        if growth > 2.2 || per_byte > most {
            wrong.push(format!(
                "{name}: {per_byte:.0} instructions a byte, {growth:.2} times as many"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
