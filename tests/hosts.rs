//! The example hosts of `docs/contract.md`, other runtimes than ours: they must find what cases say.
//!
//! They need a Python that has PyPI's `wasmtime` (variable `WASMTIME_PYTHON`), and npm's
//! `@bytecodealliance/jco` (variable `JCO`, or on the path); `cargo xtask test --full` installs both.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orgwatch_artifact::{Artifact, Case, digest};
use orgwatch_host::plugin;
use serde_json::Value;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

use crate::support;

/// The arguments that make an example host run a component.
type Arguments = dyn Fn(&Path) -> Vec<String>;

/// An example host: how to run it on a component, and a script that uses it as a library.
struct Host {
    dir: tempfile::TempDir,
    program: PathBuf,
    arguments: Box<Arguments>,
    /// The option before the path of a settings file.
    settings: Option<&'static str>,
}

struct Ran {
    ok: bool,
    out: String,
    err: String,
}

impl Host {
    fn run(&self, component: &Path, settings: Option<&Value>, events: &[u8]) -> Ran {
        let mut command = Command::new(&self.program);
        command.args((self.arguments)(component)).current_dir(support::root());
        if let Some(settings) = settings {
            let file = self.dir.path().join("settings.json");
            fs::write(&file, settings.to_string()).unwrap();
            command.args(self.settings).arg(file);
        }
        run(&mut command, events)
    }
}

