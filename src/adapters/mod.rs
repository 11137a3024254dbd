//! The shapes that the detection logic is shipped in.

#[cfg(feature = "component")]
mod component;
// Nothing calls it on any other target but its tests.
pub mod annotate_json;
#[cfg(any(feature = "fluent-bit", test))]
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
mod fluent_bit;
mod json;
mod wit_conversions;
