//! `cargo xtask test`.

use std::env;
use std::process::Command;

use anyhow::Result;

use crate::bench;
use crate::browser;
use crate::build::{build, cargo};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{full, needs, reproduce, sigma, supply_chain};

/// Runs every check, the quick ones first.
pub fn test(workspace: &Workspace, steps: &mut Steps, full: bool) -> Result<()> {
    steps
        .command("check the formatting", Command::new("cargo").args(["fmt", "--all", "--check"]))?;
    steps.command(
        "lint",
        cargo(workspace, "clippy")
            .args([
                "--workspace",
                "--all-targets",
                "--features",
                "orgwatch/component,orgwatch/fluent-bit",
            ])
            .args(["--", "-D", "warnings"]),
    )?;
    supply_chain::check(workspace, steps)?;
    build(workspace, steps)?;
    // Both artifacts again, which takes as long as all of the above after a change in `src/`.
    let again = "build the artifacts again elsewhere";
    if full || env::var_os("CI").is_some() {
        steps.run(again, "CI=true cargo xtask test", || reproduce::check(workspace))?;
    } else {
        steps.skip(again, "runs with --full, or where CI is set");
    }
    sigma::check(workspace, steps)?;
    steps.command("run the tests", cargo(workspace, "test").arg("--workspace"))?;
    needs::check(workspace, steps, full)?;
    if full {
        heavy(workspace, steps)?;
    }
    Ok(())
}

/// The steps that only `--full` has.
fn heavy(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    full::hosts::check(workspace, steps)?;
    full::registry::check(workspace, steps)?;
    full::fleet::check(workspace, steps)?;
    browser::test(workspace, steps)?;
    full::web::check(workspace, steps)?;
    full::packages::check(workspace, steps)?;
    // Not of the workspace: `vrl` alone takes longer to compile than everything else.
    steps.command(
        "run the VRL of vector-config",
        Command::new("cargo")
            .args(["test", "--release", "--manifest-path", "tests/vrl/Cargo.toml"])
            .env("CARGO_TARGET_DIR", workspace.target.join("vrl")),
    )?;
    bench::smoke(workspace, steps)
}
