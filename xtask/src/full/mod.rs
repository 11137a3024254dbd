//! Steps of `cargo xtask test --full` alone: programs of others, installed into `target`.

pub mod fleet;
pub mod hosts;
pub mod registry;
pub mod web;
