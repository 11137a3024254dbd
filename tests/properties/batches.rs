//! Batches: screened first, given again, taken apart, and with a rule that is off.

use std::collections::BTreeSet;

use orgwatch::finding::Finding;
use serde_json::{Value, json};

use crate::support::{self, Case};
use crate::{all_cases, batch, open, shown};

#[test]
fn screening_first_finds_the_same() {
    let mut everything = all_cases();
    everything
        .extend(b"{\"eventName\": broken\n\n\xff\xfe\n{\"a\":1}\n{\"awslogs\":{\"data\":\"\"}}\n");
    let (all, _, counts) = batch(&mut open("{}"), &everything);
    let mut detector = open("{}");
    let screened = detector.screen(&everything);
    let mut passed = Vec::new();
    for span in &screened.spans {
        let start = span.offset as usize;
        passed.extend(&everything[start..start + span.length as usize]);
        passed.push(b'\n');
    }
    let (found, _, rest) = batch(&mut detector, &passed);
    assert_eq!(shown(&found), shown(&all));
    assert_eq!(screened.counts.events + rest.events, counts.events);
    assert_eq!(screened.counts.unreadable + rest.unreadable, counts.unreadable);
}

#[test]
fn a_batch_that_comes_again_gives_its_findings_again_marked() {
    let events = all_cases();
    let mut detector = open("{}");
    let (first, ..) = batch(&mut detector, &events);
    let (second, ..) = batch(&mut detector, &events);
    assert!(second.iter().all(|finding| finding.repeat));
    let ids = |findings: &[Finding]| -> BTreeSet<String> {
        findings.iter().map(|finding| finding.id.clone()).collect()
    };
    assert_eq!(ids(&second), ids(&first));
}

#[test]
fn a_line_alone_and_in_a_batch_gives_the_same() {
    for Case { events, settings, name, .. } in support::cases() {
        let (together, ..) = batch(&mut open(&settings), &events);
        let mut detector = open(&settings);
        let mut alone = Vec::new();
        for line in events.split(|byte| *byte == b'\n') {
            alone.extend(detector.detect(line).unwrap_or_default());
        }
        assert_eq!(shown(&alone), shown(&together), "{name}");
    }
}

/// The findings of a rule are its own, but for the chains that it feeds.
#[test]
fn a_rule_that_is_off_changes_no_other() {
    let events = all_cases();
    let found = |off: &[&str]| -> Vec<String> {
        let rules: serde_json::Map<String, Value> =
            off.iter().map(|slug| (slug.to_string(), json!("off"))).collect();
        let (found, ..) = batch(&mut open(&json!({"rules": rules}).to_string()), &events);
        let others = found.iter().filter(|finding| finding.parts.is_empty());
        let others = others.filter(|finding| !off.contains(&&*finding.rule));
        let text = |mut finding: Finding| {
            // Which finding of a class alerts depends on which of them there are.
            (finding.status, finding.status_reason) = Default::default();
            serde_json::to_string(&finding).unwrap()
        };
        others.cloned().map(text).collect()
    };
    let all = found(&[]);
    for rule in orgwatch::rules::builtin_pack().public() {
        let slug = rule.slug.as_str();
        let other = format!("\"rule\":\"{slug}\"");
        let expected: Vec<_> = all.iter().filter(|text| !text.contains(&other)).cloned().collect();
        assert_eq!(found(&[slug]), expected, "{slug}");
    }
}
