//! Steps of `cargo xtask test --full` alone: programs of others, installed into `target`.

mod debian;
pub mod fleet;
pub mod hosts;
mod image;
mod kubernetes;
pub mod packages;
pub mod registry;
pub mod web;
