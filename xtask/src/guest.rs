//! The WebAssembly that goes into other programs: one core, compiled for each of them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use orgwatch_artifact as artifact;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, DecodedWasm};

use crate::artifact::About;
use crate::dist::write_if_changed;
use crate::process::run;
use crate::rustc;
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::Workspace;

/// One artifact made from the root package.
pub struct Guest {
    /// Features of the root package, separated by commas: they choose the adapter.
    pub features: &'static str,
    /// Features of the loading runtime beyond the target's own, for `-C target-feature`.
    pub target_features: &'static str,
    /// The part of the file name between the version and `.wasm`.
    pub suffix: &'static str,
    /// The form in which it is shipped.
    pub shape: Shape,
}

/// The form of an artifact that a loader accepts.
pub enum Shape {
    /// A component that exports something and imports nothing.
    Component,
    /// The module as it is, with these exports and perhaps others, and no imports.
    Module {
        /// Their names.
        exports: &'static [&'static str],
        /// The features of WebAssembly that the loader supports.
        features: WasmFeatures,
    },
}

/// The component, for any WASI 0.2 component host. With SIMD, the prefilter is four times as fast.
pub const COMPONENT: Guest = Guest {
    features: "component",
    target_features: "+simd128",
    suffix: "",
    shape: Shape::Component,
};

/// The module for Fluent Bit's `wasm` filter. Its WAMR is built without SIMD, and these are the features
/// that its CMake options leave on; the target's own are all among them.
pub const FLUENT_BIT: Guest = Guest {
    features: "fluent-bit",
    target_features: "",
    suffix: "-fluent-bit",
    shape: Shape::Module {
        exports: &["memory", "orgwatch", "malloc", "free"],
        features: WasmFeatures::WASM1
            .union(WasmFeatures::SIGN_EXTENSION)
            .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
            .union(WasmFeatures::MULTI_VALUE)
            .union(WasmFeatures::BULK_MEMORY)
            .union(WasmFeatures::REFERENCE_TYPES),
    },
};

impl Guest {
    /// The artifact's file name.
    pub fn file_name(&self) -> String {
        // All packages of the workspace have one version.
        format!("orgwatch-{}{}.wasm", env!("CARGO_PKG_VERSION"), self.suffix)
    }

    /// The path of the artifact in `dist`.
    pub fn path(&self, workspace: &Workspace) -> PathBuf {
        workspace.root.join("dist").join(self.file_name())
    }

