//! Which findings alert: one for each class of an incident, and each exit.

use std::collections::{BTreeMap, BTreeSet};

use orgwatch::detector::Detector;
use orgwatch::finding::{Finding, Outcome, Status};
use orgwatch::rules::builtin_pack;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::chains::{a_takeover, in_account};
use crate::memory::{all_records, cap};
use crate::open;
use crate::support::Random;

type Class = (String, &'static str, String);

/// The calls by which an account goes out.
const EXITS: [&str; 4] =
    ["member-left-organization", "account-removed", "account-closed", "organization-deleted"];

fn class(finding: &Finding) -> Class {
    let stage = builtin_pack().about(&finding.rule).unwrap().group.clone();
    (finding.incident.clone(), finding.severity.as_str(), stage)
}

fn is_exit(finding: &Finding) -> bool {
    EXITS.contains(&finding.rule.as_str()) && finding.outcome == Outcome::Success
}

fn new(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.status == Status::New)
}

/// Records in an order of chance.
fn shuffled(mut records: Vec<Value>, random: &mut Random) -> Vec<String> {
    let mut lines = Vec::new();
    while !records.is_empty() {
        lines.push(records.swap_remove(random.below(records.len())).to_string());
    }
    lines
}

fn run(detector: &mut Detector, lines: &[String]) -> Vec<Finding> {
    lines.iter().flat_map(|line| detector.detect(line.as_bytes()).unwrap_or_default()).collect()
}

/// New alerts of a class that are no exits, the most of any class.
fn most_alerts(findings: &[Finding]) -> usize {
    let mut of_class: BTreeMap<Class, BTreeSet<&str>> = BTreeMap::new();
    let counted = |finding: &&Finding| !is_exit(finding) && finding.rule != "account-departed";
    for finding in new(findings).filter(counted) {
        of_class.entry(class(finding)).or_default().insert(&finding.id);
    }
    of_class.values().map(BTreeSet::len).max().unwrap_or_default()
}

