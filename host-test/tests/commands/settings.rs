//! `orgwatch settings`: the schema and the checker say the same.

use orgwatch::settings::{SCHEMA, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::util::Sandbox;

const APPROVAL: &str = r#"{"reason": "MIGR-1", "principals": ["arn:aws:iam::*:role/m"],
    "until": "2026-12-31T00:00:00Z"}"#;

/// An approval with one thing changed.
fn approval(key: &str, value: Value) -> Value {
    let mut approval: Value = serde_json::from_str(APPROVAL).unwrap();
    approval[key] = value;
    json!({ "approvals": [approval] })
}

fn without(key: &str) -> Value {
    let mut document = approval("reason", json!("x"));
    document["approvals"][0].as_object_mut().unwrap().remove(key);
    document
}

fn good() -> Vec<Value> {
    vec![
        json!(null),
        json!({}),
        json!({ "management_account": "111122223333", "organization": "o-h7k2m9x4qd" }),
        json!({ "trusted_organizations": ["o-newhome2026"], "accounts": ["000000000001"] }),
        json!({ "trusted_organizations": [], "accounts": [], "approvals": [], "rules": {} }),
        json!({ "guard_policies": ["p-denyleave01"], "late": "2h" }),
        json!({ "late": "0s", "learning_until": "2026-12-01T00:00:00Z" }),
        json!({ "learning_until": "2026-12-01T00:00:00.5+02:00" }),
        json!({ "late": "36500d" }),
        json!({ "rules": null, "memory": null, "late": "007m" }),
        json!({ "memory": { "events": 5.0 } }),
        json!({ "fields": { "event.action": "eventName", "user.id": "userIdentity.arn" } }),
        json!({ "fields": null }),
        json!({ "log_path": { "keys": ["1234-ab", "alias/a", "arn:aws:kms:us-east-1:111122223333:key/1"] } }),
        json!({ "log_path": { "buckets": ["arn:aws:s3:::a", "arn"], "topics": ["a"] } }),
        json!({ "log_path": { "queues": ["https://sqs.us-east-1.amazonaws.com/111122223333/a"] } }),
        json!({ "memory": { "events": 1, "terms": 500_000, "steps": 100_000, "policies": 10 } }),
        json!({ "rules": { "account-closed": "off", "account-created": "dry-run" } }),
        json!({ "rules": { "account-closed": false, "account-created": "on" } }),
        json!({ "rules": { "account-closed": { "mode": "on", "severity": "critical" } } }),
        json!({ "rules": { "account-closed": {} } }),
        approval("rules", json!(["account-*", "member-left-organization", "*"])),
        approval("accounts", json!(["444455556666"])),
        approval("organizations", json!(["o-newhome2026"])),
        approval("principals", json!(["*/admin", "?b", "arn:aws:sts::*:assumed-role/x/*"])),
        approval("rules", json!([])),
        approval("reason", json!("é".repeat(1000))),
    ]
}

