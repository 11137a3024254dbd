//! The same findings everywhere.

use std::collections::BTreeSet;
use std::fs;

use orgwatch_host::plugin::{Artifact, Options, Plugin};
use serde_json::Value;

use super::{SLUG, events, starter};
use crate::fluent_bit_module::Filter;
use crate::serve::downstream::Downstream;
use crate::serve::service::Service;
use crate::support;

/// The rules and ids of findings.
fn told(findings: &[Value]) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.iter().map(|finding| (text(&finding["rule"]), text(&finding["id"]))).collect()
}

fn json(finding: &orgwatch::finding::Finding) -> Value {
    serde_json::to_value(finding).unwrap()
}

#[test]
fn a_rule_finds_the_same_in_every_shape() {
    let sandbox = starter();
    let lines = fs::read(events(&sandbox)).unwrap();
    let scanned = sandbox.scan(&["--rules", "mine", "events.ndjson"]);
    scanned.expect(2, 0).says("1 rule loaded, 0 refused");
    let expected = told(&scanned.findings());
    assert_eq!(
        expected.iter().map(|(rule, _)| rule.as_str()).collect::<Vec<_>>(),
        [SLUG, "member-left-organization"]
    );

    let downstream = Downstream::start();
    let service = Service::tapping(&sandbox, &downstream, &["--rules", "mine"]);
    service.post(&lines).expect(200);
    assert_eq!(told(&downstream.events()), expected, "serve");
    assert_eq!(service.metric("orgwatch_own_rules{outcome=\"loaded\"}"), 1.0);

    sandbox.run(&["rules", "compile", "mine", "-o", "mine.pack"]).expect(0, 0);
    let pack = fs::read(sandbox.path("mine.pack")).unwrap();
    let artifact = Artifact::find(None).unwrap();
    let plugin = Plugin::load(artifact.bytes(), &Options::default()).unwrap();
    let mut detector = plugin.with_packs(vec![pack.clone()]).open("{}").unwrap();
    let batch = detector.detect_batch(&lines).unwrap();
    let found: Vec<Value> = batch.findings.iter().map(|one| json(&one.finding)).collect();
    assert_eq!(told(&found), expected, "the component");
    assert!(detector.rules().unwrap().iter().any(|rule| rule.slug == SLUG));

    let mut native = orgwatch::detector::Detector::open_with("{}", &[&pack]).unwrap();
    let batch = native.detect_batch(&lines);
    let found: Vec<Value> = batch.findings.iter().map(|one| json(&one.finding)).collect();
    assert_eq!(told(&found), expected, "the native core");

    sandbox
        .run(&["learn", "-q", "--rules", "mine", "--state", "state", "events.ndjson"])
        .expect(0, 0);
    let again = sandbox.scan(&["--rules", "mine", "--state", "state", "events.ndjson"]);
    again.expect(0, 0).says("2 duplicates");
}

#[test]
fn baked_rules_find_the_same_in_both_artifacts() {
    let sandbox = starter();
    let lines = fs::read_to_string(events(&sandbox)).unwrap();
    let expected = told(&sandbox.scan(&["--rules", "mine", "events.ndjson"]).findings());
    sandbox.file("plain.wasm", Artifact::find(None).unwrap().bytes());
    sandbox.run(&["bake", "--rules", "mine", "-o", "mine.wasm", "plain.wasm"]).expect(0, 0);
    let scanned = sandbox.scan(&["--component", "mine.wasm", "events.ndjson"]);
    assert_eq!(told(&scanned.expect(2, 0).findings()), expected, "the component");
    sandbox.scan(&["--component", "mine.wasm", "--rules", "mine", "events.ndjson"]).expect(0, 2);
    let shown = sandbox.run(&["inspect", "mine.wasm"]);
    assert!(
        shown.out.contains("own rules   1 rule of mine beside the pack, format "),
        "{}",
        shown.out
    );
    assert!(shown.out.contains(&format!("\n              {SLUG}\n")), "{}", shown.out);
    let listed = sandbox.run(&["rules", "--component", "mine.wasm"]);
    assert!(listed.out.contains(SLUG));

    let module = support::dist("-fluent-bit.wasm").display().to_string();
    sandbox.run(&["bake", "--rules", "mine", "-o", "module.wasm", &module]).expect(0, 0);
    let shown: Value =
        serde_json::from_str(&sandbox.run(&["inspect", "--json", "module.wasm"]).out).unwrap();
    assert_eq!(
        (&shown["rules"]["name"], &shown["rules"]["slugs"][0]),
        (&"mine".into(), &SLUG.into())
    );
    let mut config = wasmtime::Config::new();
    config.cranelift_opt_level(wasmtime::OptLevel::None);
    let code = fs::read(sandbox.path("module.wasm")).unwrap();
    let engine = wasmtime::Engine::new(&config).unwrap();
    let mut filter = Filter::of(&wasmtime::Module::from_binary(&engine, &code).unwrap());
    let mut found = Vec::new();
    for line in lines.lines() {
        let Some(answer) = filter.filter(line.as_bytes()) else { continue };
        let record: Value = serde_json::from_slice(&answer).unwrap();
        found.extend(record["orgwatch"].as_array().unwrap().clone());
    }
    assert_eq!(told(&found), expected, "the module for Fluent Bit");
    for artifact in ["mine.wasm", "module.wasm"] {
        sandbox.run(&["verify", "--cases", "mine", artifact]).expect(6, 0);
    }
    let args = ["verify", "--rules", "mine", "--cases", "mine", "plain.wasm"];
    assert!(sandbox.run(&args).expect(6, 0).out.contains("your cases  2 of 2 hold"));
}