/// What holds of the findings of one or more detectors together.
fn holds(findings: &[Finding]) -> Result<(), TestCaseError> {
    let alerted: BTreeSet<Class> = new(findings).map(class).collect();
    let out: BTreeSet<&str> = findings
        .iter()
        .filter(|finding| is_exit(finding))
        .flat_map(|finding| finding.account.as_deref().unwrap_or_default().split(", "))
        .collect();
    for finding in findings {
        prop_assert!(alerted.contains(&class(finding)), "a class without an alert: {finding:?}");
        if is_exit(finding) {
            prop_assert_eq!(finding.status, Status::New);
        }
        let account = finding.account.as_deref().unwrap_or_default();
        if finding.rule == "account-departed" && !out.contains(account) {
            prop_assert_eq!(finding.status, Status::New);
        }
        if finding.status == Status::FollowUp {
            let reason = finding.status_reason.as_deref().unwrap_or_default();
            // The same event may weigh less where what makes it weigh more is not remembered.
            let openers = new(findings).filter(|one| reason.starts_with(&one.id)).map(class);
            let of_stage = |(incident, _, stage): Class| (incident, stage);
            let stages: Vec<_> = openers.map(of_stage).collect();
            prop_assert!(stages.contains(&of_stage(class(finding))), "{finding:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However low the caps, in any order, and after any merge: findings have the same ids and incidents,
    /// each exit alerts, and each class does; with room for its alerts, a detector alerts once for a class.
    #[test]
    fn each_class_alerts_and_each_exit_does(
        seed in any::<u64>(),
        caps in [cap(), cap(), cap(), cap(), cap()],
    ) {
        let [events, terms, steps, policies, alerts] = caps;
        let settings = json!({
            "memory": {"events": events, "terms": terms, "steps": steps, "policies": policies,
                "alerts": alerts},
            // What is new to somebody depends on the order.
            // So does which accounts a sweep has reached when it is complete.
            "rules": {
                "account-discovery-rare-identity": "off",
                "organization-discovery-wide": "off",
                "member-role-sweep": "off",
            },
        });
        let settings = settings.to_string();
        let mut random = Random::new(seed);
        let mut records: Vec<Value> = all_records(&mut random)
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        records.extend(a_takeover(&mut random, 4));
        let lines = shuffled(records.clone(), &mut random);
        let mut one = open(&settings);
        let alone = run(&mut one, &lines);
        holds(&alone)?;
        if alerts > 1000 {
            prop_assert!(most_alerts(&alone) <= 1);
        }

        let mut parts: Vec<Detector> = (0..3).map(|_| open(&settings)).collect();
        let mut shared = Vec::new();
        for line in shuffled(records, &mut random) {
            let which = random.below(3);
            shared.extend(parts[which].detect(line.as_bytes()).unwrap_or_default());
            if random.below(20) == 0 {
                let state = parts[random.below(3)].save_state();
                shared.extend(parts[which].merge_state(&state).unwrap());
            }
        }
        let mut merged = open(&settings);
        for part in &parts {
            shared.extend(merged.merge_state(&part.save_state()).unwrap());
        }
        holds(&shared)?;
        if steps > 1000 && policies > 1000 {
            let ids = |findings: &[Finding]| -> BTreeSet<(String, String, Option<String>)> {
                let id = |f: &Finding| (f.id.clone(), f.incident.clone(), f.incident_before.clone());
                // Chains are held to the laws of merging elsewhere: one may begin with what is new to somebody.
                findings.iter().filter(|finding| finding.parts.is_empty()).map(id).collect()
            };
            let (alone_ids, shared_ids) = (ids(&alone), ids(&shared));
            let differ = alone_ids.symmetric_difference(&shared_ids).next();
            let all = || alone.iter().chain(&shared);
            let differ = differ.and_then(|(id, ..)| all().find(|finding| finding.id == *id));
            prop_assert!(differ.is_none(), "{:?}", differ.map(|it| (&it.rule, &it.severity, &it.details)));
        }
    }

    /// What comes again alerts again, and nothing else does, whatever came between.
    #[test]
    fn a_batch_that_comes_again_alerts_again(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let lines = shuffled(a_takeover(&mut random, 4), &mut random);
        let mut detector = open("{}");
        let alerts = |findings: &[Finding]| -> BTreeSet<String> {
            new(findings).map(|finding| finding.id.clone()).collect()
        };
        let first = run(&mut detector, &lines);
        let mut loaded = open("{}");
        loaded.merge_state(&detector.save_state()).unwrap();
        let again = alerts(&run(&mut loaded, &lines));
        prop_assert!(again.is_superset(&alerts(&first)));
        prop_assert_eq!(alerts(&run(&mut loaded, &lines)), again);
    }
}

/// Refused attempts to leave, within a day, and the exit.
fn a_flood(attempts: usize, random: &mut Random) -> Vec<Value> {
    let refused = json!({"errorCode": "AccessDenied"});
    let mut events: Vec<Value> = (0..attempts)
        .map(|id| in_account(id, "LeaveOrganization", random.below(86_400), 0, refused.clone()))
        .collect();
    events.push(in_account(attempts, "LeaveOrganization", 80_000, 0, json!({})));
    events
}

#[test]
fn ten_thousand_refused_attempts_bury_no_exit() {
    let mut random = Random::new(7);
    for order in 0..3 {
        let mut events = a_flood(10_000, &mut random);
        match order {
            0 => {}
            1 => events.reverse(),
            _ => {
                let lines = shuffled(events, &mut random);
                events = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            }
        }
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        let found = run(&mut open("{}"), &lines);
        assert!(found.len() > 10_000);
        let alerts: Vec<&str> = new(&found).map(|finding| finding.rule.as_str()).collect();
        assert!(alerts.len() <= 3 && alerts.contains(&"member-left-organization"), "{alerts:?}");
    }
}

fn sample() -> Vec<String> {
    include_str!("../../samples/incident.ndjson").lines().map(str::to_owned).collect()
}

const SETTINGS: &str = r#"{"management_account":"111122223333","organization":"o-h7k2m9x4qd"}"#;

#[test]
fn the_sample_incident_alerts_a_few_times() {
    let mut random = Random::new(7);
    let records: Vec<Value> =
        sample().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for order in 0..20 {
        let lines = match order {
            0 => sample(),
            _ => shuffled(records.clone(), &mut random),
        };
        let found = run(&mut open(SETTINGS), &lines);
        // Two accounts go: one leaves, and one goes over by accepting an invitation.
        let incidents: BTreeSet<&str> = found.iter().map(|finding| &finding.incident[..]).collect();
        for incident in incidents {
            let alerts: Vec<&Finding> =
                new(&found).filter(|finding| finding.incident == incident).collect();
            let high = ["high", "critical"];
            let high = alerts.iter().filter(|finding| high.contains(&finding.severity.as_str()));
            // Of the same class, a little more may alert where it comes before what outweighs it.
            let more = if order == 0 { 0 } else { 3 };
            assert!(alerts.len() <= 7 + more, "{}", alerts.len());
            assert!(high.count() <= 5 + more);
        }
        assert!(new(&found).any(|finding| finding.rule == "member-left-organization"));
    }
}

#[test]
fn two_routers_that_saw_half_each_alert_at_most_twice_for_a_class() {
    let incidents = |findings: &[Finding]| -> BTreeSet<String> {
        findings.iter().map(|finding| finding.incident.clone()).collect()
    };
    let alone = run(&mut open(SETTINGS), &sample());
    let mut random = Random::new(7);
    for _ in 0..20 {
        let mut routers = [open(SETTINGS), open(SETTINGS)];
        let mut found = Vec::new();
        for line in sample() {
            found.extend(routers[random.below(2)].detect(line.as_bytes()).unwrap_or_default());
        }
        let states = routers.each_ref().map(Detector::save_state);
        found.extend(routers[0].merge_state(&states[1]).unwrap());
        assert_eq!(incidents(&found), incidents(&alone));
        let mut alerts: BTreeMap<Class, usize> = BTreeMap::new();
        for finding in &found {
            // An exit alerts always.
            if !is_exit(finding) {
                *alerts.entry(class(finding)).or_default() +=
                    usize::from(finding.status == Status::New);
            }
        }
        let exits: BTreeSet<Class> = found.iter().filter(|it| is_exit(it)).map(class).collect();
        for (class, count) in &alerts {
            assert!(*count <= 2 && (*count > 0 || exits.contains(class)), "{class:?}: {count}");
        }
    }
}
