//! Embeds the component that `ORGWATCH_COMPONENT` names, so that the command is one file.
//!
//! Without it nothing is embedded: the command then looks for the component beside itself, and the
//! library builds on a machine that cannot build WebAssembly.
//!
//! Its code, compiled ahead of time, is embedded beside it where `ORGWATCH_COMPILED` names a file of it.
//!
//! A component that is compiled from the same sources as the detector that the host is linked with is noted
//! by its digest: the host screens for it natively.
//!
//! Also lists the files of the rules, by whose digest the command knows whether a component has the
//! pack that is linked into it.

use std::path::{Path, PathBuf};
use std::{env, fs};

const VARIABLE: &str = "ORGWATCH_COMPONENT";
const COMPILED: &str = "ORGWATCH_COMPILED";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    println!("cargo::rerun-if-env-changed={COMPILED}");

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let (mut linked, mut digest, mut compiled) = (false, None, "None");
    let value = match env::var_os(VARIABLE) {
        Some(file) if !file.is_empty() => {
            // Copied, so that what is compiled in names no path of the machine that built it.
            let file = in_workspace(Path::new(&file));
            println!("cargo::rerun-if-changed={}", file.display());
            if let Err(err) = fs::copy(&file, out.join("component.wasm")) {
                println!("cargo::error={VARIABLE} names {}: {err}", file.display());
                return;
            }
            let component = fs::read(&file).expect("it was copied");
            linked = is_linked(&component);
            let of = orgwatch_artifact::digest(&component);
            if let Some(code) = compiled_ahead(&of) {
                fs::write(out.join("component.code"), code).expect("OUT_DIR can be written");
                compiled = r#"Some(include_bytes!(concat!(env!("OUT_DIR"), "/component.code")))"#;
            }
            digest = Some(of);
            r#"Some(include_bytes!(concat!(env!("OUT_DIR"), "/component.wasm")))"#
        }
        _ => "None",
    };
    let code = format!(
        "pub(super) static EMBEDDED: Option<&[u8]> = {value};\n\
         pub(super) static CODE: Option<&[u8]> = {compiled};\n\
         pub(super) const DIGEST: Option<&str> = {digest:?};\n\
         pub(super) const LINKED: bool = {linked};\n"
    );
    fs::write(out.join("embedded.rs"), code).expect("OUT_DIR can be written");

    let rules = in_workspace(Path::new("rules"));
    println!("cargo::rerun-if-changed={}", rules.display());
    let mut files = Vec::new();
    collect(&rules, &mut files);
    files.sort();
    let lines = files.iter().map(|file| {
        let name = file.strip_prefix(&rules).expect("it is inside").display().to_string();
        format!("    ({name:?}, include_bytes!({:?})),\n", file.display().to_string())
    });
    let code = format!("&[\n{}]\n", lines.collect::<String>());
    fs::write(out.join("rules.rs"), code).expect("OUT_DIR can be written");
}

/// The code of the component with this digest, if the file that is named has it.
fn compiled_ahead(digest: &str) -> Option<Vec<u8>> {
    let file = in_workspace(Path::new(&env::var_os(COMPILED).filter(|file| !file.is_empty())?));
    println!("cargo::rerun-if-changed={}", file.display());
    let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
    let bytes = fs::read(&file).unwrap_or_default();
    let code = orgwatch_artifact::code_of(&bytes, &arch, digest).map(<[u8]>::to_owned);
    if code.is_none() {
        println!(
            "cargo::warning={} has no code of the component for {arch}: it is compiled when it is first \
             loaded",
            file.display()
        );
    }
    code
}

/// Whether a component is compiled from the sources that the host is linked with.
fn is_linked(component: &[u8]) -> bool {
    for name in orgwatch_artifact::SOURCES {
        println!("cargo::rerun-if-changed={}", in_workspace(Path::new(name)).display());
    }
    let ours = orgwatch_artifact::sources(&in_workspace(Path::new("")));
    let its = orgwatch_artifact::Artifact::read(component).map(|artifact| artifact.build.sources);
    let linked = matches!((ours, its), (Ok(ours), Ok(Some(its))) if ours == its);
    if !linked {
        println!(
            "cargo::warning=the component is not of these sources, so that it screens events itself: \
             cargo xtask build makes both"
        );
    }
    linked
}

/// Every rule file below a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the rules are in the workspace") {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            files.push(path);
        }
    }
}

/// A relative path is taken from the root of the workspace: Cargo runs this in the package.
fn in_workspace(file: &Path) -> PathBuf {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    package.parent().unwrap_or(&package).join(file)
}
