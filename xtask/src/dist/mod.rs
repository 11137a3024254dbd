//! The files beside the published artifacts: the bill of materials, the licences, and the digests of
//! it all, which a release signs.
//!
//! Ours, since `cargo-cyclonedx` and `cargo-about` are commands to install before a build, and know nothing
//! of the standard library, which is inside the guests as well.

mod archive;
mod crates;
pub mod deb;
pub mod image;
mod licences;
pub mod machine;
pub mod packages;
mod sbom;
pub mod web;

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result};
use orgwatch_artifact::digest;

use crate::guest::{COMPONENT, FLUENT_BIT};
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use sbom::Subject;

/// A file of `dist`.
struct File {
    name: String,
    /// SHA-256, as 64 hex digits.
    digest: String,
}

impl File {
    fn read(folder: &Path, name: String) -> Result<Self> {
        let path = folder.join(&name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { name, digest: digest(&bytes).trim_start_matches("sha256:").to_owned() })
    }
}

/// Writes what belongs to the artifacts that are in `dist`.
pub fn write(workspace: &Workspace) -> Result<()> {
    write_sums(workspace, artifacts(workspace)?)
}

/// The artifacts that are in `dist`, with their bill of materials and their licences, which it writes.
fn artifacts(workspace: &Workspace) -> Result<Vec<File>> {
    let folder = dist(workspace);
    let crates = crates::of_guests(&[&COMPONENT, &FLUENT_BIT], workspace)?;
    let mut files = Vec::new();
    for guest in [&COMPONENT, &FLUENT_BIT] {
        files.push(File::read(&folder, guest.file_name())?);
    }
    let subject = Subject {
        package: "orgwatch",
        description: "Everything that is inside the artifacts of orgwatch",
        rustc: Toolchain::find()?.rustc_version()?,
        libraries: &[],
    };
    let licences = licences::text("the artifacts of orgwatch", &crates, &workspace.root)?;
    let more = [
        (format!("{STEM}.cdx.json"), sbom::json(&subject, &crates, &files)),
        (format!("{STEM}-licences.txt"), licences),
    ];
    for (name, text) in more {
        write_if_changed(&folder.join(&name), text.as_bytes())?;
        files.push(File::read(&folder, name)?);
    }
    Ok(files)
}

/// The beginning of the names of all files.
const STEM: &str = concat!("orgwatch-", env!("CARGO_PKG_VERSION"));

/// The folder of what is published.
pub fn dist(workspace: &Workspace) -> PathBuf {
    workspace.root.join("dist")
}

/// Writes the digests of these, and of what `cargo xtask web` has made, if that is there.
fn write_sums(workspace: &Workspace, mut files: Vec<File>) -> Result<()> {
    files.extend(web::made(workspace)?);
    write_if_changed(&dist(workspace).join("SHA256SUMS"), sums(files).as_bytes())
}

/// Digests, in the form that `sha256sum` prints and checks.
fn sums(mut files: Vec<File>) -> String {
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files.iter().map(|file| format!("{}  {}\n", file.digest, file.name)).collect()
}

/// Replaces a file in one go, so that nobody loads half of it, and leaves an equal one alone, so that
/// what depends on it is not rebuilt.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = PathBuf::from(format!("{}.{}.tmp", path.display(), process::id()));
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn an_equal_file_is_left_alone() {
        let folder = env::temp_dir().join(format!("orgwatch-xtask-{}", process::id()));
        let path = folder.join("dist/a.wasm");
        write_if_changed(&path, b"one").unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        write_if_changed(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
        write_if_changed(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn sums_are_what_sha256sum_reads() {
        let file = |name: &str| File { name: name.into(), digest: "0".repeat(64) };
        let zeros = "0".repeat(64);
        assert_eq!(sums(vec![file("b"), file("a")]), format!("{zeros}  a\n{zeros}  b\n"));
    }
}
