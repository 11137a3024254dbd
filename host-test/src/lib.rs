//! Runs the orgwatch component in wasmtime: CloudTrail events in, findings out.
//!
//! ```no_run
//! use orgwatch_host::plugin::{Artifact, Options, Plugin};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let artifact = Artifact::find(None)?;
//! let plugin = Plugin::load(artifact.bytes(), &Options::default())?;
//! let mut detector = plugin.open("{}")?;
//! let batch = detector.detect_batch(b"{\"eventName\":\"LeaveOrganization\"}\n")?;
//! for located in &batch.findings {
//!     println!("line {}: {}", located.place.line, located.finding.summary);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `examples/embed.rs` in this package is a whole program that keeps the detector's memory too.
//!
//! Every call blocks its thread and none does any input or output by itself, except in the modules
//! that read files. [`plugin::Plugin`] is `Send`, `Sync` and cheap to clone; a
//! [`plugin::Detector`] is `Send`.
//!
//! # Features
//!
//! | feature | modules |
//! | --- | --- |
//! | none | `plugin`: the component and the guest inside it; `input`: files into batches of newline-delimited events; `output`: findings as JSON |
//! | `scan` | `scan`: files and folders, in several threads; OCSF and text in `output` |
//! | `report` | `output::report`: findings as one HTML page |
//! | `serve` | `serve`: the service beside Vector; `state`: a detector's memory in a file |
//! | `cli` | the command, with `bake`, `inspect`, `rules`, `screen`, `split` and `verify`; turns on all the others, and is the default |
//!
//! A program that embeds the detector depends on this crate with `default-features = false`.

#[cfg(not(unix))]
compile_error!("orgwatch runs on Linux, macOS and other Unix systems");

#[cfg(feature = "cli")]
pub mod bake;
#[cfg(feature = "serve")]
pub mod file;
pub mod input;
#[cfg(feature = "cli")]
pub mod inspect;
mod native;
pub mod output;
pub mod plugin;
#[cfg(feature = "cli")]
pub mod rules;
#[cfg(feature = "scan")]
pub mod scan;
#[cfg(feature = "cli")]
pub mod screen;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "cli")]
pub mod split;
#[cfg(feature = "serve")]
pub mod state;
#[cfg(feature = "serve")]
mod steps;
#[cfg(feature = "cli")]
pub mod verify;

pub use orgwatch::finding::{self, Finding, Severity};
pub use wasmtime;
