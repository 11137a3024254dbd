//! `orgwatch verify`.

use std::fs;

use memchr::memmem;
use minisign::KeyPair;
use orgwatch_artifact::{Artifact, CASES, Case, Module, digest, seal};
use serde_json::Value;

use super::artifacts;
use crate::util::Sandbox;

#[test]
fn the_artifacts_do_what_they_carry() {
    let sandbox = Sandbox::new();
    for (kind, bytes) in artifacts() {
        sandbox.file("a.wasm", &bytes);
        let ran = sandbox.run(&["verify", "--json", "a.wasm"]);
        assert_eq!(ran.code, 0, "{kind}: {ran:?}");
        let seen: Value = serde_json::from_str(&ran.out).unwrap();
        let carried = Artifact::read(&bytes).unwrap().cases.len();
        assert_eq!(seen["cases"]["run"], carried);
        assert_eq!(seen["cases"]["held"], carried);
        assert_eq!(seen["digest"], digest(&bytes));
    }
}

#[test]
fn what_is_baked_does_not_change_what_the_code_does() {
    let sandbox = Sandbox::new();
    sandbox.file("settings.json", r#"{"rules":{"member-left-organization":"off"}}"#);
    for (kind, bytes) in artifacts() {
        sandbox.file("a.wasm", &bytes);
        let bake = ["bake", "--settings", "settings.json", "-o", "mine.wasm", "a.wasm"];
        assert_eq!(sandbox.run(&bake).code, 0);
        let ran = sandbox.run(&["verify", "mine.wasm"]);
        assert_eq!(ran.code, 0, "{kind}: {ran:?}");
    }
}

/// An artifact with a rule that wants another event: as long as before, and sealed again.
fn changed(bytes: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    // The compiled rule has its names in lower case; the cases are compressed.
    let name = b"\x11leaveorganization";
    let places: Vec<_> = memmem::find_iter(bytes, name).collect();
    assert!(!places.is_empty(), "the rule stands in the data, its length before it");
    for at in places {
        changed[at..at + name.len()].copy_from_slice(b"\x11leafeorganization");
    }
    seal(&changed).unwrap()
}

/// The digest of the pack is in the code: a rule that is changed in the data alone is not run.
#[test]
fn a_changed_rule_is_refused_by_the_component_itself() {
    let sandbox = Sandbox::new();
    let [(_, bytes), _] = artifacts();
    sandbox.file("a.wasm", changed(&bytes));
    assert_eq!(sandbox.run(&["inspect", "a.wasm"]).code, 0, "no byte is damaged");
    let ran = sandbox.run(&["verify", "a.wasm"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{ran:?}");
    ran.says("a.wasm: it cannot be run: the component trapped");
}

#[test]
fn a_case_that_expects_something_else_fails_and_is_named() {
    let sandbox = Sandbox::new();
    let [(_, bytes), _] = artifacts();
    let mut cases = Artifact::read(&bytes).unwrap().cases;
    let case = cases.iter_mut().find(|case| case.findings.contains("\"critical\"")).unwrap();
    case.findings = case.findings.replacen("\"critical\"", "\"low\"", 1);
    let name = case.name.clone();
    let changed = Module::parse(&bytes).unwrap().with(CASES, &Case::pack(&cases).unwrap());
    sandbox.file("a.wasm", seal(&changed).unwrap());
    let ran = sandbox.run(&["verify", "a.wasm"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains(&format!("FAILED {name}: finding ")), "{}", ran.out);
    assert!(ran.out.contains("expected severity to be \"low\", found \"critical\""), "{}", ran.out);
}

#[test]
fn nothing_is_run_of_what_is_damaged_or_not_ours() {
    let sandbox = Sandbox::new();
    let [(_, bytes), _] = artifacts();
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    sandbox.file("a.wasm", changed);
    let ran = sandbox.run(&["verify", "a.wasm"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    ran.says("a.wasm: damaged: its bytes are not those");
    sandbox.file("other.wasm", wat::parse_str("(module)").unwrap());
    let ran = sandbox.run(&["verify", "other.wasm"]);
    assert_eq!(ran.code, 2);
    ran.says("not an artifact of orgwatch");
}

#[test]
fn sections_that_tell_of_other_rules_than_the_code_has_are_refused() {
    let sandbox = Sandbox::new();
    let [(_, bytes), _] = artifacts();
    let mut pack = Artifact::read(&bytes).unwrap().pack;
    let removed = pack.rules.iter().position(|rule| !rule.internal).unwrap();
    let slug = pack.rules.remove(removed).slug;
    let pack = serde_json::to_vec(&pack).unwrap();
    let changed = Module::parse(&bytes).unwrap().with(orgwatch_artifact::PACK, &pack);
    sandbox.file("a.wasm", seal(&changed).unwrap());
    let ran = sandbox.run(&["verify", "a.wasm"]);
    assert_eq!(ran.code, 2);
    ran.says(&format!("its sections and its code disagree: the rule {slug}"));
}

#[test]
fn cases_of_ones_own_say_as_little_as_they_like() {
    let sandbox = Sandbox::new();
    for (kind, bytes) in artifacts() {
        sandbox.file("a.wasm", &bytes);
        let event = crate::util::leaving(1);
        sandbox.file("cases/mine/events.ndjson", format!("{event}\n"));
        sandbox.file("cases/mine/findings.ndjson", "{\"rule\":\"member-left-organization\"}\n");
        sandbox.file("cases/off/events.ndjson", format!("{event}\n"));
        sandbox.file("cases/off/findings.ndjson", "");
        sandbox.file("cases/off/settings.yaml", "rules: { member-left-organization: off }\n");
        let ran = sandbox.run(&["verify", "--cases", "cases", "a.wasm"]);
        assert_eq!(ran.code, 0, "{kind}: {ran:?}");
        assert!(ran.out.contains("your cases  2 of 2 hold"), "{}", ran.out);

        sandbox.file("cases/mine/findings.ndjson", "{\"rule\":\"account-closed\"}\n");
        let ran = sandbox.run(&["verify", "--json", "--cases", "cases", "a.wasm"]);
        assert_eq!(ran.code, 1, "{kind}");
        let seen: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(seen["own_cases"]["failed"][0]["name"], "mine");
    }
    sandbox.file("empty/README", "");
    for folder in ["none", "empty"] {
        let ran = sandbox.run(&["verify", "--cases", folder, "a.wasm"]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        ran.says(folder);
    }
}

#[test]
fn signatures_are_checked_before_anything_is_run() {
    let sandbox = Sandbox::new();
    let [(_, bytes), _] = artifacts();
    let (keys, other) = (key_pair(), key_pair());
    sandbox.file("a.wasm", &bytes);
    let sums = format!("{}  a.wasm\n", digest(&bytes).trim_start_matches("sha256:"));
    sandbox.file("SHA256SUMS", &sums);
    let signed = minisign::sign(None, &keys.sk, sums.as_bytes(), Some("orgwatch 0.1.0"), None);
    sandbox.file("SHA256SUMS.minisig", signed.unwrap().into_string());
    sandbox.file("our.pub", keys.pk.to_box().unwrap().into_string());

    let ran = sandbox.run(&["verify", "--key", "our.pub", "a.wasm"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains(": orgwatch 0.1.0"), "{}", ran.out);
    assert_eq!(sandbox.run(&["verify", "--key", &keys.pk.to_base64(), "a.wasm"]).code, 0);

    let ran = sandbox.run(&["verify", "--key", &other.pk.to_base64(), "a.wasm"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    ran.says("SHA256SUMS is signed with the key ");
    sandbox.file("a.wasm", changed(&bytes));
    let ran = sandbox.run(&["verify", "--key", "our.pub", "a.wasm"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    ran.says("a.wasm is not what was signed");
    fs::remove_file(sandbox.path("SHA256SUMS.minisig")).unwrap();
    sandbox.run(&["verify", "--key", "our.pub", "a.wasm"]).says("cannot read SHA256SUMS.minisig");
}

fn key_pair() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().unwrap()
}
