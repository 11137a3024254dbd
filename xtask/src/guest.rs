//! The WebAssembly that goes into other programs: one core, compiled for each of them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::{ComponentEncoder, DecodedWasm};

use crate::process::run;
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::Workspace;

/// One artifact made from the root package.
pub struct Guest {
    /// Features of the root package, separated by commas: they choose the adapter.
    pub features: &'static str,
    /// What the loading runtime supports beyond the target's own features, for `-C target-feature`.
    pub target_features: &'static str,
    /// What the file is called between the version and `.wasm`.
    pub suffix: &'static str,
    /// What becomes of the module.
    pub shape: Shape,
}

/// What a loader wants of an artifact.
pub enum Shape {
    /// A component that exports something and imports nothing.
    Component,
    /// The module as it is, with these exports and perhaps others, and no imports.
    Module {
        /// Their names.
        exports: &'static [&'static str],
        /// What of WebAssembly the loader knows.
        features: WasmFeatures,
    },
}

/// What any WASI 0.2 component host loads. With SIMD, the prefilter is four times as fast.
pub const COMPONENT: Guest = Guest {
    features: "component",
    target_features: "+simd128",
    suffix: "",
    shape: Shape::Component,
};

/// What Fluent Bit's `wasm` filter loads. Its WAMR is built without SIMD, and these are the features
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

    /// Builds the artifact into `dist` and returns its path.
    pub fn build(&self, workspace: &Workspace) -> Result<PathBuf> {
        let module = self.compile(workspace, &Toolchain::find()?)?;
        let mut bytes =
            fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
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
        let artifact = workspace.root.join("dist").join(self.file_name());
        write_if_changed(&artifact, &bytes)
            .with_context(|| format!("cannot write {}", artifact.display()))?;
        Ok(artifact)
    }

    fn compile(&self, workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
        // Two compilers in one target folder would rebuild each other's work.
        let target = workspace.target.join("wasm");
        let mut cargo = Command::new("cargo");
        // With the package's rlib beside it, the cdylib would go without link-time optimization.
        cargo
            .args(["rustc", "--package", "orgwatch", "--lib", "--crate-type", "cdylib"])
            .args(["--profile", "wasm", "--target", TARGET, "--features", self.features])
            .arg("--target-dir")
            .arg(&target)
            .env("CARGO_ENCODED_RUSTFLAGS", self.rustflags(workspace, toolchain).join("\x1f"));
        toolchain.apply(&mut cargo);
        run(&mut cargo)?;
        Ok(target.join(TARGET).join("wasm").join("orgwatch.wasm"))
    }

    /// The compiler's flags: the features, and names for the folders whose paths would otherwise be
    /// in the artifact, so that it neither tells about the machine nor depends on it.
    fn rustflags(&self, workspace: &Workspace, toolchain: &Toolchain) -> Vec<String> {
        let folders = [
            (Some(workspace.root.clone()), "orgwatch"),
            (cargo_home(), "cargo"),
            (toolchain.library_sources(), "rust"),
        ];
        let mut flags: Vec<String> = folders
            .into_iter()
            .filter_map(|(folder, name)| Some((folder?, name)))
            .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
            .collect();
        if !self.target_features.is_empty() {
            flags.push(format!("-Ctarget-feature={}", self.target_features));
        }
        flags
    }
}

fn cargo_home() -> Option<PathBuf> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"));
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home)
}

/// Turns a module into a component that exports something and imports nothing.
fn encode(module: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default().validate(true).module(module)?.encode()?;
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&component)? else {
        bail!("it was encoded as an interface without code");
    };
    let world = &resolve.worlds[world];
    // What a module without bindings would give: valid, and of no use.
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

/// Replaces a file in one go, so that nobody loads half of it, and leaves an equal one alone, so that
/// what depends on it is not rebuilt.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = path.with_extension(format!("{}.tmp", process::id()));
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equal_file_is_left_alone() {
        let folder = env::temp_dir().join(format!("orgwatch-xtask-{}", process::id()));
        let path = folder.join("dist/a.wasm");
        write_if_changed(&path, b"one").unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        write_if_changed(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
        write_if_changed(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

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
        let workspace = Workspace { root: "/home/me/orgwatch".into(), target: "/t".into() };
        let flags = COMPONENT.rustflags(&workspace, &Toolchain::Ready);
        assert_eq!(flags[0], "--remap-path-prefix=/home/me/orgwatch=orgwatch");
        assert_eq!(flags.last().unwrap(), "-Ctarget-feature=+simd128");
    }
}
