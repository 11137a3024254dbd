//! `cargo xtask web`: the package for JavaScript, and the page that runs from a file.

mod bindgen;
mod modules;
mod package;
mod page;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::dist;
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
const REPORT: Module =
    Module { package: "orgwatch-web-report", features: "", folder: "web-report" };
const ROWS: Module = Module { package: "orgwatch-web-rows", features: "", folder: "web-rows" };
const COMPILER: Module =
    Module { package: "orgwatch-web-compiler", features: "", folder: "web-compiler" };

/// All of them, by package and features.
const MODULES: [(&str, &str); 5] = [
    (PACKAGE.package, PACKAGE.features),
    (PAGE.package, PAGE.features),
    (REPORT.package, REPORT.features),
    (ROWS.package, ROWS.features),
    (COMPILER.package, COMPILER.features),
];

/// Builds both into `dist`.
pub fn build(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let bindgen = steps.run("prepare wasm-bindgen", REPEAT, || Bindgen::prepare(workspace))?;
    let toolchain = steps.run("find a compiler for WebAssembly", REPEAT, || {
        let toolchain = Toolchain::find()?;
        bindgen::library_sources(&toolchain)?;
        Ok(toolchain)
    })?;
    let out = dist::dist(workspace);
    let licences = steps.run("collect the licences of what is inside", REPEAT, || {
        dist::web::licences(&MODULES, workspace)
    })?;
    let package = steps.run("build the package for JavaScript", REPEAT, || {
        let folder = out.join(dist::web::PACKAGE);
        let module = PACKAGE.compile(workspace, &toolchain)?;
        bindgen.run(&module, Target::Web, &folder.join("wasm"))?;
        package::write(workspace, &folder, &licences)?;
        Ok(folder)
    })?;
    let page = steps.run("build the page", REPEAT, || {
        let made = workspace.target.join("web-page/bindgen");
        for module in [PAGE, REPORT, ROWS, COMPILER] {
            bindgen.run(&module.compile(workspace, &toolchain)?, Target::NoModules, &made)?;
        }
        let file = out.join(dist::web::PAGE);
        let text = page::html(workspace, &made, &licences)?;
        write(&file, text.as_bytes())?;
        Ok(file)
    })?;
    steps.run("write digests and the bill of materials", REPEAT, || {
        dist::web::write(&MODULES, workspace)
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
