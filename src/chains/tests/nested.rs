//! Chains of chains, from the rules' text to the findings.

use std::sync::Arc;

use orgwatch_sigma::compile::{Attack, RuleFile, pack};
use serde_json::json;

use crate::detector::Detector;
use crate::finding::Finding;

/// A document of the pack, with what all have in common.
fn document(name: &str, more: &str) -> RuleFile {
    let number: usize = name.bytes().map(usize::from).sum();
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let yaml = format!(
        "title: {name}\nname: {name}\nid: {id}\ndescription: A test.\nlevel: low\n\
         falsepositives: [none]\n{more}\norgwatch: {{summary: It was., why: It is., triage: [Look.]}}\n"
    );
    RuleFile { path: format!("test/{name}.yml"), yaml }
}

fn rule(name: &str, event_name: &str) -> RuleFile {
    let detection = format!(
        "logsource: {{product: aws, service: cloudtrail}}\n\
         detection: {{it: {{eventSource: s3.amazonaws.com, eventName: {event_name}}}, condition: it}}"
    );
    document(name, &detection)
}

/// A user who lists three times gives a burst; a burst and then a deletion by the user is a theft; two
/// thefts at one address are a raid.
fn raids() -> Vec<RuleFile> {
    let burst = "correlation: {type: event_count, rules: [listed], group-by: [who, from], timespan: 1m, \
                 condition: {gte: 3}, aliases: {who: {listed: userIdentity.userName}, \
                 from: {listed: sourceIPAddress}}}";
    let theft = "correlation: {type: temporal_ordered, rules: [bursts, deleted], group-by: [user, ip], \
                 timespan: 10m, aliases: {user: {bursts: who, deleted: userIdentity.userName}, \
                 ip: {bursts: from, deleted: sourceIPAddress}}}";
    let raid = "correlation: {type: value_count, rules: [a-user-s-theft], group-by: [ip], timespan: 1h, \
                condition: {gte: 2, field: user}, generate: true}";
    vec![
        rule("listed", "ListBuckets"),
        rule("deleted", "DeleteBucket"),
        document("bursts", burst),
        document("a-user-s-theft", theft),
        document("a-raid-of-several", raid),
    ]
}

fn event(number: usize, name: &str, user: &str, second: usize) -> String {
    json!({
        "eventID": format!("{number}"), "eventName": name, "eventSource": "s3.amazonaws.com",
        "eventTime": format!("2026-06-01T12:{:02}:{:02}Z", second / 60, second % 60),
        "recipientAccountId": "444455556666", "sourceIPAddress": "203.0.113.7",
        "userIdentity": {"type": "IAMUser", "userName": user, "accountId": "444455556666"},
    })
    .to_string()
}

fn open(files: &[RuleFile]) -> Detector {
    let pack = pack(files, &Attack::default()).complete().unwrap();
    Detector::with_pack(Arc::new(pack), "{}").unwrap()
}

fn events() -> Vec<String> {
    let of = |user: &str, first: usize, at: usize| {
        let listed = (0..3).map(move |n| (first + n, "ListBuckets", at + n));
        let all = listed.chain([(first + 3, "DeleteBucket", at + 60)]);
        all.map(|(n, name, second)| event(n, name, user, second)).collect::<Vec<_>>()
    };
    [of("ann", 0, 0), of("bob", 10, 200)].concat()
}

fn told(found: Vec<Finding>) -> Vec<(String, String)> {
    let mut told: Vec<_> =
        found.into_iter().map(|finding| (finding.rule.to_string(), finding.id)).collect();
    told.sort();
    told
}

#[test]
fn a_chain_of_chains_is_told_once_in_any_order() {
    let events = events();
    let of = |events: &[String]| {
        let mut detector = open(&raids());
        let found = events.iter().flat_map(|event| detector.detect(event.as_bytes()).unwrap());
        told(found.collect())
    };
    let expected = of(&events);
    let rules: Vec<&str> = expected.iter().map(|(rule, _)| rule.as_str()).collect();
    // What others are made of is silent, unless they say `generate`.
    assert_eq!(rules, ["a-raid-of-several", "a-user-s-theft", "a-user-s-theft"]);
    for turn in 1..events.len() {
        let mut turned = events.clone();
        turned.rotate_left(turn);
        assert_eq!(of(&turned), expected, "{turn}");
        turned.reverse();
        assert_eq!(of(&turned), expected, "{turn} backwards");
    }
}

