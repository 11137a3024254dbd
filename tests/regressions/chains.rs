//! Chains: what completes them, for whom, and who approved it.

use super::*;

const OTHER: &str = "555566667777";

fn of<'a>(findings: &'a [Finding], rule: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|finding| finding.rule == rule).collect()
}

fn refused(count: usize) -> Vec<Value> {
    let denied = json!({"errorCode": "AccessDenied"});
    let time = |id| format!("2026-06-01T12:{:02}:{:02}Z", id / 60, id % 60);
    (0..count).map(|id| leave(id + 1000, &time(id), denied.clone())).collect()
}

/// Only the first hundred attempts were looked at when what led to them came late, and the exit was
/// behind them.
#[test]
fn the_exit_is_not_behind_the_refused_attempts_when_power_comes_late() {
    let exit = leave(1, "2026-06-01T13:00:00Z", json!({}));
    let mut events = refused(400);
    events.push(exit.clone());
    events.push(root_signs_in("2026-06-01T11:00:00Z"));
    let found = detect("{}", &events);
    let left = of(&found, "member-left-organization")[0].id.clone();
    let chains = of(&found, "power-then-exit");
    assert!(chains.iter().any(|chain| chain.parts.contains(&left)));
    // Of the attempts the newest are told.
    let last = "2026-06-01T12:06:39Z";
    assert!(chains.iter().any(|chain| chain.last_seen.as_deref() == Some(last)));
    assert_eq!(chains.len(), 101);
    // In the order of their times, all.
    events.sort_by_key(|event| event["eventTime"].to_string());
    assert_eq!(of(&detect("{}", &events), "power-then-exit").len(), 401);
}

