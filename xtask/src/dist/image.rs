//! The image, by buildah and skopeo, which need no daemon: `packaging/image/Containerfile`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::machine::Machine;
use super::packages::Parts;
use super::{STEM, archive, write_if_changed};
use crate::apt;
use crate::artifact::Revision;
use crate::needs::on_path;
use crate::process::output;
use crate::workspace::Workspace;

/// Builds the image into a folder, as an OCI layout in a tar archive, and gives its name.
pub fn build(
    workspace: &Workspace,
    machine: &Machine,
    parts: &Parts,
    folder: &Path,
) -> Result<String> {
    programs()?;
    let work = workspace.target.join("image").join(machine.arch);
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let context = work.join("context");
    fs::create_dir_all(&context)?;
    fs::copy(machine.folder(workspace).join("orgwatch"), context.join("orgwatch"))?;
    let version = env!("CARGO_PKG_VERSION");
    let revision = Revision::of(&workspace.root).text().unwrap_or_default();
    let plain = format!("oci:{}:{version}", work.join("plain").display());
    // The driver without a kernel's help: there is one layer, of one file.
    let mut buildah = Command::new("buildah");
    buildah.args(["--storage-driver", "vfs", "--root"]).arg(work.join("storage"));
    buildah.arg("--runroot").arg(work.join("run")).args(["build", "--quiet"]);
    buildah.args(["--isolation", "chroot", "--layers=false", "--identity-label=false"]);
    buildah.args(["--format", "oci", "--os", "linux", "--arch", machine.debian, "--timestamp"]);
    buildah.arg(parts.epoch.to_string());
    for (name, value) in [("VERSION", version), ("REVISION", &revision)] {
        buildah.arg("--build-arg").arg(format!("{name}={value}"));
    }
    buildah.args(["--file", "packaging/image/Containerfile", "--tag", &plain]).arg(&context);
    output(&mut buildah)?;
    let layout = work.join("layout");
    output(
        Command::new("skopeo")
            .args(["--insecure-policy", "copy", "--quiet", "--dest-compress"])
            .args(["--dest-compress-format", "gzip", &plain])
            .arg(format!("oci:{}:{version}", layout.display())),
    )?;
    let mut entries = Vec::new();
    for (name, path) in archive::files(&layout)? {
        entries.push((name, 0o644, fs::read(path)?));
    }
    let name = format!("{STEM}-{}.oci.tar", machine.debian);
    write_if_changed(&folder.join(&name), &archive::tar(&entries, parts.epoch)?)?;
    Ok(name)
}

/// Sees that both programs are there, and installs them if need be.
pub fn programs() -> Result<()> {
    for program in ["buildah", "skopeo"] {
        if !on_path(&[program]) {
            apt::install(&[program]).with_context(|| {
                format!("{program} is missing. On Debian: `apt-get install {program}`")
            })?;
        }
    }
    Ok(())
}
