//! The build of an artifact, its rules, and what was baked into it.

use serde::{Deserialize, Serialize};

/// The name of the section that holds [`Build`].
pub const BUILD: &str = "orgwatch:build";

/// The name of the section that holds [`Pack`].
pub const PACK: &str = "orgwatch:pack";

/// The name of the section that holds [`Baked`].
pub const BAKED: &str = "orgwatch:baked";

/// The program that loads an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Any WASI 0.2 component host.
    Component,
    /// Fluent Bit's `wasm` filter.
    FluentBit,
}

/// The build of an artifact: the same sources with the same of all this give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The program that loads it.
    pub shape: Shape,
    /// The output of `rustc --version`.
    pub rustc: String,
    /// The linker's name and version; none where the compiler brought its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linker: Option<String>,
    /// The target.
    pub target: String,
    /// Whether the standard library was compiled along with it, as opposed to having come with the
    /// compiler.
    pub std_from_source: bool,
    /// The features of the package `orgwatch`, separated by commas.
    pub features: String,
    /// The digest of its [sources](crate::sources); none in what was built before they were named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<String>,
    /// The flags of the compiler. Folders of the machine are replaced by `…`.
    pub flags: Vec<String>,
}

/// The rules that an artifact carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    /// Its version.
    pub version: String,
    /// SHA-256 of the list of its files, as `sha256sum` prints them, in the order of their names.
    pub digest: String,
    /// In the order of their files.
    pub rules: Vec<PackRule>,
}

/// One rule of a [`Pack`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackRule {
    /// Its slug.
    pub slug: String,
    /// Its Sigma UUID.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its level.
    pub severity: String,
    /// The day it was last modified.
    pub version: String,
    /// Its file in `rules/`.
    pub file: String,
    /// SHA-256 of the file.
    pub digest: String,
    /// It gives no finding of its own, only steps of chains.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
}

/// The settings, the state and the rules that `orgwatch bake` put into a copy of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baked {
    /// SHA-256 of the artifact that was copied.
    pub from: String,
    /// SHA-256 of the settings, one JSON document; none if none were baked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<String>,
    /// SHA-256 of the memory; none if none was baked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The rules; none if none were baked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<BakedRules>,
}

/// A compiled pack that was baked into an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BakedRules {
    /// The files and folders that it was compiled from, as they were given.
    pub name: String,
    /// SHA-256 of the compiled pack.
    pub digest: String,
}
