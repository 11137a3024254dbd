//! `orgwatch bake` and `orgwatch inspect` on the artifacts themselves.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use orgwatch_host::bake::{bake, contents};
use orgwatch_host::plugin::{Artifact, Error, Options, Plugin};

use crate::support;

const SETTINGS: &str = r#"{"rules":{"member-left-organization":"off"}}"#;

const LEAVE: &[u8] = br#"{"eventSource":"organizations.amazonaws.com","eventID":"1",
    "eventName":"LeaveOrganization","eventTime":"2026-06-01T12:00:00Z"}"#;

const CLOSE: &[u8] = br#"{"eventSource":"organizations.amazonaws.com","eventID":"2",
    "eventName":"CloseAccount","eventTime":"2026-06-01T12:00:01Z"}"#;

fn component() -> Artifact {
    Artifact::find(None).expect("cargo xtask test builds the component first")
}

fn load(artifact: &[u8]) -> Plugin {
    Plugin::load(artifact, &Options::default()).expect("it loads")
}

fn orgwatch(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgwatch"));
    command.args(args).current_dir(folder).output().expect("it starts")
}

fn stderr(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// FindingKey no settings it uses those that are baked; others it refuses, which would not be used.
#[test]
fn a_baked_component_opens_with_what_is_baked() {
    let plugin = load(&bake(component().bytes(), SETTINGS, None, None).unwrap());
    for none in ["{}", ""] {
        let mut detector = plugin.open(none).unwrap();
        assert!(detector.detect(LEAVE).unwrap().is_empty(), "the rule is off");
        assert_eq!(detector.detect(CLOSE).unwrap().len(), 1);
    }
    let Err(Error::Settings(problems)) = plugin.open(r#"{"late":"2h"}"#) else {
        panic!("others are refused")
    };
    assert!(problems[0].problem.contains("baked into this artifact"), "{problems:?}");
}

#[test]
fn a_baked_memory_is_remembered() {
    let plain = load(component().bytes());
    let mut before = plain.open("{}").unwrap();
    before.detect(LEAVE).unwrap();
    let state = before.save_state().unwrap();
    let plugin = load(&bake(component().bytes(), "{}", Some(&state), None).unwrap());
    let mut detector = plugin.open("{}").unwrap();
    assert!(detector.detect(LEAVE).unwrap().iter().all(|finding| finding.repeat));
    assert!(detector.detect(CLOSE).unwrap().iter().all(|finding| !finding.repeat));
}

#[test]
fn what_the_command_bakes_the_command_shows() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("settings.yaml"), "rules: { member-left-organization: off }\n").unwrap();
    let sample = support::root().join("samples/incident.ndjson");
    let sample = sample.to_str().unwrap();
    let learned = orgwatch(&["learn", "-q", "--state", "state", sample], at);
    assert_eq!(learned.status.code(), Some(0), "{learned:?}");
    fs::write(at.join("component.wasm"), component().bytes()).unwrap();
    fs::copy(support::dist("-fluent-bit.wasm"), at.join("fluent-bit.wasm")).unwrap();
    for kind in ["component", "fluent-bit"] {
        let source = format!("{kind}.wasm");
        let bake = ["bake", "--settings", "settings.yaml", "--state", "state", "-o", "mine.wasm"];
        let baked = orgwatch(&[&bake[..], &[&source]].concat(), at);
        assert_eq!(baked.status.code(), Some(0), "{baked:?}");
        let shown = orgwatch(&["inspect", "--json", "mine.wasm"], at);
        assert_eq!(shown.status.code(), Some(0), "{shown:?}");
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!((&shown["kind"], &shown["ours"]), (&kind.into(), &true.into()));
        let original = fs::read(at.join(&source)).unwrap();
        assert_eq!(shown["baked"]["from"], orgwatch_artifact::digest(&original));
        assert_eq!(shown["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(shown["imports"], serde_json::json!([]));
        assert_eq!(shown["settings"], serde_json::from_str::<serde_json::Value>(SETTINGS).unwrap());
        let state = fs::metadata(at.join("state")).unwrap().len();
        assert_eq!(shown["state_bytes"], state);
        let mine = fs::read(at.join("mine.wasm")).unwrap();
        assert_eq!(contents(&mine).unwrap().state.unwrap().len() as u64, state);
        let again = orgwatch(&["bake", "--settings", "settings.yaml", "-o", "x", "mine.wasm"], at);
        assert!(stderr(&again).contains("already"));
        assert!(!at.join("x").exists());
    }
}

#[test]
fn nothing_is_written_of_what_cannot_be_baked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("in.wasm"), component().bytes()).unwrap();
    fs::write(at.join("bad.yaml"), "accounts:\n  - \"1234\"\n").unwrap();
    fs::write(at.join("good.yaml"), "late: 2h\n").unwrap();
    fs::write(at.join("text.wasm"), "no wasm").unwrap();
    fs::write(at.join("state"), "no state").unwrap();
    let bake = |settings: &str, more: &[&str], input: &str| {
        stderr(&orgwatch(
            &[&["bake", "--settings", settings, "-o", "out.wasm"], more, &[input]].concat(),
            at,
        ))
    };
    let said = bake("bad.yaml", &[], "in.wasm");
    assert!(said.contains("bad.yaml:2: accounts[0]: \"1234\": ") && said.contains("12 digits"));
    assert!(bake("good.yaml", &["--state", "state"], "in.wasm").contains("the state state"));
    assert!(bake("good.yaml", &["--state", "none"], "in.wasm").contains("orgwatch learn"));
    assert!(bake("good.yaml", &[], "text.wasm").contains("text.wasm: it is no WebAssembly"));
    assert!(bake("good.yaml", &[], "none.wasm").contains("cannot read none.wasm"));
    assert!(!at.join("out.wasm").exists());
    let said = stderr(&orgwatch(&["inspect", "text.wasm"], at));
    assert!(said.contains("text.wasm"), "{said}");
}