fn bad() -> Vec<Value> {
    vec![
        json!([]),
        json!("settings"),
        json!({ "no_such_setting": 1 }),
        json!({ "fields": [] }),
        json!({ "log_path": { "keys": ["alias/a"] } }),
        json!({ "log_path": { "keys": ["arn:aws:kms:us-east-1:111122223333:alias/a"] } }),
        json!({ "log_path": { "keys": ["arn:aws:s3:::a"] } }),
        json!({ "log_path": { "buckets": ["arn:aws:sns:us-east-1:111122223333:a"] } }),
        json!({ "log_path": { "buckets": ["arn:aws:s3:::"] } }),
        json!({ "log_path": { "log_groups": ["arn:aws:logs"] } }),
        json!({ "fields": { "a b": "eventName" } }),
        json!({ "fields": { "a|re": "eventName" } }),
        json!({ "fields": { "a": "request..parameters" } }),
        json!({ "fields": { "a": "x.*" } }),
        json!({ "fields": { "a": ["eventName"] } }),
        json!({ "fields": { "": "eventName" } }),
        json!({ "management_account": 111_122_223_333_u64 }),
        json!({ "management_account": "11112222333" }),
        json!({ "management_account": "1111222233334" }),
        json!({ "management_account": "١١١١٢٢٢٢٣٣٣٣" }),
        json!({ "management_account": null }),
        json!({ "organization": "h7k2m9x4qd" }),
        json!({ "organization": "o-short" }),
        json!({ "organization": "o-UPPERCASE12" }),
        json!({ "trusted_organizations": "o-newhome2026" }),
        json!({ "trusted_organizations": [1] }),
        json!({ "accounts": ["111122223333\n"] }),
        json!({ "guard_policies": ["p-short"] }),
        json!({ "guard_policies": ["p-has space1"] }),
        json!({ "late": 7200 }),
        json!({ "late": "2 hours" }),
        json!({ "late": "-1h" }),
        json!({ "late": "h" }),
        json!({ "late": "+5m" }),
        json!({ "late": "5 m" }),
        json!({ "late": "٥m" }),
        json!({ "learning_until": "2026-12-01T00:00:00" }),
        json!({ "learning_until": "2026-12-01T00:00:00z" }),
        json!({ "learning_until": "2026-12-01T00:00:00+0200" }),
        json!({ "learning_until": "2026-12-31T23:59:60Z" }),
        json!({ "learning_until": " 2026-12-01T00:00:00Z" }),
        json!({ "learning_until": "2026-12-01" }),
        json!({ "learning_until": "next week" }),
        json!({ "learning_until": 0 }),
        json!({ "memory": { "events": 0 } }),
        json!({ "memory": { "events": 10_000_001 } }),
        json!({ "memory": { "events": 1.5 } }),
        json!({ "memory": { "entries": 1 } }),
        json!({ "memory": 5 }),
        json!({ "rules": [] }),
        json!({ "rules": { "No Rule": "off" } }),
        json!({ "rules": { "account-closed": "sometimes" } }),
        json!({ "rules": { "account-closed": { "mode": "never" } } }),
        json!({ "rules": { "account-closed": { "severity": "severe" } } }),
        json!({ "rules": { "account-closed": { "level": "high" } } }),
        json!({ "rules": { "account-closed": null } }),
        json!({ "approvals": {} }),
        json!({ "approvals": ["everything"] }),
        without("reason"),
        without("principals"),
        without("until"),
        approval("who", json!("me")),
        approval("reason", json!("")),
        approval("reason", json!("  ")),
        approval("reason", json!("x".repeat(1001))),
        approval("principals", json!([])),
        approval("principals", json!(["*"])),
        approval("principals", json!(["a**"])),
        approval("principals", json!(["a\nb"])),
        approval("principals", json!(["a\u{9b}b"])),
        approval("principals", json!("arn:aws:iam::*:role/m")),
        approval("rules", json!(["Account-Closed"])),
        approval("accounts", json!(["1234"])),
        approval("organizations", json!(["somewhere"])),
        approval("until", json!("2026-12-31")),
        approval("until", json!("2026-13-31T00:00:00Z")),
    ]
}

/// Problems that only the checker knows: the rules of this artifact, how long a duration comes to, whom a
/// wildcard fits, and how many accounts differ.
fn bad_to_the_checker_alone() -> Vec<Value> {
    vec![
        json!({ "rules": { "no-such-rule": "off" } }),
        json!({ "late": "36501d" }),
        json!({ "silence": { "accounts": ["111122223333", "111122223333"] } }),
        approval("rules", json!(["no-such-*"])),
        approval("principals", json!(["arn:*"])),
    ]
}

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// Texts that are nearly what a setting takes: with a sign, a blank, a digit or a letter too many.
fn nearly() -> impl Strategy<Value = Value> {
    let time = "2026-[01][0-9]-[0-3][0-9][Tt ]([01][0-9]|2[0-4]):[0-5][0-9]:[0-6][0-9]([.][0-9]{0,3})?\
                (Z|z|[+-]([01][0-9]|2[0-4]):?[0-6][0-9])?";
    prop_oneof![
        "[+-]?[ 0]?[0-9]{0,3}[.]?[ ]?[smhdM]?".prop_map(Value::from),
        time.prop_map(Value::from),
        "[ +]?[0-9]{11,13}".prop_map(Value::from),
        "[op]-[a-z0-9_]{7,11}[A-Z ]?".prop_map(Value::from),
        "o-[a-z0-9]{31,33}".prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-2i64..20_000_000).prop_map(Value::from),
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// `late: "+5m"` passed the checker, and a time without a zone.
    #[test]
    fn no_text_passes_the_checker_that_fails_the_schema(value in nearly()) {
        thread_local!(static SCHEMA: jsonschema::Validator = schema());
        for document in [
            json!({ "late": value }),
            json!({ "learning_until": value }),
            json!({ "management_account": value }),
            json!({ "organization": value }),
            json!({ "guard_policies": [value] }),
            json!({ "memory": { "steps": value } }),
            json!({ "memory": value }),
            json!({ "rules": value }),
            approval("until", value.clone()),
            approval("accounts", json!([value])),
        ] {
            let checked = Settings::from_json(&document.to_string(), &orgwatch::rules::builtin_pack()).is_ok();
            prop_assert_eq!(SCHEMA.with(|schema| schema.is_valid(&document)), checked, "{}", document);
        }
    }
}

