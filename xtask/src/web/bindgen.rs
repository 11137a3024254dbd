//! The module, and JavaScript around it: cargo, wasm-bindgen, and wasm-opt where there is one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Module, read};
use crate::needs::on_path;
use crate::process::{output, run};
use crate::rustc;
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::Workspace;

/// Features of WebAssembly that all browsers of 2023 or later and Node 20 have.
const TARGET_FEATURES: &str = "-Ctarget-feature=+simd128";

/// Sees that the sources of the standard library are beside the compiler, and installs them if need be.
pub(super) fn library_sources(toolchain: &Toolchain) -> Result<()> {
    let is_there = || rustc::active_sources().is_ok_and(|(at, _)| at.join("library").is_dir());
    if *toolchain == Toolchain::BuildStd || is_there() {
        return Ok(());
    }
    eprintln!("    adding the sources of the standard library with rustup");
    output(Command::new("rustup").args(["component", "add", "rust-src"])).context(
        "the sources of the standard library are missing: rustup component add rust-src",
    )?;
    Ok(())
}

impl Module {
    /// Compiles it, and gives the path of the module.
    pub(super) fn compile(&self, workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
        let target = workspace.target.join(self.folder);
        let mut flags = vec![format!("--remap-path-prefix={}=orgwatch", workspace.root.display())];
        if let Some(home) = &workspace.cargo_home {
            flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
        }
        flags.extend(
            [TARGET_FEATURES, "-Zunstable-options", "-Cpanic=immediate-abort"].map(Into::into),
        );
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--quiet", "--profile", "wasm", "--target", TARGET])
            .args(["--manifest-path", "web/Cargo.toml", "--package", self.package])
            .args(["--features", self.features])
            .arg("--target-dir")
            .arg(&target)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        toolchain.apply(&mut cargo);
        if *toolchain == Toolchain::Ready {
            cargo.env("RUSTC_BOOTSTRAP", "1").args(["-Z", "build-std=std,panic_abort"]);
        }
        // The standard library, too, is built to be small: its ordinary one is fast. A panic only traps, which
        // the page shows as well as its text.
        cargo.args(["-Z", "build-std-features=optimize_for_size"]);
        run(&mut cargo)?;
        let name = self.package.replace('-', "_");
        Ok(target.join(TARGET).join("wasm").join(name).with_extension("wasm"))
    }
}

/// The way in which JavaScript loads a module.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// As a module of JavaScript, with types.
    Web,
    /// As a script that sets one global, for what is inlined.
    NoModules,
}

/// wasm-bindgen's command.
pub(super) struct Bindgen(PathBuf);

impl Bindgen {
    /// Finds the command in the version of the crate, or installs it below the target folder.
    pub(super) fn prepare(workspace: &Workspace) -> Result<Self> {
        let version = version(&read(&workspace.root.join("web/Cargo.lock"))?)?;
        let is_it = |program: &Path| {
            output(Command::new(program).arg("--version"))
                .is_ok_and(|said| said == format!("wasm-bindgen {version}"))
        };
        let on_path = PathBuf::from("wasm-bindgen");
        if is_it(&on_path) {
            return Ok(Self(on_path));
        }
        let folder = workspace.target.join("wasm-bindgen");
        let program = folder.join("bin/wasm-bindgen");
        if !is_it(&program) {
            eprintln!(
                "    installing wasm-bindgen {version} into {}, which takes minutes",
                folder.display()
            );
            // Without --locked: its lock file names a version that crates.io has no more.
            output(
                Command::new("cargo")
                    .args([
                        "install",
                        "--quiet",
                        "--force",
                        "wasm-bindgen-cli",
                        "--version",
                        &version,
                    ])
                    .arg("--root")
                    .arg(&folder),
            )
            .context("cannot install wasm-bindgen-cli from crates.io")?;
        }
        Ok(Self(program))
    }

    /// Puts a module and the JavaScript around it into a folder.
    pub(super) fn run(&self, module: &Path, target: Target, out: &Path) -> Result<()> {
        let mut command = Command::new(&self.0);
        match target {
            Target::Web => command.args(["--target", "web"]),
            Target::NoModules => command.args(["--target", "no-modules", "--no-typescript"]),
        };
        output(command.arg("--remove-producers-section").arg("--out-dir").arg(out).arg(module))?;
        match target {
            Target::Web => {
                let stem = module.file_stem().unwrap_or_default().to_string_lossy();
                smaller(&out.join(format!("{stem}_bg.wasm")))
            }
            // What wasm-opt makes compresses worse than it was.
            Target::NoModules => Ok(()),
        }
    }
}

/// Runs wasm-opt where it is on the path, and keeps what is smaller.
fn smaller(module: &Path) -> Result<()> {
    if !on_path(&["wasm-opt"]) {
        return Ok(());
    }
    let out = module.with_extension("opt");
    output(
        Command::new("wasm-opt").args(["-Oz", "--all-features"]).arg(module).arg("-o").arg(&out),
    )?;
    if fs::metadata(&out)?.len() < fs::metadata(module)?.len() {
        fs::rename(out, module)?;
    }
    Ok(())
}

/// The version of the crate in a lock file.
fn version(lock: &str) -> Result<String> {
    let after = lock.split("name = \"wasm-bindgen\"\nversion = \"").nth(1);
    let version = after.and_then(|text| text.split('"').next());
    Ok(version.context("web/Cargo.lock does not name wasm-bindgen")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_crate() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version(lock).unwrap(), "0.2.130");
        assert!(version("").is_err());
    }
}
