//! The shapes that the detection logic is shipped in.

#[cfg(feature = "component")]
mod component;
#[cfg(any(feature = "fluent-bit", test))]
mod fluent_bit;
mod mirror;
pub mod splice;
