//! `sigma check`: the Sigma project's own opinion of the pack, from a Python environment of its own.

use std::process::Command;

use anyhow::Result;

use crate::python;
use crate::steps::Steps;
use crate::workspace::Workspace;

const PACKAGES: [(&str, &str); 2] = [("sigma-cli", "3.1.0"), ("pysigma", "1.5.1")];

/// Installs sigma-cli unless it is there, and checks the pack.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let folder = workspace.target.join("sigma-venv");
    let prepare = || python::environment(&folder, &PACKAGES);
    let python = steps.run("prepare sigma-cli", "cargo xtask test", prepare)?;
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
