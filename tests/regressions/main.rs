//! Faults of the past, each test named for one.

mod approvals;
mod chains;
mod envelopes;
mod fields;
mod memory;
mod packs;
mod silence;
mod times;
mod trust;

use orgwatch::detector::Detector;
use orgwatch::finding::{Finding, Status};
use serde_json::{Value, json};

const ACCOUNT: &str = "444455556666";

fn event(id: usize, name: &str, source: &str, time: &str, more: Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.11", "eventID": format!("{id}"), "eventTime": time, "eventName": name,
        "eventSource": format!("{source}.amazonaws.com"), "sourceIPAddress": "203.0.113.7",
        "userAgent": "Boto3/1.40.55", "recipientAccountId": ACCOUNT,
        "userIdentity": {"type": "AssumedRole", "accountId": ACCOUNT, "principalId": "AROA:x",
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/ops/x"),
            "sessionContext": {"sessionIssuer": {"userName": "ops"}}},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        event[key] = value.clone();
    }
    event
}

fn leave(id: usize, time: &str, more: Value) -> Value {
    event(id, "LeaveOrganization", "organizations", time, more)
}

fn root_signs_in(time: &str) -> Value {
    let root = json!({"userIdentity": {"type": "Root", "accountId": ACCOUNT},
        "responseElements": {"ConsoleLogin": "Success"}});
    event(0, "ConsoleLogin", "signin", time, root)
}

fn detect(settings: &str, events: &[Value]) -> Vec<Finding> {
    let mut detector = Detector::open(settings).unwrap();
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let found = detector.detect_batch(lines.join("\n").as_bytes()).findings;
    found.into_iter().map(|located| located.finding).collect()
}

fn rules(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| &*finding.rule).collect()
}

/// Each attempt looked at every earlier one, for each later one: the cube of a flood.
#[test]
fn a_flood_of_attempts_does_not_hide_the_exit() {
    let denied = json!({"errorCode": "AccessDenied"});
    let second = "2026-06-01T12:00:00Z";
    let mut events = vec![root_signs_in("2026-06-01T11:00:00Z")];
    events.extend((1..4000).map(|id| leave(id, second, denied.clone())));
    events.push(leave(9999, "2026-06-01T12:00:01Z", json!({})));
    let found = detect("{}", &events);
    let ended = found.iter().filter(|finding| finding.rule == "power-then-exit").count();
    assert_eq!(ended, 4000, "every attempt, and the exit");
    // In the opposite order each attempt comes before all that were seen.
    events.reverse();
    assert!(rules(&detect("{}", &events)).contains(&"power-then-exit"));
}

/// The newest event of all set how far back chains looked.
#[test]
fn a_far_future_event_of_another_account_does_not_end_chains() {
    let other = json!({"recipientAccountId": "210987654321", "errorCode": "AccessDenied"});
    let found = detect(
        "{}",
        &[
            root_signs_in("2026-06-01T11:00:00Z"),
            leave(1, "9999-12-31T00:00:00Z", other),
            leave(2, "2026-06-01T12:00:00Z", json!({})),
        ],
    );
    assert!(rules(&found).contains(&"power-then-exit"));
}

/// All steps shared one bound, and read-only calls filled it.
#[test]
fn discovery_does_not_push_out_the_steps_of_other_chains() {
    let mut events = vec![root_signs_in("2026-06-01T11:00:00Z")];
    let elsewhere = json!({"userIdentity": {"type": "IAMUser", "accountId": "210987654321",
        "userName": "a", "arn": "arn:aws:iam::210987654321:user/a"}});
    events.extend((1..300).map(|id| {
        event(id, "ListRoots", "organizations", "2026-06-01T11:30:00Z", elsewhere.clone())
    }));
    events.push(leave(9999, "2026-06-01T12:00:00Z", json!({})));
    let found = detect(r#"{"memory": {"steps": 50}}"#, &events);
    assert!(rules(&found).contains(&"power-then-exit"));
}

/// A pipeline that writes an empty error turned an exit into a refused attempt.
#[test]
fn an_empty_error_is_none() {
    for empty in [json!(""), json!(null), json!([]), json!({})] {
        let error = json!({"errorCode": empty, "errorMessage": empty});
        let found = detect("{}", &[leave(1, "2026-06-01T12:00:00Z", error)]);
        assert_eq!(rules(&found), ["member-left-organization"]);
    }
}

/// An approval by account covered whoever's ARN was missing.
#[test]
fn an_approval_needs_its_principal() {
    let settings = json!({"approvals": [{"reason": "MIGR-1", "until": "2027-01-01T00:00:00Z",
        "principals": ["arn:aws:iam::*:role/migration"], "accounts": [ACCOUNT]}]})
    .to_string();
    for identity in [
        json!({"type": "IAMUser", "userName": "mallory", "accessKeyId": "AKIA"}),
        json!({"type": "Root", "principalId": ACCOUNT}),
        json!("{type=Root, arn=x}"),
        json!({}),
    ] {
        let event = leave(1, "2026-06-01T12:00:00Z", json!({"userIdentity": identity}));
        assert_eq!(detect(&settings, &[event])[0].status, Status::New, "{identity}");
    }
}

/// Paths were copied for each of the children below a long key.
#[test]
fn a_record_without_an_id_is_hashed_in_one_pass() {
    let children: serde_json::Map<String, Value> =
        (0..20_000).map(|n| (format!("k{n}"), json!(n))).collect();
    let parameters = json!({"k".repeat(100_000): children});
    let mut event = leave(1, "2026-06-01T12:00:00Z", json!({"requestParameters": parameters}));
    event.as_object_mut().unwrap().remove("eventID");
    assert_eq!(rules(&detect("{}", &[event])), ["member-left-organization"]);
}

/// The first key that wrapped anything was believed.
#[test]
fn another_wrapper_beside_an_empty_one_is_looked_into() {
    let record = leave(1, "2026-06-01T12:00:00Z", json!({})).to_string();
    for wrapper in [
        json!({"message": {"x": 1}, "log": record}),
        json!({"event": {"original": "{}"}, "message": record}),
        json!({"detail": {}, "message": record}),
        json!({"Records": [], "message": record}),
    ] {
        assert_eq!(rules(&detect("{}", &[wrapper])), ["member-left-organization"]);
    }
}

/// Memory from before a rule was turned off completed chains with it.
#[test]
fn a_rule_that_is_off_feeds_no_chain_from_an_older_memory() {
    let mut before = Detector::open("{}").unwrap();
    before.detect_batch(root_signs_in("2026-06-01T11:00:00Z").to_string().as_bytes());
    let exit = leave(1, "2026-06-01T12:00:00Z", json!({})).to_string();
    for (settings, chains) in [("{}", 1), (r#"{"rules":{"root-signed-in":"off"}}"#, 0)] {
        let mut after = Detector::open(settings).unwrap();
        after.merge_state(&before.save_state()).unwrap();
        let found = after.detect_batch(exit.as_bytes()).findings;
        let ended = found.iter().filter(|one| one.finding.rule == "power-then-exit").count();
        assert_eq!(ended, chains, "{settings}");
    }
}
