//! The Debian package in a Debian: installed, started, upgraded and removed below systemd, in a container.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::packages::REPEAT;
use crate::apt;
use crate::dist::machine::Machine;
use crate::dist::{deb, dist, packages};
use crate::needs::on_path;
use crate::process::output;
use crate::steps::Steps;
use crate::workspace::Workspace;

/// Programs of Debian, and the packages that have them.
const PROGRAMS: [(&str, &str); 3] = [
    ("lintian", "lintian"),
    ("debootstrap", "debootstrap"),
    ("systemd-nspawn", "systemd-container"),
];

/// The release in which the package is tried.
const SUITE: &str = "bookworm";

/// The version that it is upgraded to, which differs from the first in nothing else.
const NEXT: &str = "999.0.0";

/// Looks at the package with lintian, and runs `tests/packaging/debian.sh`.
pub fn check(workspace: &Workspace, steps: &mut Steps, machine: &Machine) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let package = dist(workspace).join(format!("orgwatch_{version}-1_{}.deb", machine.debian));
    steps.run("prepare lintian and a Debian to install in", REPEAT, || {
        prepare().and_then(|()| debian(workspace))
    })?;
    steps.run("look at the Debian package with lintian", REPEAT, || {
        let said = output(Command::new("lintian").args(["--fail-on", "error"]).arg(&package))?;
        said.lines().for_each(|line| eprintln!("    {line}"));
        Ok(())
    })?;
    steps.run("install, start, upgrade and remove the Debian package", REPEAT, || {
        let folder = workspace.target.join("debian-packages");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        fs::copy(&package, folder.join("first.deb"))?;
        let parts = packages::parts(workspace, &packages::inside(&[machine], workspace)?)?;
        let next = deb::build(workspace, machine, &parts, &folder, NEXT)?;
        fs::rename(folder.join(next), folder.join("next.deb"))?;
        fs::copy("samples/incident.ndjson", folder.join("incident.ndjson"))?;
        fs::copy("tests/packaging/debian.sh", folder.join("test.sh"))?;
        boot(workspace, &folder)
    })
}

fn prepare() -> Result<()> {
    for (program, package) in PROGRAMS {
        if !on_path(&[program]) {
            apt::install(&[package]).with_context(|| {
                format!("{program} is missing. On Debian: `apt-get install {package}`")
            })?;
        }
    }
    Ok(())
}

fn base(workspace: &Workspace) -> PathBuf {
    workspace.target.join("debian").join(SUITE)
}

/// Makes a small Debian with systemd, once.
fn debian(workspace: &Workspace) -> Result<()> {
    let (base, done) = (base(workspace), workspace.target.join("debian/made"));
    if done.exists() {
        return Ok(());
    }
    eprintln!("    making a Debian in {}, which takes minutes", base.display());
    output(apt::as_root("rm")?.arg("-rf").arg(&base))?;
    fs::create_dir_all(&base)?;
    output(
        apt::as_root("debootstrap")?
            .args(["--variant=minbase", "--include=systemd,systemd-sysv,adduser", SUITE])
            .arg(&base),
    )?;
    fs::write(done, "")?;
    Ok(())
}

/// Boots it with the packages in `/packages`, and runs the script as its only task. Its changes are gone
/// after it. The network of this machine is not in it.
fn boot(workspace: &Workspace, folder: &Path) -> Result<()> {
    let mut nspawn = apt::as_root("systemd-nspawn")?;
    nspawn.args(["--quiet", "--register=no", "--keep-unit", "--private-network"]);
    nspawn.args(["--volatile=overlay", "--boot", "--directory"]).arg(base(workspace));
    nspawn.arg("--bind").arg(format!("{}:/packages", folder.display()));
    nspawn.args(["systemd.run=/packages/test.sh", "systemd.run_success_action=exit"]);
    nspawn.args(["systemd.run_failure_action=exit", "systemd.show_status=no"]);
    let booted = output(&mut nspawn);
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    if let Err(error) = booted {
        bail!("{error:#}\n{log}");
    }
    let said = log.lines().filter(|line| line.starts_with("ok: ")).collect::<Vec<_>>();
    said.iter().for_each(|line| eprintln!("    {line}"));
    match said.last() {
        Some(&"ok: all of it") => Ok(()),
        _ => bail!("the script did not come to its end:\n{log}"),
    }
}
