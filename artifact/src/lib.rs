//! An artifact's description of itself, in custom sections: nobody has to run it to read it.
//!
//! `cargo xtask build` writes them, `orgwatch bake` changes them, `orgwatch inspect` and `orgwatch
//! verify` read them. A section is of the outermost component or module, and any tool for
//! WebAssembly shows it.
//!
//! | section | what it holds |
//! | --- | --- |
//! | `name` or `component-name`, `version`, `revision`, `licenses`, `description`, `authors`, `homepage`, `source` | what the crate `wasm-metadata` writes and OCI registries show; plain text |
//! | [`BUILD`] | how it was built, as JSON: [`Build`] |
//! | [`PACK`] | the rules it carries, as JSON: [`Pack`] |
//! | [`CASES`] | the cases that it must pass, as JSON lines in gzip: [`Case`] |
//! | [`BAKED`] | what `orgwatch bake` put into it, as JSON: [`Baked`] |
//! | [`DIGEST`] | SHA-256 of all other bytes: [`seal`] |
//!
//! Members may be added to the JSON documents; those that are there keep their meaning.

mod about;
mod cases;
mod compiled;
mod digest;
mod read;
mod sections;
mod sources;

pub use about::{BAKED, BUILD, Baked, BakedRules, Build, PACK, Pack, PackRule, Shape};
pub use cases::{CASES, Case, CaseError};
pub use compiled::{code_file, code_of};
pub use digest::{DIGEST, Integrity, digest, integrity, seal};
pub use read::{Artifact, Fault};
pub use sections::{Kind, Malformed, Module, Section};
pub use sources::{SOURCES, sources};