/// Refused attempts filled the room that steps of the same rule had.
#[test]
fn refused_attempts_do_not_push_out_what_was_done() {
    let departed = |id, time, more: Value| {
        let mut event = event(
            id,
            "AccountDepartedOrganization",
            "organizations",
            time,
            json!({
            "userIdentity": {"accountId": "111122223333", "invokedBy": "AWS Internal"},
            "serviceEventDetails": {"accountId": ACCOUNT, "departureMethod": "LEFT"}}),
        );
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    };
    let mut events = vec![departed(1, "2026-06-01T12:00:00Z", json!({}))];
    events
        .extend((2..9).map(|id| departed(id, "2026-06-01T12:00:01Z", json!({"errorCode": "no"}))));
    events.push(leave(10, "2026-06-01T12:00:02Z", json!({})));
    let found = detect(r#"{"memory": {"steps": 3}}"#, &events);
    let confirmed = of(&found, "departure-confirmed");
    assert!(confirmed.iter().any(|chain| chain.events.contains(&"1".into())));
}

/// An event that completes a chain for two accounts gave two findings with one id, and both named both.
#[test]
fn a_chain_that_one_event_completes_for_two_accounts_is_two_findings() {
    let root = |account: &str| {
        let mut event = root_signs_in("2026-06-01T11:00:00Z");
        event["eventID"] = account.into();
        event["recipientAccountId"] = account.into();
        event["userIdentity"]["accountId"] = account.into();
        event
    };
    let both = json!({"requestParameters": {"accountId": [ACCOUNT, OTHER]}});
    let time = "2026-06-01T12:00:00Z";
    let removed = event(7, "RemoveAccountFromOrganization", "organizations", time, both);
    let events = [root(ACCOUNT), root(OTHER), removed];
    let found = detect("{}", &events);
    let chains = of(&found, "power-then-exit");
    let accounts: Vec<_> = chains.iter().map(|chain| chain.account.as_deref().unwrap()).collect();
    assert_eq!(chains.len(), 2);
    assert!(accounts.contains(&ACCOUNT) && accounts.contains(&OTHER));
    assert_ne!(chains[0].id, chains[1].id);
    assert!(chains.iter().all(|chain| chain.summary.contains(chain.account.as_deref().unwrap())));
    // The same ids in another order, merged, and told again.
    let ids = |found: &[Finding]| {
        let mut ids: Vec<String> =
            of(found, "power-then-exit").iter().map(|f| f.id.clone()).collect();
        ids.sort();
        ids
    };
    let [first, second, third] = events;
    let reversed = [third, second, first];
    assert_eq!(ids(&detect("{}", &reversed)), ids(&found));
    let mut one = Detector::open("{}").unwrap();
    one.detect_batch(reversed[0].to_string().as_bytes());
    let mut other = Detector::open("{}").unwrap();
    for event in &reversed[1..] {
        other.detect_batch(event.to_string().as_bytes());
    }
    assert_eq!(ids(&other.merge_state(&one.save_state()).unwrap()), ids(&found));
    let again = other.detect(reversed[0].to_string().as_bytes()).unwrap();
    assert_eq!(ids(&again), ids(&found));
    assert!(again.iter().all(|finding| finding.repeat));
}

/// The principal's ARN was cut before approvals were looked at for the chain.
#[test]
fn a_chain_is_approved_like_the_finding_that_completes_it_however_long_the_arn() {
    let role = format!("arn:aws:iam::{ACCOUNT}:role/{}/migration", "a".repeat(500));
    let settings = |rules: Value| {
        json!({"approvals": [{"reason": "MIGR-1", "principals": [role], "rules": rules,
            "until": "2027-01-01T00:00:00Z"}]})
        .to_string()
    };
    let identity = json!({"userIdentity": {"type": "AssumedRole", "accountId": ACCOUNT,
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/migration/x"),
        "sessionContext": {"sessionIssuer": {"arn": role}}}});
    let exit = leave(1, "2026-06-01T12:00:00Z", identity);
    let events = [root_signs_in("2026-06-01T11:00:00Z"), exit];
    for (rules, of_exit, of_chain) in [
        (json!(["*"]), Status::Approved, Status::Approved),
        (json!(["member-left-organization"]), Status::Approved, Status::Approved),
        (json!(["power-then-exit"]), Status::New, Status::Approved),
        (json!(["root-signed-in"]), Status::New, Status::New),
    ] {
        for events in
            [[events[0].clone(), events[1].clone()], [events[1].clone(), events[0].clone()]]
        {
            let found = detect(&settings(rules.clone()), &events);
            assert_eq!(of(&found, "member-left-organization")[0].status, of_exit, "{rules}");
            let chain = of(&found, "power-then-exit")[0];
            assert_eq!(chain.status, of_chain, "{rules}");
            if of_chain == Status::Approved {
                assert_eq!(chain.status_reason.as_deref(), Some("MIGR-1"));
            }
        }
    }
}

/// An approval for one organization does not approve that the account goes over to another.
#[test]
fn an_approval_of_an_organization_does_not_approve_the_chain_to_another() {
    let accepted = |to: Option<&str>| {
        let arn =
            to.map(|to| format!("arn:aws:organizations::999999999999:handshake/{to}/invite/h-1"));
        event(
            2,
            "AcceptHandshake",
            "organizations",
            "2026-06-01T11:59:00Z",
            json!({
            "responseElements": {"handshake": {"id": "h-1", "action": "INVITE", "arn": arn}}}),
        )
    };
    let settings = json!({"approvals": [{"reason": "MIGR-1", "until": "2027-01-01T00:00:00Z",
        "principals": [format!("arn:aws:sts::{ACCOUNT}:assumed-role/ops/x")],
        "organizations": ["o-newhome2026"]}]})
    .to_string();
    let exit = leave(1, "2026-06-01T12:00:00Z", json!({}));
    for (to, status) in [
        (Some("o-newhome2026"), Status::Approved),
        (Some("o-elsewhere26"), Status::New),
        (None, Status::New),
    ] {
        let found = detect(&settings, &[accepted(to), exit.clone()]);
        assert_eq!(of(&found, "member-left-organization")[0].status, Status::Approved);
        let chain = of(&found, "exit-to-another-organization");
        assert_eq!(chain[0].status, status, "{to:?}");
    }
}

/// Fifty departures after it, the invitation that says where the account went was no part any more.
#[test]
fn a_flood_in_one_member_does_not_hide_the_others_from_the_finding() {
    let accepted = event(
        1,
        "AcceptHandshake",
        "organizations",
        "2026-06-01T12:00:00Z",
        json!({
        "responseElements": {"handshake": {"id": "h-1", "action": "INVITE",
            "arn": "arn:aws:organizations::999999999999:handshake/o-elsewhere26/invite/h-1"}}}),
    );
    let exits = (2..80)
        .map(|id| leave(id, &format!("2026-06-01T12:{:02}:{:02}Z", id / 60, id % 60), json!({})));
    let events: Vec<Value> = [accepted].into_iter().chain(exits).collect();
    let found = detect("{}", &events);
    for chain in of(&found, "exit-to-another-organization") {
        assert_eq!(chain.destination_organization.as_deref(), Some("o-elsewhere26"));
        assert!(chain.parts.len() <= 50);
    }
}
