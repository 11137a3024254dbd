//! The packages, used: the static command where there is nothing else, and all of them again to the byte. `debian`
//! and `image` use the other two.

use std::env::consts::ARCH;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use orgwatch_artifact::digest;

use super::{debian, image, kubernetes};
use crate::apt;
use crate::dist::machine::{MACHINES, Machine};
use crate::dist::{dist, packages};
use crate::process::output;
use crate::reproduce;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// The command that repeats these steps.
pub const REPEAT: &str = "cargo xtask dist --test";

/// Builds the packages for this kind of machine, and uses them.
pub fn check(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let machine = MACHINES
        .iter()
        .find(|machine| machine.is_here())
        .with_context(|| format!("there are no packages for {ARCH}"))?;
    packages::build(workspace, steps, &[machine.arch.to_owned()])?;
    steps.run("pack again", REPEAT, || pack_again(workspace, machine))?;
    steps.run("run the demo where there is nothing else", REPEAT, || alone(workspace, machine))?;
    debian::check(workspace, steps, machine)?;
    image::check(workspace, steps, machine)?;
    kubernetes::check(workspace, steps)?;
    // Last, since it takes the longest.
    steps.run("build the static command again elsewhere", REPEAT, || {
        reproduce::command(workspace, machine)
    })
}

/// The same files give the same packages.
fn pack_again(workspace: &Workspace, machine: &Machine) -> Result<()> {
    let folder = workspace.target.join("packed-again");
    fs::create_dir_all(&folder)?;
    let parts = packages::parts(workspace, &packages::inside(&[machine], workspace)?)?;
    for name in packages::pack(workspace, machine, &parts, &folder)? {
        let read = |folder: &Path| fs::read(folder.join(&name)).context(name.clone());
        let (first, again) = (read(&dist(workspace))?, read(&folder)?);
        ensure!(first == again, "{name} is {}, and again {}", digest(&first), digest(&again));
        eprintln!("    {name} is {} again", digest(&again));
    }
    Ok(())
}

/// The words of a scan about the code of the component: it is in both commands, or in none.
fn code(scan: &mut Command) -> Result<String> {
    let said = scan.arg("--verbose").output()?.stderr;
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().find(|line| line.trim_start().starts_with("code "));
    Ok(line.with_context(|| format!("it says\n{said}"))?.trim_start().to_owned())
}

/// The arguments of the demo, below the root of the file system.
const DEMO: [&str; 6] =
    ["scan", "/incident.ndjson", "--settings", "/settings.yaml", "--format", "text"];

/// The command out of its archive, in a root that has nothing but it and its input: the findings are those of
/// the command that the tests run.
fn alone(workspace: &Workspace, machine: &Machine) -> Result<()> {
    let folder = workspace.target.join("alone");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let root = folder.join("root");
    fs::create_dir_all(&root)?;
    let stem = format!("orgwatch-{}-{}", env!("CARGO_PKG_VERSION"), machine.target());
    output(
        Command::new("tar")
            .arg("-xzf")
            .arg(dist(workspace).join(format!("{stem}.tar.gz")))
            .arg("-C")
            .arg(&folder),
    )?;
    let unpacked = folder.join(stem);
    fs::copy(unpacked.join("orgwatch"), root.join("orgwatch"))?;
    for name in ["incident.ndjson", "settings.yaml"] {
        fs::copy(unpacked.join("samples").join(name), root.join(name))?;
    }
    let mut chroot = apt::as_root("chroot")?;
    chroot.arg(&root).arg("/orgwatch").args(DEMO);
    let there = output(&mut chroot)?;
    let here = DEMO.map(|word| match word.strip_prefix('/') {
        Some(name) => format!("samples/{name}"),
        None => word.to_owned(),
    });
    let mut command = Command::new(workspace.command());
    command.args(here);
    let here = output(&mut command)?;
    let there = there.replace("/incident.ndjson", "samples/incident.ndjson");
    ensure!(here == there, "the static command finds\n{there}\nand the other one\n{here}");
    ensure!(there.contains("CRITICAL"), "it finds nothing:\n{there}");
    eprintln!("    {} lines, the same as without", there.lines().count());
    let (here, there) = (code(&mut command)?, code(&mut chroot)?);
    ensure!(
        here == there,
        "of its code the static command says {there:?}, and the other one {here:?}"
    );
    eprintln!("    {there}");
    Ok(())
}
