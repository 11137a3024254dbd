//! The static command, for each machine that it is distributed for.

use std::env::consts::ARCH;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::guest::COMPONENT;
use crate::needs::on_path;
use crate::process::{output, run};
use crate::workspace::Workspace;
use crate::{apt, rustc};

/// A kind of machine.
#[derive(Debug, PartialEq)]
pub struct Machine {
    /// Rust's name of it.
    pub arch: &'static str,
    /// The name that Debian and OCI have for it.
    pub debian: &'static str,
}

/// All of them.
pub const MACHINES: [Machine; 2] =
    [Machine { arch: "x86_64", debian: "amd64" }, Machine { arch: "aarch64", debian: "arm64" }];

impl Machine {
    /// Whether it is the kind of this machine, which can run what is built for it.
    pub fn is_here(&self) -> bool {
        self.arch == ARCH
    }

    /// The target: musl, whose C library can be linked in, so that the file needs nothing of a system.
    pub fn target(&self) -> String {
        format!("{}-unknown-linux-musl", self.arch)
    }

    /// Sees that the target's standard library and a C compiler are there, and installs them if need be.
    pub fn prepare(&self) -> Result<()> {
        let target = self.target();
        if !rustc::active_has(&target) {
            eprintln!("    adding the target {target} with rustup");
            output(Command::new("rustup").args(["target", "add", &target]))
                .with_context(|| format!("there is no compiler for {target}"))?;
        }
        let cc = self.c_compiler();
        if !on_path(&[&cc]) {
            let packages = match self.is_here() {
                true => vec!["musl-tools".to_owned()],
                false => vec![
                    format!("gcc-{}-linux-gnu", self.arch.replace('_', "-")),
                    format!("libc6-dev-{}-cross", self.debian),
                ],
            };
            let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
            apt::install(&packages).with_context(|| {
                format!("{cc} is missing. On Debian: `apt-get install {}`", packages.join(" "))
            })?;
        }
        Ok(())
    }

    /// Compiles zstd, which is C. For another machine it links, too: its linker for this one cannot.
    fn c_compiler(&self) -> String {
        match self.is_here() {
            true => "musl-gcc".to_owned(),
            false => format!("{}-linux-gnu-gcc", self.arch),
        }
    }

    /// The folder of what is built for it. The target folder is one of its own, since wasmtime has other
    /// features here than beside the tests.
    pub fn folder(&self, workspace: &Workspace) -> PathBuf {
        workspace.target.join("static").join(self.target()).join("dist")
    }

    /// Builds the static command, with the component of `component` inside; and its code, which is compiled ahead for
    /// the kind of this machine alone.
    pub fn build(&self, workspace: &Workspace, component: &Workspace) -> Result<PathBuf> {
        let target = self.target();
        let variable = target.replace('-', "_");
        let cc = self.c_compiler();
        let code = if self.is_here() { component.code() } else { PathBuf::new() };
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--locked", "--package", "orgwatch-host", "--bin", "orgwatch"])
            .args(["--profile", "dist", "--target", &target, "--target-dir"])
            .arg(workspace.target.join("static"))
            .current_dir(&workspace.root)
            .env("ORGWATCH_COMPONENT", COMPONENT.path(component))
            .env("ORGWATCH_COMPILED", code)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_ENCODED_RUSTFLAGS", rustflags(workspace)?.join("\x1f"))
            .env(format!("CC_{variable}"), &cc);
        if !self.is_here() {
            cargo.env(format!("CARGO_TARGET_{}_LINKER", variable.to_uppercase()), &cc);
        }
        if let Some(home) = &workspace.cargo_home {
            cargo.env("CARGO_HOME", home).env(
                format!("CFLAGS_{variable}"),
                format!("-ffile-prefix-map={}=cargo", home.display()),
            );
        }
        run(&mut cargo)?;
        Ok(self.folder(workspace).join("orgwatch"))
    }
}

/// Other names for the folders of this machine, so that the file neither tells about it nor depends on
/// it. Of several that fit a path, the compiler takes the last.
fn rustflags(workspace: &Workspace) -> Result<Vec<String>> {
    let (sources, name) = rustc::active_sources()?;
    let folders = [
        (Some(&workspace.root), "orgwatch"),
        (workspace.cargo_home.as_ref(), "cargo"),
        (Some(&workspace.target), "target"),
        (Some(&sources), name.as_str()),
    ];
    Ok(folders
        .into_iter()
        .filter_map(|(folder, name)| Some((folder?.display(), name)))
        .map(|(folder, name)| format!("--remap-path-prefix={folder}={name}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_names_the_machines_otherwise() {
        let [x86, arm] = MACHINES;
        assert_eq!(x86.target(), "x86_64-unknown-linux-musl");
        assert_eq!((arm.target().as_str(), arm.debian), ("aarch64-unknown-linux-musl", "arm64"));
    }

    #[test]
    fn no_folder_of_this_machine_is_in_the_file() {
        let workspace = Workspace {
            root: "/home/me/orgwatch".into(),
            target: "/home/me/orgwatch/target".into(),
            cargo_home: None,
        };
        let flags = rustflags(&workspace).unwrap();
        assert_eq!(flags[0], "--remap-path-prefix=/home/me/orgwatch=orgwatch");
        assert_eq!(flags[1], "--remap-path-prefix=/home/me/orgwatch/target=target");
        assert!(flags[2].contains("/lib/rustlib/src/rust=/rustc/"), "{}", flags[2]);
    }
}
