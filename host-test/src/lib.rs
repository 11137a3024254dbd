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
//! [`plugin`] is the component and the guest inside it; [`input`] turns files into batches of
//! newline-delimited events; [`output`] writes findings; [`scan`] ties the three together;
//! [`state`] keeps a detector's memory in a file; [`serve`] is the service beside Vector. [`bake`] puts
//! settings and memory into an artifact, [`inspect`] tells what one is, and [`verify`]
//! whether it can be trusted. [`split`] writes events for a router to follow.

#[cfg(not(unix))]
compile_error!("orgwatch runs on Linux, macOS and other Unix systems");

#[cfg(feature = "cli")]
pub mod bake;
#[cfg(feature = "serve")]
pub mod file;
pub mod input;
#[cfg(feature = "cli")]
pub mod inspect;
#[cfg(any(feature = "scan", feature = "serve"))]
mod native;
pub mod output;
pub mod plugin;
#[cfg(feature = "scan")]
pub mod scan;
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