#[test]
fn the_schema_and_the_checker_say_the_same() {
    let schema = schema();
    let reported = |documents: Vec<Value>, fine: bool| {
        let mut wrong = Vec::new();
        for document in documents {
            let checker =
                Settings::from_json(&document.to_string(), &orgwatch::rules::builtin_pack());
            if checker.is_ok() != fine {
                wrong.push(format!("the checker: {document}: {checker:?}"));
            }
            if schema.is_valid(&document) != fine {
                wrong.push(format!("the schema: {document}"));
            }
        }
        wrong
    };
    let wrong = [reported(good(), true), reported(bad(), false)].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for document in bad_to_the_checker_alone() {
        assert!(schema.is_valid(&document), "the schema has learned of {document}");
        assert!(
            Settings::from_json(&document.to_string(), &orgwatch::rules::builtin_pack()).is_err(),
            "{document}"
        );
    }
}

/// The documentation's own example.
#[test]
fn the_example_of_the_documentation_is_good() {
    let sandbox = Sandbox::new();
    let docs = include_str!("../../../docs/settings.md");
    let (_, rest) = docs.split_once("```yaml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    sandbox.file("example.yaml", example);
    sandbox.run(&["settings", "check", "example.yaml"]).expect(1, 0);
}

#[test]
fn the_schema_is_printed() {
    let ran = Sandbox::new().run(&["settings", "schema"]);
    assert_eq!((ran.code, &ran.out[..]), (0, SCHEMA));
}

#[test]
fn everything_wrong_is_told_at_once() {
    let sandbox = Sandbox::new();
    sandbox.file(
        "bad.yaml",
        "management_account: 111122223333\nrules: {account-closd: off}\n\
         approvals:\n  - reason: x\n    principals: ['*']\n    until: 2020-01-01T00:00:00Z\n",
    );
    let ran = sandbox.run(&["settings", "check", "bad.yaml"]);
    ran.expect(3, 2);
    assert!(ran.out.starts_with("bad.yaml:1: management_account: 111122223333: "), "{ran:#?}");
    assert!(ran.out.contains("in quotes"), "{ran:#?}");
    let ran = sandbox.run(&["settings", "check", "--json", "bad.yaml"]);
    assert_eq!(ran.code, 2);
    let reported: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&reported["usable"], &reported["file"]), (&json!(false), &json!("bad.yaml")));
    assert_eq!(reported["problems"][0]["line"], 1);
    assert_eq!(reported["problems"][1]["path"], "rules.account-closd");
    // The scan says the same.
    let scan = sandbox.scan(&["--settings", "bad.yaml", "-"]);
    assert_eq!(scan.code, 2);
    scan.says("orgwatch: bad.yaml:1: management_account: 111122223333: ");
}

#[test]
fn a_warning_is_told_and_is_no_failure() {
    let sandbox = Sandbox::new();
    sandbox.file("old.yaml", format!("approvals: [{}]", APPROVAL.replace("2026", "2020")));
    let ran = sandbox.run(&["settings", "check", "old.yaml"]);
    ran.expect(1, 0);
    assert!(ran.out.contains("warning: approvals[0].until: "), "{ran:#?}");
    let ran = sandbox.run(&["settings", "check", "--json", "old.yaml"]);
    let reported: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&reported["usable"], ran.code), (&json!(true), 0));
    assert_eq!(reported["warnings"][0]["path"], "approvals[0].until");
}

/// A number that YAML would change is an account all the same, or is refused: never another.
#[test]
fn account_numbers_without_quotes_never_become_others() {
    let sandbox = Sandbox::new();
    for (written, kept) in [
        ("012345678901", true),
        ("012345670123", true),
        ("000000000001", true),
        ("123456789012", false),
        ("1_2345678901", false),
        ("1.2345678e11", false),
    ] {
        sandbox.file("file.yaml", format!("management_account: {written}\n"));
        let ran = sandbox.run(&["settings", "check", "file.yaml"]);
        let reported = ran.out.contains("in quotes");
        assert_eq!((ran.code == 0, reported), (kept, !kept), "{written}: {ran:#?}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let sandbox = Sandbox::new();
    sandbox.run(&["settings", "check", "none.yaml"]).expect(0, 2).says("none.yaml");
    sandbox.file("twice.yaml", "late: 2h\n\nlate: 3h\n");
    let ran = sandbox.run(&["settings", "check", "twice.yaml"]);
    assert_eq!(ran.out, "twice.yaml:3: late is there already, on line 1\n");
    sandbox.file("broken.yaml", "late: 2h\nmemory: {\n");
    let ran = sandbox.run(&["settings", "check", "broken.yaml"]);
    assert!(ran.code == 2 && ran.out.starts_with("broken.yaml:3: the settings are not YAML"));
}
