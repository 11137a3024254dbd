//! `sigma check`: the Sigma project's own opinion of the pack, from a Python environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt;
use crate::process::output;
use crate::steps::Steps;
use crate::workspace::Workspace;

const SIGMA_CLI: &str = "3.1.0";
const PYSIGMA: &str = "1.5.1";

/// Installs sigma-cli unless it is there, and checks the pack.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let python = steps.run("prepare sigma-cli", "cargo xtask test", || environment(workspace))?;
    // Without --fail-on-issues, only a rule that cannot be parsed would fail.
    steps.command(
        "check the rules with sigma",
        Command::new(python)
            .args(["-m", "sigma.cli.main", "check", "--fail-on-issues"])
            .args(["--exclude", "attacktag", "--exclude", "d3_fendtag"])
            .args(["--file-pattern", "*.y*ml", "rules"]),
    )?;
    steps.skip("ATT&CK and D3FEND tags in sigma check", "it downloads their lists at every run");
    Ok(())
}

/// The environment's Python, with the versions wanted.
fn environment(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("sigma-venv");
    let python = folder.join("bin/python");
    if !has_versions(&python) {
        create(&folder, &python)?;
    }
    Ok(python)
}

fn has_versions(python: &Path) -> bool {
    let program =
        "from importlib.metadata import version; print(version('sigma-cli'), version('pysigma'))";
    output(Command::new(python).args(["-c", program]))
        .is_ok_and(|versions| versions == format!("{SIGMA_CLI} {PYSIGMA}"))
}

fn create(folder: &Path, python: &Path) -> Result<()> {
    if output(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_err() {
        apt::install(&["python3-venv"]).context(
            "Python's venv module is missing. Install it (on Debian: `apt-get install python3-venv`)",
        )?;
    }
    eprintln!("    installing sigma-cli {SIGMA_CLI} into {}", folder.display());
    fs::create_dir_all(folder)?;
    output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    output(Command::new(python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        &format!("sigma-cli=={SIGMA_CLI}"),
        &format!("pysigma=={PYSIGMA}"),
    ]))
    .context("cannot install sigma-cli from the Python package index")?;
    Ok(())
}
