//! What only `cargo xtask test --full` runs: other people's programs, installed into `target`.

pub mod hosts;
pub mod registry;
