//! Python packages, each set in an environment of its own below the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt;
use crate::process::output;

/// The Python of an environment that has exactly these versions: name and version each. It is made
/// anew where there is another.
pub fn environment(folder: &Path, packages: &[(&str, &str)]) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    if !has(&python, packages) {
        create(folder, &python, packages)?;
    }
    Ok(python)
}

/// Whether there is such an environment.
pub fn has(python: &Path, packages: &[(&str, &str)]) -> bool {
    let program = "import sys; from importlib.metadata import version; \
                   print(*(version(name) for name in sys.argv[1:]))";
    let names = packages.iter().map(|(name, _)| name);
    let wanted: Vec<_> = packages.iter().map(|(_, version)| *version).collect();
    output(Command::new(python).args(["-c", program]).args(names))
        .is_ok_and(|versions| versions == wanted.join(" "))
}

fn create(folder: &Path, python: &Path, packages: &[(&str, &str)]) -> Result<()> {
    if output(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_err() {
        apt::install(&["python3-venv"]).context(
            "Python's venv module is missing. Install it (on Debian: `apt-get install python3-venv`)",
        )?;
    }
    let wanted: Vec<_> =
        packages.iter().map(|(name, version)| format!("{name}=={version}")).collect();
    eprintln!("    installing {} into {}", wanted.join(", "), folder.display());
    fs::create_dir_all(folder)?;
    output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    output(Command::new(python).args(["-m", "pip", "install", "--quiet"]).args(&wanted))
        .with_context(|| {
            format!("cannot install {} from the Python package index", wanted.join(", "))
        })?;
    Ok(())
}
