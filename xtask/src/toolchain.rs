//! A compiler for WebAssembly, wherever one can be had.
//!
//! A `rust-toolchain.toml` with the target would do for a compiler of rustup that has a network. Debian's has
//! neither rustup nor the target's standard library, and the artifacts are built with it, too.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::output;
use crate::{apt, rustc};

/// The target of every guest.
pub const TARGET: &str = "wasm32-unknown-unknown";

const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// A way to compile a guest here.
#[derive(Debug, PartialEq)]
pub enum Toolchain {
    /// The active compiler has the target.
    Ready,
    /// The system's compiler has its sources: the standard library is built along with the guest.
    BuildStd,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Attempt {
    Rustup,
    Debian,
}

#[derive(Debug, PartialEq)]
enum Next {
    Use(Toolchain),
    Try(Attempt),
    GiveUp,
}

#[derive(Clone, Copy)]
struct Found {
    active_has_target: bool,
    system_has_sources: bool,
}

impl Toolchain {
    /// Finds a toolchain, installing one if need be.
    pub fn find() -> Result<Self> {
        let mut failures = Vec::new();
        loop {
            let tried: Vec<_> = failures.iter().map(|(attempt, _)| *attempt).collect();
            match next(look(), &tried) {
                Next::Use(toolchain) => return Ok(toolchain),
                Next::Try(attempt) => {
                    let failure = match attempt.make() {
                        Ok(()) => "it ran, and yet there is nothing to use".to_owned(),
                        Err(error) => format!("{error:#}"),
                    };
                    failures.push((attempt, failure));
                }
                Next::GiveUp => {
                    let tried: String = failures
                        .iter()
                        .map(|(attempt, failure)| format!("\n- {attempt:?}: {failure}"))
                        .collect();
                    bail!("{}\nWhat was tried:{tried}", what_to_install());
                }
            }
        }
    }

    /// Sets a cargo command up to use this toolchain.
    pub fn apply(&self, cargo: &mut Command) {
        if *self == Self::Ready {
            return;
        }
        cargo
            .env("RUSTC", rustc::SYSTEM)
            // build-std is an unstable option of cargo.
            .env("RUSTC_BOOTSTRAP", "1")
            // `cargo run` points this at the libraries of the active compiler.
            .env_remove("LD_LIBRARY_PATH")
            .args(["-Z", "build-std=std,panic_abort"]);
        // Debian's compiler comes without a linker for WebAssembly, rustup's with one.
        if let Some(linker) = rustc::active_rust_lld() {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
    }

    /// The version line of its compiler.
    pub fn rustc_version(&self) -> Result<String> {
        match self {
            Self::Ready => rustc::active_version(),
            Self::BuildStd => rustc::system_version(),
        }
    }

    /// The version line of the linker, where it is not the compiler's own.
    pub fn linker_version(&self) -> Option<String> {
        match self {
            Self::Ready => None,
            Self::BuildStd => {
                let mut linker = Command::new(rustc::active_rust_lld()?);
                output(linker.args(["-flavor", "wasm", "--version"])).ok()
            }
        }
    }

    /// The folder of the standard library's sources, and the name that stands for it in an artifact. A compiled
    /// library names it too where rustup has installed the sources.
    pub fn library_sources(&self) -> Option<(PathBuf, String)> {
        match self {
            Self::Ready => rustc::active_sources().ok(),
            Self::BuildStd => Some((rustc::system_sources().ok()?, "rust".to_owned())),
        }
    }
}

impl Attempt {
    fn make(self) -> Result<()> {
        match self {
            Self::Rustup => {
                eprintln!("    adding the target {TARGET} with rustup");
                output(Command::new("rustup").args(["target", "add", TARGET]))?;
                Ok(())
            }
            Self::Debian => apt::install(&DEBIAN_PACKAGES),
        }
    }
}

/// The next step: use a toolchain that is there, in order of preference, and install only if none is.
fn next(found: Found, tried: &[Attempt]) -> Next {
    if found.active_has_target {
        Next::Use(Toolchain::Ready)
    } else if !tried.contains(&Attempt::Rustup) {
        Next::Try(Attempt::Rustup)
    } else if found.system_has_sources {
        Next::Use(Toolchain::BuildStd)
    } else if !tried.contains(&Attempt::Debian) {
        Next::Try(Attempt::Debian)
    } else {
        Next::GiveUp
    }
}

fn look() -> Found {
    Found {
        active_has_target: rustc::active_has(TARGET),
        system_has_sources: rustc::check_system().is_ok(),
    }
}

fn what_to_install() -> String {
    format!(
        "There is no compiler for {TARGET}. Install one of these and run the command again: the \
         rustup target (`rustup target add {TARGET}`), which is the usual way; or, on Debian, a \
         compiler with its sources (`apt-get install {}`, version {} or newer, as {}).",
        DEBIAN_PACKAGES.join(" "),
        rustc::OLDEST,
        rustc::SYSTEM,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(active_has_target: bool, system_has_sources: bool) -> Found {
        Found { active_has_target, system_has_sources }
    }

    #[test]
    fn a_target_that_is_there_is_used_before_anything_is_tried() {
        assert_eq!(next(found(true, true), &[]), Next::Use(Toolchain::Ready));
    }

    #[test]
    fn rustup_comes_before_building_the_standard_library() {
        assert_eq!(next(found(false, true), &[]), Next::Try(Attempt::Rustup));
    }

    #[test]
    fn a_compiler_that_is_there_is_not_installed_again() {
        let tried = [Attempt::Rustup];
        assert_eq!(next(found(false, true), &tried), Next::Use(Toolchain::BuildStd));
    }

    #[test]
    fn packages_come_last_and_are_tried_once() {
        let tried = [Attempt::Rustup, Attempt::Debian];
        assert_eq!(next(found(false, false), &tried[..1]), Next::Try(Attempt::Debian));
        assert_eq!(next(found(false, true), &tried), Next::Use(Toolchain::BuildStd));
        assert_eq!(next(found(false, false), &tried), Next::GiveUp);
    }
}
