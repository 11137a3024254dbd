//! Steps of `cargo xtask test --full` alone: programs of others, installed into `target`.

pub mod hosts;
pub mod registry;
pub mod web;
