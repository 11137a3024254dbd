//! `cargo xtask fuzz`.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};

use anyhow::{Context, Result, ensure};

use crate::process::output;
use crate::steps::Steps;
use crate::workspace::Workspace;

const CARGO_FUZZ: &str = "0.13.2";

/// The fuzz targets, as in `fuzz/fuzz_targets`.
const TARGETS: [&str; 10] = [
    "core",
    "decompress",
    "envelope",
    "inspect",
    "policy",
    "settings",
    "sigma",
    "splitter",
    "state",
    "witness",
];

/// The folders of the inputs that a target begins with, beside those that earlier runs have found.
fn seeds(target: &str) -> &'static [&'static str] {
    match target {
        "policy" => &["fuzz/seeds/policy"],
        "settings" => &["fuzz/seeds/settings"],
        "sigma" => &["rules", "tests/oracle/rules"],
        "state" => &["fuzz/seeds/state"],
        "witness" => &["fuzz/seeds/witness"],
        _ => &["tests/shapes", "fuzz/seeds"],
    }
}

/// The seconds that one input may take: the sanitizer makes the opening of a detector slow.
const TIMEOUT: u32 = 20;

/// The examples of the help.
pub const EXAMPLES: &str = "Examples:
  cargo xtask fuzz
  cargo xtask fuzz --seconds 1200
  cargo xtask fuzz --seconds 600 envelope";

/// The options of the command.
#[derive(clap::Args)]
pub struct Flags {
    /// For how many seconds each target runs; they run at the same time
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// The targets to run; all, if none is named
    #[arg(value_name = "TARGET", value_parser = TARGETS)]
    targets: Vec<String>,
}

/// Feeds each target as long as that, and fails with the first input that one fails on.
pub fn run(workspace: &Workspace, steps: &mut Steps, flags: &Flags) -> Result<()> {
    let repeat = "cargo xtask fuzz";
    let program = steps.run("prepare cargo-fuzz", repeat, || prepare(workspace))?;
    steps.command("build the fuzz targets", &mut cargo_fuzz(workspace, &program, "build"))?;
    let all = TARGETS.iter().filter(|target| {
        flags.targets.is_empty() || flags.targets.iter().any(|named| named == *target)
    });
    let all: Vec<&str> = all.copied().collect();
    steps.run("feed them", repeat, || {
        let started: Result<Vec<_>> =
            all.iter().map(|target| start(workspace, &program, target, flags.seconds)).collect();
        let mut failed = Vec::new();
        for (target, (mut child, log)) in all.iter().zip(started?) {
            let succeeded = child.wait()?.success();
            let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
            // How it ended: the count of inputs, or the error.
            let from = if succeeded { 0 } else { said.lines().count().saturating_sub(40) };
            let told = said.lines().skip(from).filter(|line| !succeeded || line.contains("DONE"));
            told.for_each(|line| eprintln!("    {target}: {line}"));
            if !succeeded {
                failed.push(*target);
            }
        }
        ensure!(failed.is_empty(), "failed: {}; the input is in fuzz/artifacts", failed.join(", "));
        Ok(())
    })
}

/// Finds cargo-fuzz, or installs it below the target folder.
fn prepare(workspace: &Workspace) -> Result<PathBuf> {
    let on_path = PathBuf::from("cargo-fuzz");
    if output(Command::new(&on_path).arg("--version")).is_ok() {
        return Ok(on_path);
    }
    let folder = workspace.target.join("cargo-fuzz");
    let program = folder.join("bin/cargo-fuzz");
    if !program.exists() {
        eprintln!("    installing cargo-fuzz {CARGO_FUZZ} into {}", folder.display());
        output(
            Command::new("cargo")
                .args(["install", "--quiet", "--locked", "cargo-fuzz", "--version", CARGO_FUZZ])
                .arg("--root")
                .arg(&folder),
        )
        .context("cannot install cargo-fuzz from crates.io")?;
    }
    Ok(program)
}

/// One of its commands. Sanitizers are an unstable option of the compiler, and rustup's has what they need.
fn cargo_fuzz(workspace: &Workspace, program: &PathBuf, command: &str) -> Command {
    let mut cargo_fuzz = Command::new(program);
    cargo_fuzz
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["fuzz", command, "--fuzz-dir", "fuzz", "--target-dir"])
        .arg(workspace.target.join("fuzz"));
    cargo_fuzz
}

/// Starts a target, which tells its progress to a file.
fn start(
    workspace: &Workspace,
    program: &PathBuf,
    target: &str,
    seconds: u32,
) -> Result<(Child, PathBuf)> {
    let corpus = workspace.root.join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let log = workspace.target.join("fuzz").join(format!("{target}.log"));
    let child = cargo_fuzz(workspace, program, "run")
        .arg(target)
        .arg(corpus)
        .args(seeds(target))
        .args(["--", "-max_len=4096", "-print_final_stats=1"])
        .arg(format!("-timeout={TIMEOUT}"))
        .arg(format!("-max_total_time={seconds}"))
        .stderr(File::create(&log)?)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    Ok((child, log))
}
