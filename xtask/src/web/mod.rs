//! `cargo xtask web`: the package for JavaScript, and the page that runs from a file.

mod bindgen;
mod modules;
mod package;
mod page;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::steps::Steps;
use crate::toolchain::Toolchain;
use crate::workspace::Workspace;
use bindgen::{Bindgen, Target};

const REPEAT: &str = "cargo xtask web";

/// A crate of `web/` as WebAssembly.
struct Module {
    package: &'static str,
    features: &'static str,
    /// The name of its target folder.
    folder: &'static str,
}

const PACKAGE: Module = Module { package: "orgwatch-web", features: "", folder: "web-package" };
const PAGE: Module = Module { package: "orgwatch-web", features: "page", folder: "web-page" };
const COMPILER: Module =
    Module { package: "orgwatch-web-compiler", features: "", folder: "web-compiler" };

/// Builds both into `dist`.
pub fn build(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let bindgen = steps.run("prepare wasm-bindgen", REPEAT, || Bindgen::prepare(workspace))?;
    let toolchain = steps.run("find a compiler for WebAssembly", REPEAT, Toolchain::find)?;
    let dist = workspace.root.join("dist");
    let package = steps.run("build the package for JavaScript", REPEAT, || {
        let folder = dist.join("orgwatch-js");
        let module = PACKAGE.compile(workspace, &toolchain)?;
        bindgen.run(&module, Target::Web, &folder.join("wasm"))?;
        package::write(workspace, &folder)?;
        Ok(folder)
    })?;
    let page = steps.run("build the page", REPEAT, || {
        let out = workspace.target.join("web-page/bindgen");
        for module in [PAGE, COMPILER] {
            bindgen.run(&module.compile(workspace, &toolchain)?, Target::NoModules, &out)?;
        }
        let file = dist.join("orgwatch.html");
        let text = page::html(workspace, &out)?;
        write(&file, text.as_bytes())?;
        Ok(file)
    })?;
    eprintln!("    {}\n    {}", package.display(), page.display());
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
