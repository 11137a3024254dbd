//! The exit code and the message of whatever is refused.

use std::fs;

use orgwatch_host::bake::{Rules, bake};
use orgwatch_host::plugin::{Artifact, Error, Options, Plugin};

use serde_json::Value;

use super::{SLUG, events, starter};
use crate::fluent_bit_module::Filter;
use crate::support;

#[test]
fn what_gives_no_rule_is_an_error() {
    let sandbox = starter();
    events(&sandbox);
    fs::create_dir(sandbox.path("empty")).unwrap();
    sandbox.file("bad/one.yml", "title: [\n");
    for (path, said) in [
        ("none", "cannot read the rules none"),
        ("empty", "there is no rule in empty: rules are files named *.yml or *.yaml"),
        ("bad", "no rule of bad can be used"),
    ] {
        sandbox.scan(&["--rules", path, "events.ndjson"]).expect(0, 2).says(said);
        let state = ["learn", "--state", "s", "--rules", path, "events.ndjson"];
        sandbox.run(&state).expect(0, 2).says(said);
        sandbox.run(&["serve", "--check", "--rules", path]).expect(0, 2).says(said);
        let module = support::dist("-fluent-bit.wasm").display().to_string();
        sandbox.run(&["bake", "--rules", path, "-o", "x.wasm", &module]).expect(0, 2).says(said);
        assert!(!sandbox.path("x.wasm").exists());
        sandbox.run(&["rules", "--rules", path]).expect(0, 2).says(said);
    }
    sandbox.scan(&["--no-pack", "events.ndjson"]).expect(0, 2).says("--rules");
}

#[test]
fn a_rule_is_refused_with_its_place_and_the_rest_runs() {
    let sandbox = starter();
    events(&sandbox);
    sandbox.file("mine/rules/worse.yml", "title: Worse\nlevel: hgih\n");
    let ran = sandbox.scan(&["--rules", "mine", "events.ndjson"]);
    ran.expect(2, 0).says("orgwatch: mine/rules/worse.yml:").says("1 rule loaded, 1 refused");
    let strict = sandbox.scan(&["--rules", "mine", "--strict", "events.ndjson"]);
    strict.expect(0, 2).says("mine/rules/worse.yml:").says("--strict: not every rule of mine");
    let quiet = sandbox.scan(&["-q", "--rules", "mine", "events.ndjson"]);
    quiet.expect(2, 0).says("mine/rules/worse.yml:");
    assert!(!quiet.err.contains("loaded"));
}

#[test]
fn a_built_in_name_is_taken() {
    let sandbox = starter();
    events(&sandbox);
    let file = "mine/rules/database_snapshot_shared.yml";
    let rule = fs::read_to_string(sandbox.path(file)).unwrap();
    sandbox.file(file, format!("name: member-left-organization\n{rule}"));
    let ran = sandbox.scan(&["--rules", "mine", "events.ndjson"]);
    ran.expect(0, 2)
        .says(&format!("{file}:1:1: member-left-organization has the name or the id of a built-in"))
        .says("no rule of mine can be used");
    sandbox.scan(&["--rules", "mine", "--no-pack", "events.ndjson"]).expect(1, 0);
    // The others run.
    sandbox.file("mine/rules/other.yml", rule.replace("3d1c6f0a", "4d1c6f0a"));
    let ran = sandbox.scan(&["--rules", "mine", "events.ndjson"]);
    ran.expect(2, 0).says("1 rule loaded, 1 refused");
}

#[test]
fn a_damaged_or_newer_pack_is_refused_before_the_first_event() {
    let sandbox = starter();
    sandbox.run(&["rules", "compile", "mine", "-o", "mine.pack"]).expect(0, 0);
    let pack = fs::read(sandbox.path("mine.pack")).unwrap();
    let mut damaged = pack.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut newer = pack.clone();
    newer[13] = 0xff;
    let artifact = Artifact::find(None).unwrap();
    let plugin = Plugin::load(artifact.bytes(), &Options::default()).unwrap();
    let module = fs::read(support::dist("-fluent-bit.wasm")).unwrap();
    for (pack, said) in [(&damaged, "damaged"), (&newer, "newer than this orgwatch")] {
        let opened = plugin.clone().with_packs(vec![pack.clone()]).open("{}");
        let Err(Error::Settings(problems)) = opened else { panic!("it is refused") };
        assert_eq!(problems[0].path, "packs[0]");
        assert!(problems[0].problem.contains(said), "{problems:?}");

        let rules = Rules { name: "mine", pack };
        for bytes in [artifact.bytes(), module.as_slice()] {
            let baked = bake(bytes, "{}", None, Some(&rules)).unwrap();
            sandbox.file("baked.wasm", baked);
            let inspected = sandbox.run(&["inspect", "baked.wasm"]);
            assert_eq!(inspected.code, 2);
            inspected.says("the rules that are baked in: ").says(said);
            sandbox.run(&["verify", "baked.wasm"]).expect(0, 2).says(said);
        }
        let baked = bake(&module, "{}", None, Some(&rules)).unwrap();
        let engine = wasmtime::Engine::default();
        let mut filter = Filter::of(&wasmtime::Module::from_binary(&engine, &baked).unwrap());
        let marked: Value = serde_json::from_slice(&filter.filter(b"{\"a\":1}").unwrap()).unwrap();
        assert!(marked["orgwatch_error"].is_string() && marked["a"] == 1, "{marked}");

        let baked = bake(artifact.bytes(), "{}", None, Some(&rules)).unwrap();
        sandbox.file("baked.wasm", baked);
        events(&sandbox);
        sandbox.scan(&["--component", "baked.wasm", "events.ndjson"]).expect(0, 2).says(said);
    }
    let twice = plugin.with_packs(vec![pack.clone(), pack]).open("{}");
    let Err(Error::Settings(problems)) = twice else { panic!("the names are taken") };
    assert!(problems[0].path == "packs[1]" && problems[0].problem.contains(SLUG), "{problems:?}");
}