#[test]
fn a_chain_of_chains_is_completed_by_another_memory() {
    let events = events();
    let expected = {
        let mut detector = open(&raids());
        told(events.iter().flat_map(|event| detector.detect(event.as_bytes()).unwrap()).collect())
    };
    for split in 0..=events.len() {
        for every in 1..4 {
            let (mut one, mut other) = (open(&raids()), open(&raids()));
            let mut found = Vec::new();
            for (n, event) in events.iter().enumerate() {
                let detector = if n < split && n % every == 0 { &mut other } else { &mut one };
                found.extend(detector.detect(event.as_bytes()).unwrap());
            }
            found.extend(one.merge_state(&other.save_state()).unwrap());
            let mut all = told(found);
            all.dedup();
            assert_eq!(all, expected, "{split} {every}");
        }
    }
}

#[test]
fn a_batch_that_comes_again_gives_chains_of_chains_again() {
    let mut detector = open(&raids());
    let batch = events().join("\n");
    let of = |detector: &mut Detector| {
        let found = detector.detect_batch(batch.as_bytes()).findings.into_iter();
        let mut told = told(found.map(|located| located.finding).collect());
        told.dedup();
        told
    };
    let first = of(&mut detector);
    assert_eq!(of(&mut detector), first);
}

#[test]
fn what_a_chain_does_not_tie_ties_no_chain_of_it() {
    let mut files = raids();
    files[4].yaml = files[4].yaml.replace("group-by: [ip]", "group-by: [awsRegion]");
    let refusals = pack(&files, &Attack::default()).refusals;
    let text: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert!(text[0].contains("awsRegion is not among those of a-user-s-theft"), "{text:?}");
    let circle = |one: &str, other: &str| {
        let chain = format!(
            "correlation: {{type: event_count, rules: [{other}], timespan: 1m, condition: {{gte: 1}}}}"
        );
        document(one, &chain)
    };
    let circle = [circle("one", "other"), circle("other", "one")];
    let refusals = pack(&circle, &Attack::default()).refusals;
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    assert!(refusals[0].to_string().contains("in itself"), "{refusals:?}");
}

#[test]
fn every_comparison_counts() {
    for (condition, fires) in [
        ("gte: 2", vec![2, 3, 4, 5]),
        ("gt: 3", vec![4, 5]),
        ("lt: 3", vec![1, 2]),
        ("lte: 1", vec![1]),
        ("eq: 4", vec![4]),
        ("neq: 3", vec![1, 2, 4, 5]),
        ("gt: 1, lt: 5, neq: 3", vec![2, 4]),
    ] {
        let chain = format!(
            "correlation: {{type: event_count, rules: [listed], group-by: [recipientAccountId], timespan: 1h, \
             condition: {{{condition}}}}}"
        );
        let mut detector = open(&[rule("listed", "ListBuckets"), document("counted", &chain)]);
        let found = (1..6).filter(|n| {
            let event = event(*n, "ListBuckets", "ann", *n);
            !detector.detect(event.as_bytes()).unwrap().is_empty()
        });
        assert_eq!(found.collect::<Vec<_>>(), fires, "{condition}");
    }
    let never =
        "correlation: {type: event_count, rules: [listed], timespan: 1h, condition: {lt: 1}}";
    let files = [rule("listed", "ListBuckets"), document("never", never)];
    let refusals = pack(&files, &Attack::default()).refusals;
    assert!(refusals[0].to_string().contains("no count of 1 or more"), "{refusals:?}");
}

#[test]
fn a_condition_of_a_temporal_chain_is_not_passed_over() {
    for condition in ["{gte: 2}", "listed or deleted"] {
        let chain = format!(
            "correlation: {{type: temporal, rules: [listed, deleted], timespan: 1h, condition: {condition}}}"
        );
        let files = [
            rule("listed", "ListBuckets"),
            rule("deleted", "DeleteBucket"),
            document("both", &chain),
        ];
        let refusals = pack(&files, &Attack::default()).refusals;
        assert!(refusals[0].to_string().contains("a condition of its own"), "{refusals:?}");
    }
}
