//! Corpora of CloudTrail events, and the passes over them that `cargo xtask bench` times in process.
//!
//! [`corpus`] makes events out of the repository's own fixtures; [`packs`] makes rule packs of any
//! size; [`hostile`] makes what would take long; [`measure`] times the native core and the component on
//! them.

pub mod corpus;
#[cfg(test)]
mod cost;
pub mod hostile;
#[cfg(test)]
mod instructions;
pub mod measure;
pub mod packs;
