//! The package in npm's form.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::read;
use crate::workspace::Workspace;

/// The hand-written files of the package.
const FILES: [&str; 7] =
    ["README.md", "browser.js", "detector.js", "index.d.ts", "manual.d.ts", "manual.js", "node.js"];

/// Writes everything beside the module.
pub(super) fn write(workspace: &Workspace, folder: &Path, licences: &str) -> Result<()> {
    let from = workspace.root.join("web/js");
    for name in FILES {
        fs::copy(from.join(name), folder.join(name))?;
    }
    fs::copy(workspace.root.join("LICENSE"), folder.join("LICENSE"))?;
    fs::write(folder.join("licences.txt"), licences)?;
    let manifest = read(&from.join("package.json"))?;
    let manifest = manifest.replace("{version}", env!("CARGO_PKG_VERSION"));
    Ok(fs::write(folder.join("package.json"), manifest)?)
}
