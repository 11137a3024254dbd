//! Other runtimes than ours, for the example hosts: PyPI's `wasmtime`, and npm's `jco`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::needs;
use crate::process::output;
use crate::python;
use crate::steps::Steps;
use crate::workspace::Workspace;

const WASMTIME: &str = "50.0.1";
const JCO: &str = "1.35.0";

/// Installs both unless they are there, and runs `tests/hosts.rs`.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let repeat = "cargo xtask test --full";
    let python = steps.run("prepare wasmtime for Python", repeat, || {
        python::environment(&workspace.target.join("wasmtime-venv"), &[("wasmtime", WASMTIME)])
    })?;
    let jco = steps.run("prepare jco for Node", repeat, || jco(workspace))?;
    steps.command(
        "run the component in Python and in Node",
        needs::tests(workspace, &["hosts::"]).env("WASMTIME_PYTHON", python).env("JCO", jco),
    )
}

fn jco(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("jco");
    let program = folder.join("node_modules/.bin/jco");
    if !output(Command::new(&program).arg("--version")).is_ok_and(|said| said == JCO) {
        output(Command::new("npm").arg("--version"))
            .context("npm is missing: install Node 20 or newer (https://nodejs.org)")?;
        eprintln!("    installing jco {JCO} into {}", folder.display());
        fs::create_dir_all(&folder)?;
        // npm would otherwise take the next package.json above.
        fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
        output(
            Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"])
                .arg(&folder)
                .arg(format!("@bytecodealliance/jco@{JCO}")),
        )
        .context("cannot install jco from the npm registry")?;
    }
    Ok(program)
}
