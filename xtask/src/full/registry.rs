//! Publishing and fetching: `wkg`, `skopeo`, and a registry to do it with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt;
use crate::dist::image;
use crate::needs;
use crate::process::output;
use crate::steps::Steps;
use crate::workspace::Workspace;

const WKG: &str = "0.16.1";

/// Debian's package, and where it puts the program.
const REGISTRY: (&str, &str) = ("docker-registry", "/usr/bin/docker-registry");

/// Installs all of it unless they are there, and runs `tests/registry.rs`.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let repeat = "cargo xtask test --full";
    let wkg = steps.run("prepare wkg", repeat, || wkg(workspace))?;
    let registry = steps.run("prepare a registry", repeat, || {
        image::programs()?;
        registry()
    })?;
    steps.command(
        "publish to a registry and fetch from it",
        needs::tests(workspace, &["registry::"]).env("WKG", wkg).env("DOCKER_REGISTRY", registry),
    )
}

fn wkg(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("wkg");
    let program = folder.join("bin/wkg");
    let version = format!("wkg {WKG}");
    if !output(Command::new(&program).arg("--version")).is_ok_and(|said| said == version) {
        eprintln!("    installing wkg {WKG} into {}, which takes minutes", folder.display());
        let build = folder.join("build");
        output(
            Command::new("cargo")
                .args(["install", "--quiet", "--locked", "wkg", "--version", WKG, "--root"])
                .arg(&folder)
                .arg("--target-dir")
                .arg(&build),
        )
        .context("cannot install wkg from crates.io")?;
        // Half a gigabyte that nobody needs again.
        fs::remove_dir_all(build)?;
    }
    Ok(program)
}

/// The path of the registry, which it installs if need be.
pub fn registry() -> Result<PathBuf> {
    let (package, program) = REGISTRY;
    let program = Path::new(program);
    if !program.exists() {
        apt::install(&[package]).with_context(|| {
            format!("{} is missing. On Debian: `apt-get install {package}`", program.display())
        })?;
    }
    Ok(program.to_owned())
}