    /// Builds the artifact into `dist`, with its metadata, and returns its path.
    pub fn build(&self, workspace: &Workspace, about: &About) -> Result<PathBuf> {
        let path = self.path(workspace);
        write_if_changed(&path, &self.bytes(workspace, about)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Builds the artifact.
    pub fn bytes(&self, workspace: &Workspace, about: &About) -> Result<Vec<u8>> {
        let toolchain = Toolchain::find()?;
        let module = self.compile(workspace, &toolchain)?;
        let mut bytes =
            fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
        for name in folders_here(workspace) {
            let is_named = bytes.windows(name.len()).any(|part| part == name.as_bytes());
            ensure!(!is_named, "{} names {name}, a folder of this machine", module.display());
        }
        match &self.shape {
            Shape::Component => {
                bytes = encode(&bytes)
                    .with_context(|| format!("{} cannot be the component", module.display()))?;
            }
            Shape::Module { exports, features } => {
                check(&bytes, exports, *features)
                    .with_context(|| format!("{} cannot be the module", module.display()))?;
            }
        }
        about.write(&self.record(workspace, &toolchain)?, &bytes)
    }

    /// The record of its build, which names no folder of this machine.
    fn record(&self, workspace: &Workspace, toolchain: &Toolchain) -> Result<artifact::Build> {
        let flags = self.rustflags(workspace, toolchain).into_iter();
        Ok(artifact::Build {
            shape: match self.shape {
                Shape::Component => artifact::Shape::Component,
                Shape::Module { .. } => artifact::Shape::FluentBit,
            },
            rustc: toolchain.rustc_version()?,
            linker: toolchain.linker_version(),
            target: TARGET.to_owned(),
            std_from_source: *toolchain == Toolchain::BuildStd,
            features: self.features.to_owned(),
            sources: Some(artifact::sources(&workspace.root)?),
            flags: flags.map(|flag| without_folder(&flag)).collect(),
        })
    }

    fn compile(&self, workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
        // Two compilers in one target folder would rebuild each other's work, and so would two
        // guests, whose files are called the same.
        let target = workspace.target.join(format!("wasm{}", self.suffix));
        let mut cargo = Command::new("cargo");
        // With the package's rlib beside it, the cdylib would go without link-time optimization.
        cargo
            .args(["rustc", "--package", "orgwatch", "--lib", "--crate-type", "cdylib"])
            .args(["--profile", "wasm", "--target", TARGET, "--features", self.features])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(&workspace.root)
            // Incremental work is cut into other units: what one developer sets for speed would give
            // another artifact.
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_ENCODED_RUSTFLAGS", self.rustflags(workspace, toolchain).join("\x1f"));
        if let Some(home) = &workspace.cargo_home {
            cargo.env("CARGO_HOME", home);
        }
        toolchain.apply(&mut cargo);
        run(&mut cargo)?;
        Ok(target.join(TARGET).join("wasm").join("orgwatch.wasm"))
    }

    /// The compiler's flags: the features, and names for the folders whose paths would otherwise be
    /// in the artifact, so that it neither tells about the machine nor depends on it.
    fn rustflags(&self, workspace: &Workspace, toolchain: &Toolchain) -> Vec<String> {
        let named = |folder: Option<PathBuf>, name: &str| Some((folder?, name.to_owned()));
        let folders = [
            named(Some(workspace.root.clone()), "orgwatch"),
            named(workspace.cargo_home.clone(), "cargo"),
            toolchain.library_sources(),
        ];
        let mut flags: Vec<String> = folders
            .into_iter()
            .flatten()
            .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
            .collect();
        if !self.target_features.is_empty() {
            flags.push(format!("-Ctarget-feature={}", self.target_features));
        }
        flags
    }
}

/// The folders of this machine that an artifact could name; but for short ones, such as `/src`, which may be a part
/// of any path.
fn folders_here(workspace: &Workspace) -> Vec<String> {
    let sysroot = rustc::active_sysroot().ok();
    let folders = sysroot.into_iter().chain(workspace.cargo_home.clone());
    let folders = folders.chain([workspace.root.clone()]);
    folders.map(|folder| folder.display().to_string()).filter(|name| name.len() > 10).collect()
}

/// A flag of the compiler with `…` for the folder that it names.
fn without_folder(flag: &str) -> String {
    match flag.strip_prefix("--remap-path-prefix=").and_then(|folders| folders.rsplit_once('=')) {
        Some((_, name)) => format!("--remap-path-prefix=…={name}"),
        None => flag.to_owned(),
    }
}

/// Turns a module into a component that exports something and imports nothing.
fn encode(module: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default().validate(true).module(module)?.encode()?;
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&component)? else {
        bail!("it was encoded as an interface without code");
    };
    let world = &resolve.worlds[world];
    // A module without bindings gives a component that is valid, and of no use.
    ensure!(!world.exports.is_empty(), "it exports nothing");
    let imports: Vec<_> = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
    ensure!(imports.is_empty(), "it imports {}", imports.join(", "));
    Ok(component)
}

/// Whether a loader that knows these features loads a module, and finds its exports.
fn check(module: &[u8], exports: &[&str], features: WasmFeatures) -> Result<()> {
    Validator::new_with_features(features).validate_all(module)?;
    let (mut imported, mut exported) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported.push(import?.name);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    exported.push(export?.name);
                }
            }
            _ => {}
        }
    }
    ensure!(imported.is_empty(), "it imports {}", imported.join(", "));
    let missing: Vec<_> = exports.iter().filter(|name| !exported.contains(name)).copied().collect();
    ensure!(missing.is_empty(), "it does not export {}", missing.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_its_interface_is_refused() {
        let error = encode(b"\0asm\x01\0\0\0").unwrap_err();
        assert_eq!(error.to_string(), "it exports nothing");
    }

    #[test]
    fn a_module_that_fluent_bit_cannot_use_is_refused() {
        let Shape::Module { exports, features } = FLUENT_BIT.shape else { panic!("a module") };
        let refused = |sections: &[u8]| {
            let module = [b"\0asm\x01\0\0\0", sections].concat();
            check(&module, exports, features).unwrap_err().to_string()
        };
        assert_eq!(refused(b""), "it does not export memory, orgwatch, malloc, free");
        // A memory called "m", imported from "e".
        assert_eq!(refused(b"\x02\x08\x01\x01e\x01m\x02\0\0"), "it imports m");
        // A function type that takes a vector.
        assert!(refused(b"\x01\x05\x01\x60\x01\x7b\0").contains("SIMD"));
    }

    #[test]
    fn flags_name_the_machine_only_to_hide_it() {
        let workspace = Workspace {
            root: "/home/me/orgwatch".into(),
            target: "/t".into(),
            cargo_home: Some("/home/me/.cargo".into()),
        };
        let flags = COMPONENT.rustflags(&workspace, &Toolchain::Ready);
        assert_eq!(flags[0], "--remap-path-prefix=/home/me/orgwatch=orgwatch");
        assert_eq!(flags[1], "--remap-path-prefix=/home/me/.cargo=cargo");
        assert_eq!(flags.last().unwrap(), "-Ctarget-feature=+simd128");
        let recorded: Vec<_> = flags.iter().map(|flag| without_folder(flag)).collect();
        assert_eq!(recorded[0], "--remap-path-prefix=…=orgwatch");
        assert_eq!(recorded.last(), flags.last());
    }
}
