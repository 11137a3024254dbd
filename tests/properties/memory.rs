//! The memory: merged in any order, and shared by several detectors.

use std::collections::BTreeSet;

use orgwatch::detector::Detector;
use orgwatch::finding::Finding;
use orgwatch::memory::ALERTS;
use orgwatch::state::{Section, decode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{self, Random};
use crate::{capped, open};

/// A memory but for the alerts: which finding of a class was the first to come depends on the order, also of
/// those that a merge completes. How alerts merge is tested beside them.
fn seen(state: &[u8]) -> Vec<Section<'_>> {
    let mut sections = decode(state).unwrap();
    sections.retain(|(name, _)| *name != ALERTS);
    sections
}

/// Caps from so low that next to nothing is held to so high that nothing goes.
pub(crate) fn cap() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1, 3, 20, 100_000])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The memory of a stream dealt out to several detectors, in any order, and merged in any
    /// order, is the same as if one had seen it in any order; also when parts of it are full, alone
    /// and together.
    #[test]
    fn memory_merges_by_the_laws(
        seed in any::<u64>(),
        caps in [cap(), cap(), cap(), cap(), cap()],
    ) {
        let mut random = Random::new(seed);
        let [events, terms, steps, policies, alerts] = caps;
        let mut settings: Value = serde_json::from_str(&capped(events, terms, steps, policies)).unwrap();
        settings["memory"]["alerts"] = json!(alerts);
        let settings = settings.to_string();
        let mut lines = all_records(&mut random);
        let mut one = open(&settings);
        let mut parts: Vec<Detector> = (0..3).map(|_| open(&settings)).collect();
        for line in &lines {
            let _ = parts[random.below(3)].detect(line.as_bytes());
        }
        while !lines.is_empty() {
            let line = lines.swap_remove(random.below(lines.len()));
            let _ = one.detect(line.as_bytes());
        }
        let states: Vec<Vec<u8>> = parts.iter().map(Detector::save_state).collect();
        let merged = |order: &[usize]| {
            let mut detector = open(&settings);
            for part in order {
                detector.merge_state(&states[*part]).unwrap();
            }
            detector.save_state()
        };
        let all = merged(&[0, 1, 2]);
        prop_assert!(seen(&one.save_state()) == seen(&all), "as if one had seen it");
        prop_assert!(seen(&merged(&[2, 0, 1])) == seen(&all), "commutative");
        prop_assert!(seen(&merged(&[1, 1, 0, 2, 1])) == seen(&all), "idempotent");
        let mut pair = open(&settings);
        pair.merge_state(&merged(&[1, 2])).unwrap();
        pair.merge_state(&states[0]).unwrap();
        prop_assert!(seen(&pair.save_state()) == seen(&all), "associative");
    }
}

/// The records of all cases, and policies of changing types, in any order.
pub(crate) fn all_records(random: &mut Random) -> Vec<String> {
    let mut records: Vec<Value> = support::case_records();
    for n in 0..30 {
        let kind = *random.pick(&["TAG_POLICY", "BACKUP_POLICY", "SERVICE_CONTROL_POLICY"]);
        records.push(json!({
            "eventSource": "organizations.amazonaws.com", "eventName": "UpdatePolicy",
            "eventID": format!("policy {n}"), "recipientAccountId": "111122223333",
            "eventTime": format!("2026-06-{:02}T12:00:00Z", random.below(20) + 1),
            "responseElements": {"policy": {"policySummary":
                {"id": format!("p-0000000{}", random.below(9)), "type": kind}}},
        }));
    }
    for n in 0..30 {
        let time = format!("2026-06-{:02}T12:00:00Z", random.below(20) + 1);
        let account = *random.pick(&["111122223333", "210987654321", "999988887777"]);
        records.push(json!({"orgwatch.heartbeat": {"account": account, "time": time, "n": n}}));
    }
    let mut lines: Vec<String> = Vec::new();
    while !records.is_empty() {
        lines.push(records.swap_remove(random.below(records.len())).to_string());
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// A stream dealt out to several detectors, in any order, and merged, gives altogether the
    /// findings that one detector gives. Not so what is new to somebody who has seen only a part:
    /// each of several detectors finds its own first sighting, one of which is that of the one.
    #[test]
    fn a_shared_stream_gives_the_same_findings(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let settings = "{}";
        let mut lines: Vec<String> = support::case_records().iter().map(Value::to_string).collect();
        let mut one = open(settings);
        let mut parts: Vec<Detector> = (0..3).map(|_| open(settings)).collect();
        let (mut alone, mut shared) = (Vec::new(), Vec::new());
        while !lines.is_empty() {
            let line = lines.swap_remove(random.below(lines.len()));
            alone.extend(one.detect(line.as_bytes()).unwrap_or_default());
            shared.extend(parts[random.below(3)].detect(line.as_bytes()).unwrap_or_default());
        }
        let mut merged = open(settings);
        for part in &parts {
            shared.extend(merged.merge_state(&part.save_state()).unwrap());
        }
        let ids = |findings: &[Finding], of_new_terms: bool| -> BTreeSet<String> {
            let kept = |f: &&Finding| f.rule.starts_with("account-discovery-rare") == of_new_terms
                && !["discovery-then-exit", "organization-discovery-wide"].contains(&&*f.rule);
            findings.iter().filter(kept).map(|f| f.id.clone()).collect()
        };
        prop_assert!(ids(&alone, false) == ids(&shared, false));
        prop_assert!(ids(&alone, true).len() <= ids(&shared, true).len());
    }
}
