//! The licences of what is inside, as one text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::crates::{Crate, Id};
use crate::rustc;
use crate::toolchain::Toolchain;

/// The beginnings of the names of files that hold a licence or belong to one.
const NAMES: &[&str] = &["COPYING", "COPYRIGHT", "LICENCE", "LICENSE", "NOTICE", "UNLICENSE"];

/// The beginnings of the names of crates whose packages lack the licence that their sources have.
const WITHOUT_TEXT: &[&str] =
    &["async-nats", "cranelift-", "pulley-", "rsigma-parser", "wasmtime-internal-"];

/// Each licence text once, below the names of those that it is of.
pub fn text(subject: &str, crates: &BTreeMap<Id, Crate>, root: &Path) -> Result<String> {
    let mut text = format!("What is inside {subject}, and its licences\n\n");
    let mut owners: Vec<(String, Vec<String>)> = Vec::new();
    for (id, one) in crates {
        let owner = format!("{} {}", id.0, id.1);
        writeln!(text, "{owner}: {}", one.licence)?;
        // Our own crates are under the licence of the workspace.
        let folder = if one.checksum.is_some() { one.folder.as_path() } else { root };
        let files = licence_files(folder)?;
        if files.is_empty() {
            let known = WITHOUT_TEXT.iter().any(|name| id.0.starts_with(name));
            ensure!(known, "{owner} comes without a licence: {}", folder.display());
            writeln!(text, "    its package has no text of it; its sources have")?;
        }
        for file in files {
            let licence = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            add(&mut owners, &owner, licence.trim());
        }
    }
    writeln!(text, "std, Rust's standard library: MIT OR Apache-2.0\n")?;
    let library = standard_library(&Toolchain::find()?);
    for licence in &library {
        add(&mut owners, "std, Rust's standard library", licence.trim());
    }
    if library.is_empty() {
        text += "The compiler came without the standard library's licences, which are at \
                 https://github.com/rust-lang/rust.\n\n";
    }
    for (licence, owners) in owners {
        append(&mut text, &owners.join("\n"), &licence);
    }
    Ok(text)
}

/// Appends a licence, below the names of those that it is of.
pub fn append(text: &mut String, owners: &str, licence: &str) {
    let line = "=".repeat(80);
    *text += &format!("{line}\n{owners}\n{line}\n\n{licence}\n\n");
}

fn add(owners: &mut Vec<(String, Vec<String>)>, owner: &str, licence: &str) {
    match owners.iter_mut().find(|(text, _)| text == licence) {
        Some((_, names)) => names.push(owner.to_owned()),
        None => owners.push((licence.to_owned(), vec![owner.to_owned()])),
    }
}

fn licence_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && NAMES.iter().any(|known| name.starts_with(known)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// As rustup or Debian put them beside the compiler that is used. Another may be installed too.
fn standard_library(toolchain: &Toolchain) -> Vec<String> {
    let places = match toolchain {
        Toolchain::Ready => {
            let folder =
                rustc::active_sysroot().unwrap_or_default().join("share/doc/rust/licenses");
            vec![folder.join("MIT.txt"), folder.join("Apache-2.0.txt")]
        }
        Toolchain::BuildStd => vec!["/usr/share/doc/libstd-rust-web-dev/copyright".into()],
    };
    places.iter().filter_map(|place| fs::read_to_string(place).ok()).collect()
}
