//! `cargo xtask dist`: the static command as an archive, a Debian package and an image, for each kind of
//! machine, with their bill of materials, their licences and the digests of it all.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::crates::{Crate, Id};
use super::machine::{MACHINES, Machine};
use super::sbom::{self, Subject};
use super::{File, STEM, archive, artifacts, crates, deb, dist, image, licences};
use super::{write_if_changed, write_sums};
use crate::build;
use crate::process::output;
use crate::rustc;
use crate::steps::Steps;
use crate::workspace::Workspace;

const REPEAT: &str = "cargo xtask dist";

/// The libraries inside that are no crates: name, licence, place, and where its text stands.
const LIBRARIES: [(&str, &str, &str); 2] = [
    ("musl", "MIT", "https://musl.libc.org"),
    ("zstd", "BSD-3-Clause", "https://github.com/facebook/zstd"),
];

/// The parts of all packages beside the command.
pub struct Parts {
    /// The folder with `completions` and `man`, as `orgwatch generate` writes them.
    pub generated: PathBuf,
    /// The time of all files, in seconds since 1970.
    pub epoch: u64,
    /// The licences of what is inside.
    pub licences: PathBuf,
}

/// Builds everything into `dist`. Of machines that nobody named, those other than this one may be left out.
pub fn build(workspace: &Workspace, steps: &mut Steps, named: &[String]) -> Result<()> {
    build::build(workspace, steps)?;
    let mut machines = Vec::new();
    for machine in &MACHINES {
        if !named.is_empty() && !named.iter().any(|name| name == machine.arch) {
            continue;
        }
        match machine.prepare() {
            Err(error) if named.is_empty() && !machine.is_here() => {
                let why = format!("{error:#}").replace('\n', " ");
                eprintln!("    nothing for {}: {why}", machine.arch);
                steps.skip(&format!("packages for {}", machine.arch), &why);
            }
            prepared => {
                prepared?;
                machines.push(machine);
            }
        }
    }
    let parts = steps.run("write completions, manual pages and licences", REPEAT, || {
        parts(workspace, &inside(&machines, workspace)?)
    })?;
    let mut made = Vec::new();
    for machine in &machines {
        let name = format!("build the static command for {}", machine.arch);
        steps.run(&name, REPEAT, || machine.build(workspace, workspace))?;
        let name = format!("pack it for {}", machine.arch);
        made.extend(
            steps.run(&name, REPEAT, || pack(workspace, machine, &parts, &dist(workspace)))?,
        );
    }
    steps.run("write the bill of materials and the digests", REPEAT, || {
        let mut files = artifacts(workspace)?;
        let packages = made
            .into_iter()
            .map(|name| File::read(&dist(workspace), name))
            .collect::<Result<Vec<_>>>()?;
        let subject = Subject {
            package: "orgwatch-host",
            description: "Everything that is inside the orgwatch command and its packages",
            rustc: rustc::active_version()?,
            libraries: &LIBRARIES,
        };
        let bom = sbom::json(&subject, &inside(&machines, workspace)?, &packages);
        let name = format!("{STEM}-linux.cdx.json");
        write_if_changed(&dist(workspace).join(&name), bom.as_bytes())?;
        files.extend(packages);
        files.push(File::read(&dist(workspace), name)?);
        files.push(File::read(&dist(workspace), licences_name())?);
        for file in &files {
            let length = fs::metadata(dist(workspace).join(&file.name))?.len();
            eprintln!("    {:>10}  {}", length, file.name);
        }
        write_sums(workspace, files)
    })
}

/// The packages for one machine, in a folder; gives their names.
pub fn pack(
    workspace: &Workspace,
    machine: &Machine,
    parts: &Parts,
    folder: &Path,
) -> Result<Vec<String>> {
    Ok(vec![
        tarball(workspace, machine, parts, folder)?,
        deb::build(workspace, machine, parts, folder, env!("CARGO_PKG_VERSION"))?,
        image::build(workspace, machine, parts, folder)?,
    ])
}

/// The crates inside the command, on any of these machines.
pub fn inside(machines: &[&Machine], workspace: &Workspace) -> Result<BTreeMap<Id, Crate>> {
    let mut all = BTreeMap::new();
    for machine in machines {
        all.extend(crates::inside("orgwatch-host", &machine.target(), "", ".", workspace)?);
    }
    Ok(all)
}

fn licences_name() -> String {
    format!("{STEM}-linux-licences.txt")
}

/// Writes these parts. The command that was built for this machine tells its flags.
pub fn parts(workspace: &Workspace, crates: &BTreeMap<Id, Crate>) -> Result<Parts> {
    let generated = workspace.target.join("generated");
    if generated.exists() {
        fs::remove_dir_all(&generated)?;
    }
    output(Command::new(workspace.command()).arg("generate").arg(&generated))?;
    let mut text = licences::text("the orgwatch command", crates, &workspace.root)?;
    let zstd = crates.iter().find(|(id, _)| id.0 == "zstd-sys").context("zstd is inside")?.1;
    for (name, file) in [
        ("musl", workspace.root.join("packaging/licences/musl.txt")),
        ("zstd", zstd.folder.join("zstd/LICENSE")),
    ] {
        let licence =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        licences::append(&mut text, name, licence.trim());
    }
    let licences = dist(workspace).join(licences_name());
    write_if_changed(&licences, text.as_bytes())?;
    Ok(Parts { generated, epoch: epoch(&workspace.root)?, licences })
}

/// `SOURCE_DATE_EPOCH`, or the time of the last commit; where there is neither, 1970.
pub(super) fn epoch(root: &Path) -> Result<u64> {
    if let Ok(named) = env::var("SOURCE_DATE_EPOCH") {
        return named.parse().context("SOURCE_DATE_EPOCH is a number of seconds");
    }
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["log", "-1", "--format=%ct"]);
    Ok(output(&mut git).ok().and_then(|time| time.parse().ok()).unwrap_or(0))
}

/// The files of the checkout that the archive has, too.
const FROM_CHECKOUT: [&str; 6] = [
    "LICENSE",
    "packaging/systemd/orgwatch.service",
    "packaging/systemd/serve.yaml",
    "samples/README.md",
    "samples/incident.ndjson",
    "samples/settings.yaml",
];

fn tarball(
    workspace: &Workspace,
    machine: &Machine,
    parts: &Parts,
    folder: &Path,
) -> Result<String> {
    let stem = format!("{STEM}-{}", machine.target());
    let mut files = vec![
        ("orgwatch".to_owned(), machine.folder(workspace).join("orgwatch")),
        ("licences.txt".to_owned(), parts.licences.clone()),
    ];
    files.extend(FROM_CHECKOUT.map(|name| (name.to_owned(), workspace.root.join(name))));
    files.extend(archive::files(&parts.generated)?);
    files.sort();
    let mut entries = Vec::new();
    for (name, path) in files {
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mode = if name == "orgwatch" { 0o755 } else { 0o644 };
        entries.push((format!("{stem}/{name}"), mode, bytes));
    }
    let name = format!("{stem}.tar.gz");
    let bytes = archive::gzip(&archive::tar(&entries, parts.epoch)?)?;
    write_if_changed(&folder.join(&name), &bytes)?;
    Ok(name)
}
