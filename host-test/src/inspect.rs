//! What a WebAssembly file is, read from its bytes: nothing of it is run.

use std::path::Path;

use orgwatch_artifact::{Kind, Malformed, Module, digest};
use serde::Serialize;
use wasmparser::{ExternalKind, Parser, Payload};

use crate::bake;

/// What is known of a file. Serializes to what `orgwatch inspect --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The file, as it was named.
    pub file: String,
    /// Whether it is an orgwatch artifact.
    pub ours: bool,
    /// `component` or `fluent-bit` if it is, otherwise what it is as WebAssembly.
    pub kind: String,
    /// The version of orgwatch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the file, as `sha256:<hex>`: what findings carry as the artifact's digest.
    pub digest: String,
    /// Its length in bytes.
    pub size: usize,
    /// What it asks its host for.
    pub imports: Vec<String>,
    /// What it offers its host.
    pub exports: Vec<String>,
    /// The settings that are baked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// The length of the memory that is baked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_bytes: Option<usize>,
    /// Why it is not ours, or cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Describes a file as far as it can be; fails on nothing but what is no WebAssembly.
pub fn inspect(file: &Path, bytes: &[u8]) -> Result<Inspection, Malformed> {
    let whole = Module::parse(bytes)?;
    let (imports, exports) = edges(bytes).unwrap_or_default();
    let mut seen = Inspection {
        file: file.display().to_string(),
        ours: false,
        kind: whole.kind.to_string(),
        version: None,
        digest: digest(bytes),
        size: bytes.len(),
        imports,
        exports,
        settings: None,
        state_bytes: None,
        problem: None,
    };
    let contract = |name: &String| name.starts_with("orgwatch:detector/detection@");
    let kind = match whole.kind {
        Kind::Component if seen.exports.iter().any(contract) => "component",
        Kind::Module if seen.exports.iter().any(|name| name == "orgwatch") => "fluent-bit",
        _ => {
            seen.problem = Some("it does not offer what an orgwatch artifact offers".into());
            return Ok(seen);
        }
    };
    match bake::contents(bytes) {
        Ok(contents) => {
            (seen.ours, seen.kind) = (true, kind.to_owned());
            seen.version = Some(contents.version);
            seen.settings = contents
                .settings
                .map(|text| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)));
            seen.state_bytes = contents.state.map(|state| state.len());
        }
        Err(err) => seen.problem = Some(err.to_string()),
    }
    Ok(seen)
}

/// The names of what the outermost module or component imports and exports.
fn edges(bytes: &[u8]) -> wasmparser::Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
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
        assert_eq!(seen.imports, ["wasi.fd_write"]);
        assert_eq!(seen.exports, ["memory"]);
        assert!(seen.problem.is_some() && seen.version.is_none());
        let named = of(r#"(module (func (export "orgwatch")))"#);
        assert!(!named.ours && named.problem.unwrap().contains("no place for settings"));
        let nested = of(r#"(component (core module (import "a" "b" (func))))"#);
        assert_eq!((&nested.kind[..], nested.imports.len()), ("a component", 0));
    }

    #[test]
    fn what_is_no_webassembly_is_an_error() {
        for bytes in [&b""[..], b"#!/bin/sh", b"\0asm\x01\0\0", b"\0asm\x01\0\0\0\x05"] {
            assert!(inspect(Path::new("a"), bytes).is_err(), "{bytes:?}");
        }
    }
}
