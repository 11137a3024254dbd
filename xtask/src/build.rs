//! `cargo xtask build` and `cargo xtask demo`.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::artifact::{About, Revision};
use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{dist, guest};

/// Builds the component and the module for Fluent Bit, then the host that embeds the component.
pub fn build(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let about =
        steps.run("read what the artifacts say of themselves", "cargo xtask build", || {
            let revision = Revision::of(&workspace.root);
            if let Some(remark) = revision.remark() {
                eprintln!("    {remark}");
            }
            About::read(&workspace.root, revision)
        })?;
    for (what, guest) in [
        ("build the component", guest::COMPONENT),
        ("build the module for Fluent Bit", guest::FLUENT_BIT),
    ] {
        steps.run(what, "cargo xtask build", || {
            let artifact = guest.build(workspace, &about)?;
            eprintln!("    {}", artifact.display());
            Ok(())
        })?;
    }
    steps.run("write digests, licences and the bill of materials", "cargo xtask build", || {
        dist::write(workspace)
    })?;
    compile_ahead(workspace, steps)?;
    // The whole workspace and `--examples` choose the features of dependencies as
    // `cargo test --workspace` does. Otherwise the tests would compile wasmtime a second time.
    steps.command(
        "build the host and the orgwatch command",
        cargo(workspace, "build").args(["--workspace", "--bin", "orgwatch", "--examples"]),
    )
}

/// Compiles the component ahead of time, for the host to embed the code as well.
fn compile_ahead(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let program = "orgwatch-precompile";
    steps.command(
        "build what compiles the component ahead of time",
        cargo(workspace, "build").args(["--workspace", "--bin", program]),
    )?;
    let mut compile = Command::new(workspace.target.join("release").join(program));
    compile.arg(guest::COMPONENT.path(workspace)).arg(workspace.code());
    steps.command("compile the component ahead of time", &mut compile)
}

/// The command of the demo; README.md shows its output.
const SCAN: [&str; 6] =
    ["scan", "samples/incident.ndjson", "--settings", "samples/settings.yaml", "--format", "text"];

/// Builds, then scans the sample incident.
pub fn demo(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    build(workspace, steps)?;
    steps.command("scan a sample incident", Command::new(workspace.command()).args(SCAN))
}

/// A cargo command for the host side. Each names the component that the host embeds, and in the same
/// words: cargo builds the host anew where the variable differs. A relative path, which is one of the
/// workspace, lets a developer use the same words in any checkout.
pub fn cargo(workspace: &Workspace, command: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args([command, "--release"]);
    // What cargo tells xtask of itself is no part of that: build scripts of dependencies go by it.
    for (name, _) in env::vars_os() {
        let told =
            |name: &str| name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_");
        if name.to_str().is_some_and(told) {
            cargo.env_remove(name);
        }
    }
    if guest::COMPONENT.path(workspace).exists() {
        cargo.env("ORGWATCH_COMPONENT", Path::new("dist").join(guest::COMPONENT.file_name()));
        let code = workspace.code();
        cargo.env("ORGWATCH_COMPILED", code.strip_prefix(&workspace.root).unwrap_or(&code));
    }
    cargo
}
