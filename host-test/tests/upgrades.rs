//! Files of earlier versions, kept in `tests/upgrades`: taken up, or refused by name.

use std::fs;
use std::path::PathBuf;

use orgwatch::rules::Pack;
use orgwatch_host::plugin::{Artifact, Options, Plugin};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use crate::support;
use crate::util::Sandbox;

/// A folder for each released version.
fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(support::root().join("tests/upgrades")).unwrap();
    let folders: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    assert!(!folders.is_empty());
    folders
}

#[test]
fn a_state_is_taken_up() {
    let incident = support::root().join("samples/incident.ndjson");
    for version in versions() {
        let sandbox = Sandbox::new();
        sandbox.file("state", fs::read(version.join("state")).unwrap());
        // All that is in it was found before.
        sandbox.scan(&[incident.to_str().unwrap(), "--state", "state"]).expect(0, 0);
        sandbox.run(&["learn", incident.to_str().unwrap(), "--state", "state"]).expect(0, 0);
    }
}

#[test]
fn a_state_from_before_the_first_release_is_refused_by_name() {
    let old = fs::read(support::root().join("tests/upgrades/before-0.1.0-state")).unwrap();
    let sandbox = Sandbox::new();
    sandbox.file("state", &old);
    sandbox.file("logs", "");
    sandbox
        .scan(&["logs", "--state", "state"])
        .expect(0, 2)
        .says("cannot use the state state, which is left as it is: ")
        .says("state format 1 is older than this orgwatch")
        .says("`orgwatch learn`");
    assert_eq!(fs::read(sandbox.path("state")).unwrap(), old);
}

#[test]
fn settings_are_taken_up() {
    for version in versions() {
        let sandbox = Sandbox::new();
        let settings = version.join("settings.yaml");
        sandbox.run(&["settings", "check", settings.to_str().unwrap()]).expect(1, 0);
        let serve = version.join("serve.yaml");
        let ran = sandbox.run(&["serve", "--check", "--config", serve.to_str().unwrap()]);
        ran.expect(1, 0);
    }
}

#[test]
fn a_compiled_pack_is_taken_up() {
    let artifact = Artifact::find(None).unwrap();
    let plugin = Plugin::load(artifact.bytes(), &Options::default()).unwrap();
    for version in versions() {
        let bytes = fs::read(version.join("pack")).unwrap();
        let slug = Pack::from_bytes(&bytes).unwrap().rules[0].about.slug.to_string();
        let mut detector = plugin.clone().with_packs(vec![bytes]).open("{}").unwrap();
        assert!(detector.rules().unwrap().iter().any(|rule| rule.slug == slug), "{slug}");
    }
}

/// A component of the contract in development, when it opened without packs.
#[test]
fn a_component_from_before_the_first_release_is_refused_by_name() {
    let mut resolve = Resolve::default();
    let wit = support::root().join("tests/upgrades/before-0.1.0.wit");
    let (package, _) = resolve.push_path(wit).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    let legacy = ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync);
    let mut module = dummy_module(&resolve, world, legacy);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    let old = ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    let sandbox = Sandbox::new();
    sandbox.file("old.wasm", old);
    sandbox.file("logs", "");
    sandbox
        .scan(&["logs", "--component", "old.wasm"])
        .expect(0, 2)
        .says("cannot use old.wasm")
        .says("does not export orgwatch:detector/detection");
    // It is read without being run, and what is missing is said.
    sandbox.run(&["inspect", "old.wasm"]).expect(7, 2);
}
