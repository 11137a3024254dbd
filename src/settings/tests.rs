use super::*;

fn read(document: &str) -> Result<Settings, Vec<Problem>> {
    Settings::from_json(document, &crate::rules::builtin_pack())
}

fn problems(document: &str) -> Vec<String> {
    let problems = read(document).expect_err("it is wrong");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_wrong_is_named_at_once() {
    let found = problems(
        r#"{"management_account": 111122223333, "organization": "o-x",
            "trusted_organizations": ["o-abcdefghij", 7], "memory": {"events": 0}, "colour": 1,
            "rules": {"no-such-rule": "off", "account-closed": "sometimes"}, "late": "soon"}"#,
    );
    let paths: Vec<_> = found.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "colour",
            "late",
            "management_account",
            "memory.events",
            "organization",
            "rules.no-such-rule",
            "rules.account-closed",
            "trusted_organizations[1]"
        ]
    );
    assert_eq!(
        found[2],
        "management_account: 111122223333: an account number is 12 digits, in quotes"
    );
}

#[test]
fn fields_are_renamed_one_by_one() {
    let fine = r#"{"fields": {"event.action": "eventName", "user.id": "userIdentity.arn"}}"#;
    let fields = read(fine).unwrap().fields;
    assert_eq!(fields.get("event.action").map(String::as_str), Some("eventName"));
    let found =
        problems(r#"{"fields": {"a b": "eventName", "c": "x..y", "d": 1, "e|contains": "f"}}"#);
    let paths: Vec<_> = found.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
    assert_eq!(paths, ["fields.a b", "fields.c", "fields.d", "fields.e|contains"]);
    assert!(problems(r#"{"fields": ["eventName"]}"#)[0].starts_with("fields: "));
}

#[test]
fn an_empty_file_is_the_defaults() {
    assert_eq!(read("null").unwrap(), Settings::default());
}

#[test]
fn an_approval_says_who_until_when_and_why() {
    let found = problems(
        r#"{"approvals": [{"principals": ["*"], "rules": ["account-*", "acount-closed"],
            "accounts": ["1234"], "until": "next week"}]}"#,
    );
    let paths: Vec<_> = found.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "approvals[0].reason",
            "approvals[0].accounts[0]",
            "approvals[0].principals[0]",
            "approvals[0].rules[1]",
            "approvals[0].until"
        ]
    );
}

#[test]
fn an_approval_that_is_over_is_said_to_be() {
    let settings = read(
        r#"{"approvals": [{"reason": "MIGR-1", "principals": ["arn:aws:iam::*:role/migration"],
            "until": "2026-01-01T00:00:00Z"}]}"#,
    )
    .unwrap();
    let until = settings.approvals[0].until;
    assert_eq!(settings.warnings(until - 1), []);
    assert_eq!(settings.warnings(until)[0].path, "approvals[0].until");
}

#[test]
fn off_is_off_however_yaml_reads_it() {
    for written in [r#""off""#, "false", r#"{"mode": "off"}"#, r#"{"mode": false}"#] {
        let document = format!(r#"{{"rules": {{"account-closed": {written}}}}}"#);
        let settings = read(&document).unwrap();
        assert_eq!(settings.of_rule("account-closed").mode, Mode::Off, "{written}");
    }
}

#[test]
fn a_setting_without_an_effect_is_a_warning() {
    let settings = read(r#"{"late": "2h"}"#).unwrap();
    let warnings: Vec<_> = settings.warnings(0).into_iter().map(|one| one.path).collect();
    assert_eq!(warnings, ["late"]);
    assert!(Settings::default().warnings(0).is_empty());
}

/// All 37 slugs were told of one that was misspelt.
#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    for (document, told) in [
        (
            r#"{"rules": {"member-left-organisation": "off"}}"#,
            "did you mean member-left-organization?",
        ),
        (r#"{"learning_untill": "2026-01-01T00:00:00Z"}"#, "did you mean learning_until?"),
        (r#"{"memory": {"step": 5}}"#, "did you mean steps?"),
        (r#"{"memory": {"everything": 5}}"#, "there are events, terms, steps, policies, alerts"),
        (r#"{"rules": {"x": "off"}}"#, "`orgwatch rules` lists the rules"),
        (
            r#"{"approvals": [{"reason": "x", "until": "2027-01-01T00:00:00Z",
            "principals": ["arn:aws:iam::*:role/migration"], "rules": ["member-lef-organization"]}]}"#,
            "did you mean member-left-organization?",
        ),
    ] {
        let problems = read(document).unwrap_err();
        assert!(problems[0].problem.ends_with(told), "{problems:?}");
    }
}

#[test]
fn what_the_rules_of_the_takeover_need_is_checked_by_its_place() {
    let found = problems(
        r#"{"guarded_ous": ["ou-1", "ou-a1b2-w0rkl0ad"], "quarantine": ["1"],
            "log_path": {"buckets": ["trail", "trail-*"], "bukets": [], "keys": "x"},
            "silence": {"accounts": ["111122223333"], "after": "1s", "at": 1},
            "approvals": [{"reason": "x", "principals": ["*/ops"], "until": "2026-01-01T00:00:00Z",
                "delegates": ["vendor"], "source_identities": [""], "on_behalf_of": 1}]}"#,
    );
    let paths: Vec<_> = found.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "approvals[0].delegates[0]",
            "approvals[0].on_behalf_of",
            "approvals[0].source_identities[0]",
            "guarded_ous[0]",
            "log_path.bukets",
            "log_path.buckets[1]",
            "log_path.keys",
            "quarantine[0]",
            "silence.at",
            "silence.accounts",
            "silence.after",
        ]
    );
    assert_eq!(problems(r#"{"silence": {}}"#).len(), 1);
    let settings = read(
        r#"{"silence": {"accounts": ["111122223333", "444455556666"], "after": "2h"},
            "log_path": {"keys": ["1234abcd-12ab-34cd-56ef-1234567890ab"]}}"#,
    )
    .unwrap();
    assert_eq!(settings.silence.unwrap().ahead(), 3 * 3600);
    assert_eq!(settings.ownership.log_path.of_kind[3], ["1234abcd-12ab-34cd-56ef-1234567890ab"]);
}

