//! The description of a WebAssembly file, read from its bytes: nothing of it is run.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::unwrap_used))]

use std::collections::BTreeMap;
use std::path::Path;

use orgwatch_artifact::{Artifact, Baked, Build, Malformed, Module, Pack, Shape, digest};
use serde::Serialize;
use wasmparser::{ExternalKind, Parser, Payload};

use crate::{bake, plugin};

/// The description of a file. Serializes to what `orgwatch inspect --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Inspection {
    /// The file, as it was named.
    pub file: String,
    /// Whether it is an orgwatch artifact, every byte as it was built or baked.
    pub ours: bool,
    /// `component` or `fluent-bit` if it is, otherwise what it is as WebAssembly.
    pub kind: String,
    /// SHA-256 of the file, as `sha256:<hex>`: what findings carry as the artifact's digest.
    pub digest: String,
    /// Its length in bytes.
    pub size: usize,
    /// The world of the contract that a component keeps, with its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// Its imports; none where that cannot be read, which is not the same as nothing.
    pub imports: Option<Vec<String>>,
    /// Its exports.
    pub exports: Option<Vec<String>>,
    /// The texts of the sections that any tool shows: `version`, `revision`, `licenses`,
    /// `description`, `authors`, `homepage`, `source`.
    #[serde(flatten)]
    pub said: BTreeMap<&'static str, String>,
    /// The description of its build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// The rules that it carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<Pack>,
    /// The number of cases that it carries, for `orgwatch verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases: Option<usize>,
    /// The parts baked into it, and the artifact they were baked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baked: Option<Baked>,
    /// The settings that are baked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// The length of the memory that is baked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_bytes: Option<usize>,
    /// The rules that are baked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<BakedPack>,
    /// Whether this program screens events for it natively: it is linked with the sources that this component
    /// is compiled from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screened_natively: Option<bool>,
    /// Why it is not ours, or how it is damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A pack that is baked into an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BakedPack {
    /// The files and folders that it was compiled from.
    pub name: String,
    /// Its digest: packs of equal digests find the same.
    pub digest: String,
    /// The version of the form that it is compiled to.
    pub format: u16,
    /// Whether it stands in the place of the rules that the artifact carries.
    pub alone: bool,
    /// The slugs of its rules and chains.
    pub slugs: Vec<String>,
}

/// The sections that hold plain text.
const SAID: [&str; 7] =
    ["version", "revision", "licenses", "description", "authors", "homepage", "source"];

impl BakedPack {
    fn of(pack: &orgwatch_sigma::Pack, baked: Option<&Baked>) -> Self {
        let noted = baked.and_then(|baked| baked.rules.as_ref());
        BakedPack {
            name: noted.map(|rules| rules.name.clone()).unwrap_or_default(),
            digest: format!("{:016x}", pack.digest()),
            format: orgwatch_sigma::FORMAT,
            alone: pack.alone,
            slugs: pack.public().iter().map(|about| about.slug.to_string()).collect(),
        }
    }
}

/// Describes a file as far as it can be; fails on nothing but what is no WebAssembly, or is not laid
/// out as such.
pub fn inspect(file: &Path, bytes: &[u8]) -> Result<Inspection, Malformed> {
    let whole = Module::parse(bytes)?;
    let (imports, exports) = edges(bytes).ok().unzip();
    let said = SAID.iter().filter_map(|name| {
        let text = std::str::from_utf8(whole.custom(name)?).ok()?;
        Some((*name, text.to_owned()))
    });
    let mut seen = Inspection {
        file: file.display().to_string(),
        kind: whole.kind.to_string(),
        digest: digest(bytes),
        size: bytes.len(),
        world: exports.as_deref().and_then(world),
        said: said.collect(),
        imports,
        exports,
        ..Inspection::default()
    };
    let artifact = match Artifact::read(bytes) {
        Ok(artifact) => artifact,
        Err(fault) => {
            seen.problem = Some(fault.to_string());
            return Ok(seen);
        }
    };
    seen.ours = true;
    seen.kind = match artifact.build.shape {
        Shape::Component => "component".into(),
        Shape::FluentBit => "fluent-bit".into(),
    };
    if artifact.build.shape == Shape::Component {
        let native = plugin::Artifact::screened_natively();
        seen.screened_natively = Some(native == Some(&*seen.digest));
    }
    seen.cases = Some(artifact.cases.len());
    seen.build = Some(artifact.build);
    seen.pack = Some(artifact.pack);
    seen.baked = artifact.baked;
    match bake::contents(bytes) {
        Ok(contents) => {
            seen.settings = contents
                .settings
                .map(|text| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)));
            seen.state_bytes = contents.state.map(|state| state.len());
            match contents.pack.map(|pack| orgwatch_sigma::Pack::from_bytes(&pack)).transpose() {
                Ok(pack) => seen.rules = pack.map(|pack| BakedPack::of(&pack, seen.baked.as_ref())),
                Err(error) => {
                    seen.ours = false;
                    seen.problem = Some(format!("the rules that are baked in: {error}"));
                }
            }
        }
        Err(err) => (seen.ours, seen.problem) = (false, Some(err.to_string())),
    }
    Ok(seen)
}

/// The world that has these exports.
fn world(exports: &[String]) -> Option<String> {
    let interface = exports.iter().find_map(|name| {
        name.strip_prefix("orgwatch:detector/detection@").filter(|version| !version.is_empty())
    })?;
    Some(format!("orgwatch:detector/plugin@{interface}"))
}

/// The names of what the outermost module or component imports and exports.
fn edges(bytes: &[u8]) -> wasmparser::Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth = depth.saturating_add(1);
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    imports.push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if matches!(export.kind, ExternalKind::Func | ExternalKind::Memory) {
                        exports.push(export.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Inspection {
        inspect(Path::new("a.wasm"), &wat::parse_str(text).unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_ours_is_described_and_said_not_to_be() {
        let seen = of(r#"(module (import "wasi" "fd_write" (func)) (memory (export "memory") 1))"#);
        assert_eq!((seen.ours, &seen.kind[..]), (false, "a core module"));
        assert_eq!(seen.imports.unwrap(), ["wasi.fd_write"]);
        assert_eq!(seen.exports.unwrap(), ["memory"]);
        assert!(seen.problem.unwrap().contains("not an artifact of orgwatch"));
        assert!(seen.said.is_empty() && seen.world.is_none());
        let nested = of(r#"(component (core module (import "a" "b" (func))))"#);
        assert_eq!((&nested.kind[..], nested.imports), ("a component", Some(vec![])));
    }

    #[test]
    fn imports_that_cannot_be_read_are_not_said_to_be_none() {
        // An import section of one entry, which is not there.
        let seen = inspect(Path::new("a"), b"\0asm\x01\0\0\0\x02\x01\x01").unwrap();
        assert_eq!((seen.imports, seen.exports, seen.ours), (None, None, false));
    }

    #[test]
    fn what_is_no_webassembly_is_an_error() {
        for bytes in [&b""[..], b"#!/bin/sh", b"\0asm\x01\0\0", b"\0asm\x01\0\0\0\x05"] {
            assert!(inspect(Path::new("a"), bytes).is_err(), "{bytes:?}");
        }
    }
}
