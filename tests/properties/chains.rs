//! Chains: floods of refused attempts beside what was done.

use std::collections::BTreeSet;

use orgwatch::detector::Detector;
use orgwatch::finding::{Finding, Outcome};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::Random;
use crate::{capped, open};

/// An event in one of three accounts; some of the accounts are named by what is done, and some by whose
/// trail it is in.
pub(crate) fn in_account(
    id: usize,
    name: &str,
    second: usize,
    account: usize,
    more: Value,
) -> Value {
    let account = format!("{}", 444_455_556_660 + account);
    let mut event = json!({
        "eventID": format!("{name} {id}"), "eventName": name, "recipientAccountId": account,
        "eventSource": "organizations.amazonaws.com", "sourceIPAddress": "203.0.113.7",
        "eventTime": format!("2026-06-01T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60),
        "userIdentity": {"type": "IAMUser", "accountId": account, "userName": "ops",
            "arn": format!("arn:aws:iam::{account}:user/ops")},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        event[key] = match value.as_str() {
            Some("account") => json!(account),
            _ => serde_json::from_str(&value.to_string().replace("@account", &account)).unwrap(),
        };
    }
    event
}

/// Events that lead to exits, and exits: few enough of each rule that all are remembered.
pub(crate) fn a_takeover(random: &mut Random, caps: usize) -> Vec<Value> {
    let kinds: [(&str, Value); 8] = [
        (
            "ConsoleLogin",
            json!({"eventSource": "signin.amazonaws.com",
            "userIdentity": {"type": "Root", "accountId": "@account"},
            "responseElements": {"ConsoleLogin": "Success"}}),
        ),
        ("StopLogging", json!({"eventSource": "cloudtrail.amazonaws.com"})),
        ("ListAccounts", json!({})),
        (
            "AcceptHandshake",
            json!({"responseElements": {"handshake": {"action": "INVITE",
            "arn": "arn:aws:organizations::999999999999:handshake/o-elsewhere26/invite/h-1"}}}),
        ),
        ("LeaveOrganization", json!({})),
        (
            "AccountDepartedOrganization",
            json!({"serviceEventDetails":
            {"accountId": "@account", "departureMethod": "LEFT"}}),
        ),
        (
            "RemoveAccountFromOrganization",
            json!({"requestParameters": {"accountId": ["@account", "444455556661"]}}),
        ),
        ("CloseAccount", json!({"requestParameters": {"accountId": "@account"}})),
    ];
    let mut events = Vec::new();
    for (name, more) in kinds {
        for id in 0..random.below(caps + 1) {
            let (second, account) = (random.below(80_000), random.below(3));
            events.push(in_account(id, name, second, account, more.clone()));
        }
    }
    events
}

/// The rule and id of each chain that something completed which was done, and not refused.
fn done(findings: &[Finding]) -> BTreeSet<(String, String)> {
    let chains = findings.iter().filter(|finding| !finding.parts.is_empty());
    chains
        .filter(|finding| finding.outcome == Outcome::Success)
        .map(|finding| (finding.rule.to_string(), finding.id.clone()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// However many attempts are refused, whatever comes late, and in however many detectors: none is
    /// missing of the chains that actual exits complete alone, in the order of their times.
    #[test]
    fn no_flood_of_refused_attempts_hides_an_exit(seed in any::<u64>(), steps in 1..8usize) {
        let mut random = Random::new(seed);
        let settings = capped(100_000, 100_000, steps, 100_000)
            .replace("\"off\"", "\"on\"");
        let mut takeover = a_takeover(&mut random, steps);
        takeover.sort_by_key(|event| event["eventTime"].to_string());
        let mut quiet = open(&settings);
        let mut alone = Vec::new();
        for event in &takeover {
            alone.extend(quiet.detect(event.to_string().as_bytes()).unwrap());
        }
        let mut all = takeover;
        for id in 0..random.below(400) {
            let error = json!({"errorCode": "AccessDenied"});
            let name = *random.pick(&["LeaveOrganization", "LeaveOrganization", "AccountDepartedOrganization"]);
            let more = match name {
                "LeaveOrganization" => error,
                _ => json!({"errorCode": "AccessDenied", "serviceEventDetails":
                    {"accountId": "@account", "departureMethod": "LEFT"}}),
            };
            all.push(in_account(id + 1000, name, random.below(80_000), random.below(3), more));
        }
        let mut flooded = Vec::new();
        let mut detectors: Vec<Detector> = (0..3).map(|_| open(&settings)).collect();
        let shared = random.below(3) + 1;
        while !all.is_empty() {
            let event = all.swap_remove(random.below(all.len())).to_string();
            let detector = &mut detectors[random.below(shared)];
            flooded.extend(detector.detect(event.as_bytes()).unwrap());
        }
        let mut merged = open(&settings);
        for detector in &detectors {
            flooded.extend(merged.merge_state(&detector.save_state()).unwrap());
        }
        // What is new depends on what came first.
        let kept = |mut ends: BTreeSet<(String, String)>| {
            ends.retain(|(rule, _)| rule != "discovery-then-exit");
            ends
        };
        let (alone, with_flood) = (kept(done(&alone)), kept(done(&flooded)));
        prop_assert!(with_flood.is_superset(&alone), "{alone:?} {with_flood:?}");
        // An exit may confirm an attempt: a chain that is there only with the flood names one.
        let refused: BTreeSet<&str> = flooded
            .iter()
            .filter(|finding| finding.parts.is_empty() && finding.outcome != Outcome::Success)
            .map(|finding| finding.id.as_str())
            .collect();
        for (_, id) in with_flood.difference(&alone) {
            let chain = flooded.iter().find(|finding| finding.id == *id);
            let names_one = |parts: &[String]| parts.iter().any(|part| refused.contains(part.as_str()));
            prop_assert!(chain.is_some_and(|chain| names_one(&chain.parts)), "{id}");
        }
    }
}
