//! Standard output that nobody reads, and one that cannot be written.

use std::fs::File;
use std::io;
use std::process::Stdio;

use crate::support;
use crate::util::{Ran, Sandbox, leaving};

/// Every command that prints something, but for those that go on until they are told to end.
fn commands(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let artifact = support::dist(".wasm").display().to_string();
    sandbox.file("events.ndjson", leaving(1).to_string());
    sandbox.file("settings.yaml", "{}");
    let commands = [
        "scan events.ndjson --format json",
        "scan events.ndjson --format text",
        "screen events.ndjson",
        "split --json --output out events.ndjson",
        "rules",
        "rules --json",
        "router vector",
        "router fluent-bit",
        "router fleet",
        "settings schema",
        "settings check settings.yaml",
        "serve --check",
        &format!("inspect {artifact}"),
        &format!("verify {artifact}"),
    ];
    commands.map(|line| line.split(' ').map(str::to_owned).collect()).into()
}

fn run(sandbox: &Sandbox, args: &[String], stdout: impl Into<Stdio>) -> Ran {
    Ran::from(sandbox.command().args(args).stdout(stdout).output().unwrap())
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let sandbox = Sandbox::new();
    for args in commands(&sandbox) {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let ran = run(&sandbox, &args, writer);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        assert!(!ran.err.contains("standard output"), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_disk_that_is_full_is_one() {
    let sandbox = Sandbox::new();
    for args in commands(&sandbox) {
        let ran = run(&sandbox, &args, File::options().write(true).open("/dev/full").unwrap());
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        assert!(ran.err.contains("No space left"), "{args:?}: {}", ran.err);
    }
}
