//! The commands that examine nothing, as a user runs them.

#[path = "../bench/mod.rs"]
mod bench;

mod rules;
mod settings;
mod split;
