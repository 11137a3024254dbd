//! The artifacts built once more, in another folder: they must come out the same to the byte.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use orgwatch_artifact::digest;

use crate::artifact::{About, Revision};
use crate::dist::machine::Machine;
use crate::guest::{COMPONENT, FLUENT_BIT};
use crate::workspace::Workspace;

/// Folders of a checkout that hold no sources.
const LEFT_OUT: &[&str] = &[".git", "dist", "node_modules", "target"];

/// Builds the artifacts from a copy of the sources, with a target folder and a cargo home that are
/// called otherwise, and compares them with those in `dist`.
///
/// The copy is kept, and cargo compiles again in it what has changed since.
pub fn check(workspace: &Workspace) -> Result<()> {
    let elsewhere = elsewhere(workspace)?;
    // The copy is no checkout: the revision of its sources is passed to it.
    let about = About::read(&elsewhere.root, Revision::of(&workspace.root))?;
    for guest in [COMPONENT, FLUENT_BIT] {
        let path = guest.path(workspace);
        let first = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let again = guest.bytes(&elsewhere, &about)?;
        ensure!(
            first == again,
            "{} is {}, and built again in {} it is {}",
            path.display(),
            digest(&first),
            elsewhere.root.display(),
            digest(&again)
        );
        eprintln!("    {} is {} again", guest.file_name(), digest(&again));
    }
    Ok(())
}

/// Builds the static command from that copy, with the component in `dist`, and compares it with the one
/// that was built here.
pub fn command(workspace: &Workspace, machine: &Machine) -> Result<()> {
    let elsewhere = elsewhere(workspace)?;
    let first = fs::read(machine.folder(workspace).join("orgwatch"))?;
    let again = fs::read(machine.build(&elsewhere, workspace)?)?;
    ensure!(
        first == again,
        "the command for {} is {}, and built again in {} it is {}",
        machine.arch,
        digest(&first),
        elsewhere.root.display(),
        digest(&again)
    );
    eprintln!("    the command for {} is {} again", machine.arch, digest(&again));
    Ok(())
}

/// A copy of the sources, with a target folder and a cargo home that are called otherwise.
fn elsewhere(workspace: &Workspace) -> Result<Workspace> {
    let folder = workspace.target.join("reproduce");
    let copy = folder.join("sources");
    mirror(&workspace.root, &copy)
        .with_context(|| format!("cannot copy the sources to {}", copy.display()))?;
    Ok(Workspace {
        root: copy,
        target: folder.join("build"),
        cargo_home: another_home(workspace, &folder.join("home"))?,
    })
}

/// The same registry under another path. If links cannot be made, the usual home has to do.
fn another_home(workspace: &Workspace, folder: &Path) -> Result<Option<PathBuf>> {
    let Some(home) = &workspace.cargo_home else { return Ok(None) };
    fs::create_dir_all(folder)?;
    for name in ["registry", "git", "config.toml", "config"] {
        let (from, to) = (home.join(name), folder.join(name));
        if from.exists() && !to.exists() && link(&from, &to).is_err() {
            return Ok(Some(home.clone()));
        }
    }
    Ok(Some(folder.to_owned()))
}

fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

/// Makes a folder equal to another. Files that are equal already stay as they are, with the times
/// that cargo goes by.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if LEFT_OUT.iter().any(|left_out| name == OsStr::new(left_out)) {
            continue;
        }
        let (source, copy) = (entry.path(), to.join(&name));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            mirror(&source, &copy)?;
        } else if kind.is_file() {
            crate::dist::write_if_changed(&copy, &fs::read(source)?)?;
        } else {
            continue;
        }
        names.insert(name);
    }
    for entry in fs::read_dir(to)? {
        let entry = entry?;
        if names.contains(&entry.file_name()) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_has_the_same_and_no_more() {
        let folder = std::env::temp_dir().join(format!("orgwatch-mirror-{}", std::process::id()));
        let (from, to) = (folder.join("from"), folder.join("to"));
        fs::create_dir_all(from.join("src")).unwrap();
        fs::create_dir_all(from.join("target")).unwrap();
        fs::write(from.join("src/lib.rs"), "1").unwrap();
        fs::create_dir_all(to.join("gone")).unwrap();
        fs::write(to.join("gone/old"), "1").unwrap();
        mirror(&from, &to).unwrap();
        let written = fs::metadata(to.join("src/lib.rs")).unwrap().modified().unwrap();
        mirror(&from, &to).unwrap();
        assert_eq!(fs::metadata(to.join("src/lib.rs")).unwrap().modified().unwrap(), written);
        let names: Vec<_> =
            fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["src"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
