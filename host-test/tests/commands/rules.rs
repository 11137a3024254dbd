//! `orgwatch rules`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::util::Sandbox;

/// Every slug of the catalogue. They are public: one that is missing or called otherwise breaks
/// somebody's settings and routes.
const SLUGS: &[&str] = &[
    "account-closed",
    "account-created",
    "account-departed",
    "account-discovery-burst",
    "account-discovery-rare-identity",
    "account-invited",
    "account-joined",
    "account-moved",
    "account-remove-denied",
    "account-removed",
    "administrator-granted",
    "blinded-then-exit",
    "cloudtrail-impaired",
    "config-impaired",
    "delegated-administrator-changed",
    "departure-confirmed",
    "discovery-then-exit",
    "exit-to-another-organization",
    "guardduty-impaired",
    "handshake-accept-denied",
    "handshake-accepted",
    "handshake-accepted-other",
    "leave-attempts-repeated",
    "leave-permission-granted",
    "macie-impaired",
    "member-leave-denied",
    "member-left-organization",
    "organization-deleted",
    "organization-policy-changed",
    "organization-policy-removed",
    "policy-version-switched",
    "power-then-exit",
    "role-trust-widened",
    "root-assumed",
    "root-signed-in",
    "securityhub-impaired",
    "trusted-access-disabled",
];

fn listed(sandbox: &Sandbox) -> Vec<Value> {
    let ran = sandbox.run(&["rules", "--json"]);
    assert_eq!((ran.code, &ran.err[..]), (0, ""), "{ran:#?}");
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn every_rule_of_the_catalogue_is_listed() {
    let sandbox = Sandbox::new();
    let rules = listed(&sandbox);
    let slugs: BTreeSet<&str> = rules.iter().map(|rule| rule["slug"].as_str().unwrap()).collect();
    let missing: Vec<_> = SLUGS.iter().filter(|slug| !slugs.contains(*slug)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(slugs.len(), rules.len(), "no slug is there twice");
    for rule in &rules {
        let keys: Vec<&str> = rule.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = [
            "slug",
            "id",
            "title",
            "severity",
            "group",
            "description",
            "event_names",
            "attack",
            "covers",
        ];
        expected.sort_unstable();
        let mut keys = keys;
        keys.sort_unstable();
        assert_eq!(keys, expected);
    }
    let text = sandbox.run(&["rules"]);
    assert!(SLUGS.iter().all(|slug| text.out.contains(&format!("\n  {slug} "))), "{}", text.out);
    let covers = "Datadog f70-oqy-yer";
    let line = text.out.lines().find(|line| line.contains(" member-left-organization ")).unwrap();
    assert!(line.contains("critical") && line.contains(covers), "{line}");
}

#[test]
fn every_listed_rule_is_explained_and_in_agreement() {
    let sandbox = Sandbox::new();
    for rule in listed(&sandbox) {
        let slug = rule["slug"].as_str().unwrap();
        let ran = sandbox.run(&["rules", "show", slug, "--json"]);
        assert_eq!(ran.code, 0, "{ran:#?}");
        let shown: Value = serde_json::from_str(&ran.out).unwrap();
        for (key, value) in rule.as_object().unwrap() {
            assert_eq!(&shown[key], value, "{slug}: {key}");
        }
        for key in ["why", "benign", "summary"] {
            assert!(!shown[key].as_str().unwrap().is_empty(), "{slug}: {key}");
        }
        for key in ["triage", "when", "references"] {
            assert!(!shown[key].as_array().unwrap().is_empty(), "{slug}: {key}");
        }
    }
}

#[test]
fn an_explanation_is_for_a_person() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["rules", "show", "power-then-exit"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    for part in ["one of each, in this order, within 24 h", "{account}", "dry-run", "approvals:"] {
        assert!(ran.out.contains(part), "{part:?} is not in {}", ran.out);
    }
}

#[test]
fn an_unknown_rule_is_refused_and_near_ones_are_named() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["rules", "show", "power-then-exits"]);
    ran.expect(0, 2).says("no rule is called \"power-then-exits\"; did you mean power-then-exit");
    // A rule that gives no finding of its own is none that could be named in settings.
    sandbox.run(&["rules", "show", "an-exit"]).expect(0, 2).says("no rule is called");
    sandbox.run(&["rules", "--component", "missing.wasm"]).expect(0, 2).says("missing.wasm");
}

/// They print the pack of the program, which another component need not have.
#[test]
fn a_component_with_other_rules_is_refused_where_the_programs_own_are_printed() {
    let sandbox = Sandbox::new();
    let embedded = orgwatch_host::plugin::Artifact::embedded().unwrap();
    sandbox.file("same.wasm", embedded.bytes());
    let mut said = orgwatch_artifact::Artifact::read(embedded.bytes()).unwrap();
    said.pack.rules[0].digest = orgwatch_artifact::digest(b"another");
    let module = orgwatch_artifact::Module::parse(embedded.bytes()).unwrap();
    let pack = serde_json::to_vec(&said.pack).unwrap();
    let other = module.with(orgwatch_artifact::PACK, &pack);
    sandbox.file("other.wasm", orgwatch_artifact::seal(&other).unwrap());
    sandbox.file("foreign.wasm", b"\0asm\x0d\0\x01\0");
    for args in [&["rules", "show", SLUGS[0]][..], &["router", "vector"], &["router", "fluent-bit"]]
    {
        let with = |component| sandbox.run(&[args, &["--component", component]].concat());
        let own = sandbox.run(args);
        assert_eq!((own.code, own.out == with("same.wasm").out), (0, true), "{own:#?}");
        with("other.wasm").expect(0, 2).says("other.wasm has other rules than this program");
        with("foreign.wasm").expect(0, 2).says("cannot tell which rules foreign.wasm has");
    }
}
