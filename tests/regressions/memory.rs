//! Memory: what it forgets first, and what it must not depend on.

use std::collections::BTreeSet;

use super::*;

fn ids(findings: &[Finding]) -> BTreeSet<(String, String)> {
    findings.iter().map(|finding| (finding.rule.to_string(), finding.id.clone())).collect()
}

/// A step that had to go had first dropped others by its time, or not, as it came first or last.
#[test]
fn what_is_forgotten_does_not_depend_on_the_order() {
    let in_account =
        |account: &str| json!({"recipientAccountId": account, "errorCode": "AccessDenied"});
    let newer = leave(1, "2026-06-05T04:00:00Z", in_account(ACCOUNT));
    let elsewhere = leave(2, "2026-06-09T08:00:00Z", in_account("222222222222"));
    let root = root_signs_in("2026-06-03T22:00:00Z");
    let exit = leave(3, "2026-06-04T08:00:00Z", json!({}));
    let settings = r#"{"late": "0s", "memory": {"steps": 1}}"#;
    let one = [newer.clone(), elsewhere.clone(), root.clone(), exit.clone()];
    let other = [newer, root, elsewhere, exit];
    let found = ids(&detect(settings, &one));
    assert_eq!(ids(&detect(settings, &other)), found);
    assert!(found.iter().any(|(rule, _)| rule == "power-then-exit"));
}

fn policy(id: &str, time: &str, kind: &str) -> Value {
    event(
        0,
        "UpdatePolicy",
        "organizations",
        time,
        json!({
        "eventID": format!("{id} {time}"), "requestParameters": {"policyId": id},
        "responseElements": {"policy": {"policySummary": {"id": id, "type": kind}}}}),
    )
}

fn detached(id: &str) -> Value {
    event(
        0,
        "DetachPolicy",
        "organizations",
        "2026-07-01T00:00:00Z",
        json!({
        "eventID": id, "requestParameters": {"policyId": id, "targetId": "r-1"}}),
    )
}

/// The policy with the least hash was forgotten, which could be the one just seen.
#[test]
fn the_policy_of_the_oldest_event_is_forgotten_first() {
    let names: Vec<String> = (0..20).map(|n| format!("p-0000{n:04}")).collect();
    for newest in &names {
        let mut events: Vec<Value> =
            names.iter().map(|name| policy(name, "2026-01-01T00:00:00Z", "TAG_POLICY")).collect();
        events.insert(7, policy(newest, "2026-06-01T00:00:00Z", "TAG_POLICY"));
        events.push(detached(newest));
        let found = detect(r#"{"memory": {"policies": 1}}"#, &events);
        let removed = found.iter().find(|finding| finding.rule == "organization-policy-removed");
        assert_eq!(removed.unwrap().severity.as_str(), "low", "{newest}");
    }
}

/// Which type a policy has was learned only from events that a rule about IAM policies wanted.
#[test]
fn a_rule_that_is_off_does_not_make_another_forget_policies() {
    let created = event(
        1,
        "CreatePolicy",
        "organizations",
        "2026-06-01T12:00:00Z",
        json!({
        "requestParameters": {"type": "BACKUP_POLICY"},
        "responseElements": {"policy": {"policySummary": {"id": "p-abcdefgh12"}}}}),
    );
    let events = [created, detached("p-abcdefgh12")];
    for settings in [
        "{}",
        r#"{"rules": {"leave-permission-granted": "off"}}"#,
        r#"{"rules": {"leave-permission-granted": "off", "organization-policy-changed": "off"}}"#,
    ] {
        let found = detect(settings, &events);
        assert_eq!(found.last().unwrap().severity.as_str(), "low", "{settings}");
    }
}

/// An event without a time counted as older than any.
#[test]
fn without_a_time_nothing_is_learning() {
    let settings = r#"{"learning_until": "2026-01-01T00:00:00Z"}"#;
    for (time, status) in [
        (json!("2025-12-31T00:00:00Z"), Status::Learning),
        (json!("2026-06-01T00:00:00Z"), Status::New),
        (json!("yesterday"), Status::New),
        (json!(null), Status::New),
        (json!({}), Status::New),
    ] {
        let listed = event(1, "ListAccounts", "organizations", "", json!({"eventTime": time}));
        let found = detect(settings, &[listed]);
        assert_eq!(found[0].rule, "account-discovery-rare-identity");
        assert_eq!(found[0].status, status, "{time}");
    }
}

/// A memory that held as much as the settings allowed could not be loaded again.
#[test]
fn settings_allow_no_more_memory_than_can_be_loaded_again() {
    for part in ["events", "terms", "steps", "policies"] {
        let open = |most: u64| Detector::open(&json!({"memory": {part: most}}).to_string());
        assert!(open(10_000_000).is_err(), "{part}");
        assert!(open(1_000).is_ok(), "{part}");
    }
}