#[test]
fn settings_that_can_never_work_are_refused() {
    let twice = r#"{"silence": {"accounts": ["111122223333", "111122223333"]}}"#;
    assert!(problems(twice)[0].contains("two different accounts"));
    for (kind, name) in [
        ("keys", "arn:aws:s3:::org-trail"),
        ("buckets", "arn:aws:sns:us-east-1:111122223333:org-trail"),
        ("buckets", "arn:aws:s3"),
        ("buckets", "arn:aws:s3:::"),
        ("topics", "arn:aws:sqs:us-east-1:111122223333:org-trail"),
        ("queues", "arn:aws:sns:us-east-1:111122223333:org-trail"),
        ("log_groups", "arn:aws:s3:::org-trail"),
        ("log_groups", "arn:aws:logs:us-east-1:111122223333:log-group:/a*:*"),
        ("buckets", "a:*"),
        ("rules", "arn:aws:firehose:us-east-1:111122223333:deliverystream/a"),
        ("delivery_streams", "arn:aws:events:us-east-1:111122223333:rule/a"),
    ] {
        let found = problems(&format!(r#"{{"log_path": {{"{kind}": ["a", "{name}"]}}}}"#));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&format!("log_path.{kind}[1]: \"{name}\": a")), "{found:?}");
    }
    for keys in [r#"["alias/a"]"#, r#"["alias/a", "arn:aws:kms:us-east-1:111122223333:alias/a"]"#] {
        let found = problems(&format!(r#"{{"log_path": {{"keys": {keys}}}}}"#));
        assert!(found.len() == 1 && found[0].contains("a key's id or ARN"), "{found:?}");
    }
    let fine = r#"{"log_path": {"buckets": ["a", "arn:aws-us-gov:s3:::a"],
        "topics": ["arn:aws:sns:us-east-1:111122223333:a"],
        "queues": ["https://sqs.us-east-1.amazonaws.com/111122223333/a",
            "arn:aws:sqs:us-east-1:111122223333:a"],
        "keys": ["alias/a", "arn:aws:kms:us-east-1:111122223333:key/1"],
        "log_groups": ["/a", "arn:aws:logs:us-east-1:111122223333:log-group:/a",
            "arn:aws:logs:us-east-1:111122223333:log-group:/a:*"],
        "rules": ["arn:aws:events:us-east-1:111122223333:rule/bus/a"],
        "delivery_streams": ["arn:aws:firehose:us-east-1:111122223333:deliverystream/a"]}}"#;
    assert!(read(fine).is_ok(), "{:?}", read(fine));
}

#[test]
fn what_is_wrong_with_a_value_is_told_once() {
    for after in ["99999999999d", "soon", "1s", ""] {
        let found = problems(&format!(
            r#"{{"silence": {{"accounts": ["111122223333", "444455556666"], "after": "{after}"}}}}"#
        ));
        assert_eq!(found.len(), 1, "{found:?}");
    }
    let account = r#"{"silence": {"accounts": ["111122223333", 444455556666]}}"#;
    assert_eq!(problems(account).len(), 1);
}
