//! The crates that are inside an artifact, as cargo knows them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::guest::Guest;
use crate::process::output;
use crate::toolchain::TARGET;
use crate::workspace::Workspace;

/// A crate by name and version.
pub type Id = (String, String);

/// One crate.
pub struct Crate {
    /// Its licences, as an SPDX expression.
    pub licence: String,
    /// The folder of its sources.
    pub folder: PathBuf,
    /// SHA-256 of its package, as the registry has it; none for ours.
    pub checksum: Option<String>,
    /// Its dependencies among the crates that are inside.
    pub uses: Vec<Id>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
}

/// The crates that the guests are made of.
pub fn of_guests(guests: &[&Guest], workspace: &Workspace) -> Result<BTreeMap<Id, Crate>> {
    let features: Vec<&str> = guests.iter().map(|guest| guest.features).collect();
    inside("orgwatch", TARGET, &features.join(","), ".", workspace)
}

/// The crates that a package is made of, itself included. Crates that only run while building are not
/// inside: build scripts, macros, and tests. The folder is that of cargo's workspace.
pub fn inside(
    package: &str,
    target: &str,
    features: &str,
    folder: &str,
    workspace: &Workspace,
) -> Result<BTreeMap<Id, Crate>> {
    let folder = workspace.root.join(folder);
    let tree = output(
        Command::new("cargo")
            .current_dir(&folder)
            .args(["tree", "--locked", "--package", package, "--target", target])
            .args(["--features", features])
            .args(["--edges", "normal,no-proc-macro", "--no-dedupe"])
            .args(["--prefix", "depth", "--format", " {p}"]),
    )?;
    let metadata = output(
        Command::new("cargo")
            .current_dir(&folder)
            .args(["metadata", "--locked", "--format-version=1", "--filter-platform", target])
            .args(["--features", features]),
    )?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("cargo metadata")?;
    let checksums = checksums(&fs::read_to_string(folder.join("Cargo.lock"))?);
    let mut crates = BTreeMap::new();
    for (id, uses) in edges(&tree)? {
        let package = metadata
            .packages
            .iter()
            .find(|package| (&package.name, &package.version) == (&id.0, &id.1))
            .with_context(|| format!("cargo metadata does not know {} {}", id.0, id.1))?;
        let licence = package.license.as_deref();
        let licence = licence.with_context(|| format!("{} names no licence", id.0))?;
        let inside = Crate {
            // Cargo's old way to write a choice.
            licence: licence.replace('/', " OR "),
            folder: package.manifest_path.parent().context("a manifest in a folder")?.to_owned(),
            checksum: checksums.get(&id).cloned(),
            uses,
        };
        crates.insert(id, inside);
    }
    Ok(crates)
}

/// Dependencies of each crate, from the lines of `cargo tree`: depth, name, version.
fn edges(tree: &str) -> Result<BTreeMap<Id, Vec<Id>>> {
    let mut all: BTreeMap<Id, Vec<Id>> = BTreeMap::new();
    let mut path: Vec<Id> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let word = |words: &mut std::str::SplitWhitespace<'_>| {
            words.next().map(str::to_owned).with_context(|| format!("cargo tree says {line:?}"))
        };
        let depth: usize = word(&mut words)?.parse()?;
        let id = (word(&mut words)?, word(&mut words)?.trim_start_matches('v').to_owned());
        path.truncate(depth);
        if let Some(user) = path.last() {
            let uses = all.entry(user.clone()).or_default();
            if !uses.contains(&id) {
                uses.push(id.clone());
            }
        }
        all.entry(id.clone()).or_default();
        path.push(id);
    }
    Ok(all)
}

/// The digests in `Cargo.lock`.
fn checksums(lock: &str) -> BTreeMap<Id, String> {
    let field = |package: &str, name: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(&format!("{name} = \"")))?;
        Some(line.trim_end_matches('"').to_owned())
    };
    let packages = lock.split("[[package]]").skip(1);
    packages
        .filter_map(|package| {
            let id = (field(package, "name")?, field(package, "version")?);
            Some((id, field(package, "checksum")?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        (name.to_owned(), "1.0.0".to_owned())
    }

    #[test]
    fn the_tree_is_read() {
        let tree = "0 a v1.0.0 (/home/me/a)\n1 b v1.0.0\n2 c v1.0.0\n1 c v1.0.0\n";
        let edges = edges(tree).unwrap();
        assert_eq!(edges[&id("a")], [id("b"), id("c")]);
        assert_eq!(edges[&id("b")], [id("c")]);
        assert_eq!(edges[&id("c")], []);
    }

    #[test]
    fn the_lock_file_is_read() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\n\
            name = \"b\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"c0ffee\"\n";
        let checksums = checksums(lock);
        assert_eq!(checksums.get(&id("a")), None);
        assert_eq!(checksums.get(&id("b")).unwrap(), "c0ffee");
    }
}
