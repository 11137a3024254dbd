//! The compilers of this machine, and what they can do.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::output;

/// The compiler that Debian installs.
pub const SYSTEM: &str = "/usr/bin/rustc";

/// The oldest compiler that the workspace builds with.
pub const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

fn active_rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")))
}

/// Whether the active compiler has the standard library for a target.
pub fn active_has(target: &str) -> bool {
    // rustc prints the folder whether or not it is there.
    let folder = output(active_rustc().args(["--print", "target-libdir", "--target", target]));
    folder.ok().and_then(|folder| fs::read_dir(folder).ok()).is_some_and(|files| {
        files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
    })
}

/// The version line of the active compiler.
pub fn active_version() -> Result<String> {
    output(active_rustc().arg("--version"))
}

/// The version line of the system's compiler.
pub fn system_version() -> Result<String> {
    output(Command::new(SYSTEM).arg("--version").env_remove("LD_LIBRARY_PATH"))
}

/// The folder of the active compiler.
pub fn active_sysroot() -> Result<PathBuf> {
    Ok(output(active_rustc().args(["--print", "sysroot"]))?.into())
}

/// The folder of the standard library's sources that rustup installs beside the active compiler, if asked to,
/// and the name that the compiler has for it where they are not.
pub fn active_sources() -> Result<(PathBuf, String)> {
    let said = output(active_rustc().args(["--version", "--verbose"]))?;
    let commit = said.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let commit = commit.context("the compiler names no commit")?;
    Ok((active_sysroot()?.join("lib/rustlib/src/rust"), format!("/rustc/{commit}")))
}

/// The linker for WebAssembly that rustup installs with the active compiler.
pub fn active_rust_lld() -> Option<PathBuf> {
    let libraries = output(active_rustc().args(["--print", "target-libdir"])).ok()?;
    let linker = Path::new(&libraries).parent()?.join("bin/rust-lld");
    linker.exists().then_some(linker)
}

/// Whether the system's compiler is there, new enough, and has its sources.
pub fn check_system() -> Result<()> {
    let version = system_version()?;
    ensure!(is_at_least(&version, OLDEST), "{version} is older than {OLDEST}");
    let lock = system_sources()?.join("library/Cargo.lock");
    ensure!(lock.exists(), "{} does not exist", lock.display());
    Ok(())
}

/// The folder of the standard library's sources for the system's compiler.
pub fn system_sources() -> Result<PathBuf> {
    let mut command = Command::new(SYSTEM);
    let sysroot = output(command.args(["--print", "sysroot"]).env_remove("LD_LIBRARY_PATH"))?;
    Ok(Path::new(&sysroot).join("lib/rustlib/src/rust"))
}

/// Compares what `rustc --version` prints with a version.
fn is_at_least(printed: &str, wanted: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        version.split(['.', '-']).map_while(|number| number.parse().ok()).collect()
    };
    let version = printed.split_whitespace().nth(1).unwrap_or_default();
    numbers(version) >= numbers(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_at_least("rustc 1.96.0 (ac68faa20 2026-05-25)", "1.95"));
        assert!(is_at_least("rustc 1.95.0-nightly (abc 2026-01-01)", "1.95"));
        assert!(is_at_least("rustc 1.100.0", "1.95"));
        assert!(!is_at_least("rustc 1.85.0 (4d91de4e4 2025-02-17)", "1.95"));
        assert!(!is_at_least("", "1.95"));
    }
}
