//! The Debian package, by cargo-deb: `host-test/Cargo.toml` lists its files, `packaging/debian` has its scripts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::machine::Machine;
use super::packages::Parts;
use super::{archive, write_if_changed};
use crate::process::output;
use crate::workspace::Workspace;

const CARGO_DEB: &str = "3.8.0";

/// Debian's part of the version.
const REVISION: &str = "1";

/// Builds the package of a version into a folder, and gives its name.
pub fn build(
    workspace: &Workspace,
    machine: &Machine,
    parts: &Parts,
    folder: &Path,
    version: &str,
) -> Result<String> {
    let version = format!("{version}-{REVISION}");
    stage(machine, workspace, parts, &version)?;
    let name = format!("orgwatch_{version}_{}.deb", machine.debian);
    output(
        Command::new(cargo_deb(workspace)?)
            .args(["--manifest-path", "host-test/Cargo.toml", "--no-build", "--no-strip"])
            .args(["--profile", "dist", "--target", &machine.target(), "--deb-version", &version])
            .arg("--output")
            .arg(folder.join(&name))
            .env("CARGO_TARGET_DIR", workspace.target.join("static"))
            .env("SOURCE_DATE_EPOCH", parts.epoch.to_string()),
    )?;
    Ok(name)
}

/// Puts beside the command what the list of files names below `target`.
fn stage(machine: &Machine, workspace: &Workspace, parts: &Parts, version: &str) -> Result<()> {
    let folder = machine.folder(workspace).join("debian");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    for (name, path) in archive::files(&parts.generated)? {
        let bytes = fs::read(path)?;
        match name.strip_prefix("man/") {
            Some(page) => write_if_changed(
                &folder.join("man").join(format!("{page}.gz")),
                &archive::gzip(&bytes)?,
            )?,
            None => write_if_changed(&folder.join(name), &bytes)?,
        }
    }
    fs::copy(&parts.licences, folder.join("licences.txt"))?;
    let changelog = archive::gzip(changelog(version, parts.epoch)?.as_bytes())?;
    write_if_changed(&folder.join("changelog.Debian.gz"), &changelog)
}

fn changelog(version: &str, epoch: u64) -> Result<String> {
    let time = OffsetDateTime::from_unix_timestamp(epoch.try_into()?)?.format(&Rfc2822)?;
    let (version, repository) = (version, env!("CARGO_PKG_REPOSITORY"));
    Ok(format!(
        "orgwatch ({version}) stable; urgency=medium\n\n  * Changes: {repository}/blob/main/CHANGELOG.md\n\n \
         -- The orgwatch authors <orgwatch@users.noreply.github.com>  {time}\n"
    ))
}

fn cargo_deb(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("cargo-deb");
    let program = folder.join("bin/cargo-deb");
    if !output(Command::new(&program).arg("--version")).is_ok_and(|said| said.ends_with(CARGO_DEB))
    {
        eprintln!("    installing cargo-deb {CARGO_DEB} into {}", folder.display());
        let build = folder.join("build");
        output(
            Command::new("cargo")
                .args([
                    "install",
                    "--quiet",
                    "--locked",
                    "cargo-deb",
                    "--version",
                    CARGO_DEB,
                    "--root",
                ])
                .arg(&folder)
                .arg("--target-dir")
                .arg(&build),
        )
        .context("cannot install cargo-deb from crates.io")?;
        fs::remove_dir_all(build)?;
    }
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_changelog_is_in_debians_form() {
        let text = changelog("0.1.0-1", 1_795_747_472).unwrap();
        assert!(text.starts_with("orgwatch (0.1.0-1) stable; urgency=medium\n\n  * "), "{text}");
        assert!(text.ends_with(">  Fri, 27 Nov 2026 02:44:32 +0000\n"), "{text}");
    }
}