#[test]
fn the_rules_run_alone_without_the_pack() {
    let sandbox = starter();
    events(&sandbox);
    let alone = sandbox.scan(&["--rules", "mine", "--no-pack", "events.ndjson"]);
    assert_eq!(alone.expect(1, 0).findings()[0]["rule"], SLUG);
    let all = sandbox.run(&["rules", "--rules", "mine", "--no-pack", "--json"]);
    let all: Value = serde_json::from_str(&all.out).unwrap();
    assert_eq!((all.as_array().unwrap().len(), &all[0]["slug"]), (1, &SLUG.into()));
    let page = sandbox.run(&["rules", "show", SLUG, "--rules", "mine"]);
    assert!(page.out.contains("modifydbsnapshotattribute"), "{page:?}");
}

#[test]
fn settings_know_the_rules_and_rename_fields() {
    let sandbox = starter();
    events(&sandbox);
    sandbox.file("off.yaml", format!("rules: {{ {SLUG}: off }}\n"));
    sandbox
        .scan(&["--settings", "off.yaml", "events.ndjson"])
        .expect(0, 2)
        .says("off.yaml:1: rules.");
    sandbox.scan(&["--settings", "off.yaml", "--rules", "mine", "events.ndjson"]).expect(1, 0);
    sandbox.run(&["settings", "check", "off.yaml"]).expect(1, 2);
    sandbox.run(&["settings", "check", "off.yaml", "--rules", "mine"]).expect(1, 0);

    let rule = fs::read_to_string(sandbox.path("mine/rules/database_snapshot_shared.yml")).unwrap();
    sandbox.file("other/rule.yml", rule.replace("eventName:", "event.action:"));
    sandbox.file("fields.yaml", "fields: { event.action: eventName }\n");
    let found = sandbox.scan(&["--settings", "fields.yaml", "--rules", "other", "events.ndjson"]);
    found.expect(2, 0);
    let vain = sandbox.scan(&["--settings", "fields.yaml", "events.ndjson"]);
    vain.expect(1, 0).says("fields has no effect without --rules");
    sandbox.file("bad.yaml", "fields:\n  event.action: [eventName]\n");
    let bad = sandbox.scan(&["--settings", "bad.yaml", "--rules", "other", "events.ndjson"]);
    bad.expect(0, 2).says("bad.yaml:2: fields.event.action: ");
}

#[test]
fn a_service_reads_its_rules_again() {
    let sandbox = starter();
    let lines = fs::read(events(&sandbox)).unwrap();
    sandbox.file("serve.yaml", "rules: [mine/rules]\nno_pack: true\n");
    let downstream = Downstream::start();
    let mut service = Service::tapping(&sandbox, &downstream, &["--config", "serve.yaml"]);
    service.post(&lines).expect(200);
    assert_eq!(downstream.events().len(), 1);
    let file = "mine/rules/database_snapshot_shared.yml";
    let rule = fs::read_to_string(sandbox.path(file)).unwrap();
    sandbox.file(file, "title: [");
    service.signal("HUP");
    service.logged("the settings or the rules are refused: the old ones stay");
    sandbox.file(
        file,
        rule.replace("ModifyDBSnapshotAttribute", "LeaveOrganization")
            .replace("rds.", "organizations.")
            .replace("    requestParameters.attributeName: restore\n", ""),
    );
    sandbox.file("mine/rules/worse.yml", "title: [");
    service.signal("HUP");
    service.logged("settings reloaded");
    service.post(&lines).expect(200);
    assert_eq!(downstream.events().len(), 2, "the rule looks at another event now");
    assert_eq!(service.metric("orgwatch_own_rules{outcome=\"refused\"}"), 1.0);
    assert!(service.log_has("mine/rules/worse.yml:"), "{:?}", service.lines());
}
