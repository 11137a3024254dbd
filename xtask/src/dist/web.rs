//! The files beside what `cargo xtask web` makes: its package as one file, its licences, its bill of materials.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use super::crates::{self, Crate, Id};
use super::packages::epoch;
use super::sbom::{self, Subject};
use super::{File, STEM, archive, dist, licences, sums, write_if_changed};
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::Workspace;

/// The page.
pub const PAGE: &str = "orgwatch.html";
/// The folder of the package for JavaScript.
pub const PACKAGE: &str = "orgwatch-js";

/// The package as `npm pack` would make it.
fn tarball() -> String {
    format!("{PACKAGE}-{}.tgz", env!("CARGO_PKG_VERSION"))
}

fn bom() -> String {
    format!("{STEM}-web.cdx.json")
}

fn licences_name() -> String {
    format!("{STEM}-web-licences.txt")
}

/// The crates inside the modules of the page and the package: each by its name and features.
fn inside(modules: &[(&str, &str)], workspace: &Workspace) -> Result<BTreeMap<Id, Crate>> {
    let mut all: BTreeMap<Id, Crate> = BTreeMap::new();
    for (package, features) in modules {
        for (id, one) in crates::inside(package, TARGET, features, "web", workspace)? {
            match all.get_mut(&id) {
                // It may use more in one of them than in another.
                Some(known) => {
                    let more: Vec<_> =
                        one.uses.into_iter().filter(|id| !known.uses.contains(id)).collect();
                    known.uses.extend(more);
                }
                None => drop(all.insert(id, one)),
            }
        }
    }
    Ok(all)
}

/// Writes the licences of what is inside into `dist`, and gives them.
pub fn licences(modules: &[(&str, &str)], workspace: &Workspace) -> Result<String> {
    let subject = "the page and the package for JavaScript of orgwatch";
    let text = licences::text(subject, &inside(modules, workspace)?, &workspace.root)?;
    write_if_changed(&dist(workspace).join(licences_name()), text.as_bytes())?;
    Ok(text)
}

/// Packs the package, and writes the bill of materials and the digests.
pub fn write(modules: &[(&str, &str)], workspace: &Workspace) -> Result<()> {
    let folder = dist(workspace);
    let mut entries = Vec::new();
    for (name, path) in archive::files(&folder.join(PACKAGE))? {
        entries.push((format!("package/{name}"), 0o644, fs::read(path)?));
    }
    let packed = archive::gzip(&archive::tar(&entries, epoch(&workspace.root)?)?)?;
    write_if_changed(&folder.join(tarball()), &packed)?;
    let subject = Subject {
        package: "orgwatch-web",
        description: "Everything that is inside the page and the package for JavaScript of orgwatch",
        rustc: Toolchain::find()?.rustc_version()?,
        libraries: &[],
    };
    let files = [PAGE.to_owned(), tarball()].map(|name| File::read(&folder, name));
    let files = files.into_iter().collect::<Result<Vec<_>>>()?;
    let text = sbom::json(&subject, &inside(modules, workspace)?, &files);
    write_if_changed(&folder.join(bom()), text.as_bytes())?;
    // The lines of all other files stay.
    let path = folder.join("SHA256SUMS");
    let before = fs::read_to_string(&path).unwrap_or_default();
    let mut files = made(workspace)?;
    for line in before.lines() {
        let (digest, name) = line.split_once("  ").context("SHA256SUMS is damaged")?;
        if files.iter().all(|file| file.name != name) {
            files.push(File { name: name.to_owned(), digest: digest.to_owned() });
        }
    }
    write_if_changed(&path, sums(files).as_bytes())
}

/// Those of these files that are there.
pub(super) fn made(workspace: &Workspace) -> Result<Vec<File>> {
    let folder = dist(workspace);
    let names = [PAGE.to_owned(), tarball(), bom(), licences_name()];
    let there = names.into_iter().filter(|name| folder.join(name).is_file());
    there.map(|name| File::read(&folder, name)).collect()
}