fn run(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        ok: output.status.success(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn python() -> Host {
    let program = env::var_os("WASMTIME_PYTHON");
    Host {
        dir: tempfile::tempdir().unwrap(),
        program: program.expect("WASMTIME_PYTHON names a Python with PyPI's wasmtime").into(),
        arguments: Box::new(|component| {
            vec!["examples/hosts/python/host.py".into(), component.display().to_string()]
        }),
        settings: Some("--settings"),
    }
}

/// jco makes JavaScript of each component before it can run.
fn node() -> Host {
    let jco = support::program("JCO", "jco");
    let program = support::program("NODE", "node");
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_owned();
    Host {
        dir,
        program,
        arguments: Box::new(move |component| {
            let out = folder.join(component.file_stem().unwrap());
            if !out.exists() {
                let status = Command::new(&jco)
                    .args([
                        "transpile",
                        "--instantiation",
                        "async",
                        "--name",
                        "orgwatch",
                        "--quiet",
                    ])
                    .arg("--out-dir")
                    .arg(&out)
                    .arg(component)
                    .status()
                    .unwrap();
                assert!(status.success(), "jco transpile");
                fs::write(out.join("package.json"), r#"{"type": "module"}"#).unwrap();
            }
            let words = [Path::new("examples/hosts/node/host.mjs"), &out, component];
            words.iter().map(|word| word.display().to_string()).collect()
        }),
        settings: None,
    }
}

/// A few of the cases that the component carries: some of every kind, and of those with settings.
fn some_cases(bytes: &[u8]) -> Vec<Case> {
    let mut cases = Artifact::read(bytes).unwrap().cases;
    let set = |case: &Case| case.settings.as_object().is_some_and(|settings| !settings.is_empty());
    let mut nth = 0;
    cases.retain(|case| {
        nth += 1;
        nth % if set(case) { 20 } else { 60 } == 0 || case.name.starts_with("power-then-exit/")
    });
    assert!(cases.len() > 5 && cases.iter().any(set));
    cases
}

fn finds_what_the_cases_say(host: &Host) {
    let artifact = plugin::Artifact::find(None).expect("cargo xtask test builds the component");
    let file = host.dir.path().join("orgwatch.wasm");
    fs::write(&file, artifact.bytes()).unwrap();
    let cases = some_cases(artifact.bytes());
    for case in &cases {
        let ran = host.run(&file, Some(&case.settings), case.events.as_bytes());
        assert!(ran.ok, "{}: {}", case.name, ran.err);
        let parse = |text: &str| -> Vec<Value> {
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let mut found = parse(&ran.out);
        for finding in &mut found {
            let artifact_of = finding.as_object_mut().unwrap().remove("artifact").unwrap();
            assert_eq!(artifact_of["digest"], digest(artifact.bytes()));
        }
        assert_eq!(found, parse(&case.findings), "{}", case.name);
    }
    println!("{} cases", cases.len());
    let ran = host.run(&file, Some(&serde_json::json!({ "acounts": [] })), b"");
    assert!(!ran.ok && ran.err.contains("acounts"), "{}", ran.err);
}

/// `bad_guest.wat` as a component: a line that says `T` makes it trap.
fn bad_guest(folder: &Path) -> PathBuf {
    let root = support::root();
    let text = fs::read_to_string(root.join("host-test/src/plugin/bad_guest.wat")).unwrap();
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_path(root.join("wit")).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    let bytes = ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    let file = folder.join("bad_guest.wasm");
    fs::write(&file, bytes).unwrap();
    file
}

fn survives_a_trap(host: &Host) {
    let file = bad_guest(host.dir.path());
    // A carriage return ends no line.
    let ran = host.run(&file, None, b"m\r{}\nT\nm\nu\n");
    assert!(ran.ok, "{}", ran.err);
    let said: Vec<&str> = ran.err.lines().collect();
    assert_eq!(said.len(), 2, "{}", ran.err);
    assert!(said[0].contains(": line 2: the component failed: "), "{}", ran.err);
    assert!(said[1].ends_with(": line 4: unreadable as asked"), "{}", ran.err);
}

#[test]
#[ignore = "needs PyPI's wasmtime: WASMTIME_PYTHON"]
fn python_finds_what_the_cases_say() {
    let host = python();
    finds_what_the_cases_say(&host);
}

#[test]
#[ignore = "needs PyPI's wasmtime: WASMTIME_PYTHON"]
fn python_survives_a_trap() {
    let host = python();
    survives_a_trap(&host);
}

#[test]
#[ignore = "needs PyPI's wasmtime: WASMTIME_PYTHON"]
fn python_ends_what_does_not_end_and_hands_memories_on() {
    let host = python();
    let script = |script: &str, component: &Path| {
        let mut command = Command::new(&host.program);
        command.current_dir(support::root().join("examples/hosts/python"));
        let ran = run(command.args(["-c", script]).arg(component), b"");
        assert!(ran.ok, "{}", ran.err);
        ran.out
    };
    let endless = "import sys, host
detector = host.Detector(sys.argv[1], seconds=0.5)
print(detector.detect_batch(b'm\\nS\\nu\\n')[1])";
    let said = script(endless, &bad_guest(host.dir.path()));
    assert!(said.contains("(2, 'the component failed: "), "{said}");
    assert!(said.contains("(3, 'unreadable as asked')"), "{said}");

    let memory = "import sys, host
events = open('../../../samples/incident.ndjson', 'rb').read()
one, other = host.Detector(sys.argv[1]), host.Detector(sys.argv[1])
first, _ = one.detect_batch(events)
other.merge(one.save())
again, _ = other.detect_batch(events)
ids = lambda findings: {finding['id'] for finding in findings}
print(len(first), ids(first) == ids(again), all(finding['repeat'] for finding in again))
try:
    other.merge(b'nonsense')
except host.Refused:
    print('refused')";
    let artifact = plugin::Artifact::find(None).unwrap();
    let file = host.dir.path().join("orgwatch.wasm");
    fs::write(&file, artifact.bytes()).unwrap();
    let said = script(memory, &file);
    assert!(said.ends_with(" True True\nrefused\n") && !said.starts_with("0 "), "{said}");
}

#[test]
#[ignore = "needs PyPI's wasmtime: WASMTIME_PYTHON"]
fn python_runs_the_rules_of_a_pack() {
    let host = python();
    let folder = host.dir.path();
    for args in [&["new", "mine"][..], &["compile", "mine", "-o", "mine.pack"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orgwatch"));
        assert!(command.arg("rules").args(args).current_dir(folder).status().unwrap().success());
    }
    let events = "mine/cases/database-snapshot-shared/with-a-stranger/events.ndjson";
    let events = fs::read(folder.join(events)).unwrap();
    let file = folder.join("orgwatch.wasm");
    fs::write(&file, plugin::Artifact::find(None).unwrap().bytes()).unwrap();
    let ran = |pack: &str| {
        let mut command = Command::new(&host.program);
        command.args((host.arguments)(&file)).current_dir(support::root());
        run(command.arg("--pack").arg(folder.join(pack)), &events)
    };
    let found = ran("mine.pack");
    assert!(found.ok && found.out.contains("database-snapshot-shared"), "{}", found.err);
    fs::write(folder.join("cut.pack"), &fs::read(folder.join("mine.pack")).unwrap()[..99]).unwrap();
    let refused = ran("cut.pack");
    assert!(!refused.ok && refused.err.contains("packs[0]"), "{}", refused.err);
}

#[test]
#[ignore = "needs jco and Node: JCO and NODE, or both on the path"]
fn node_finds_what_the_cases_say() {
    let host = node();
    finds_what_the_cases_say(&host);
}

#[test]
#[ignore = "needs jco and Node: JCO and NODE, or both on the path"]
fn node_survives_a_trap() {
    let host = node();
    survives_a_trap(&host);
}
