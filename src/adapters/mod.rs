//! The shapes that the detection logic is shipped in.

#[cfg(feature = "component")]
mod component;
mod mirror;
