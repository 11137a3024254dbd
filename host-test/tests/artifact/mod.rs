//! `orgwatch inspect` and `orgwatch verify` on the artifacts, and what stands beside them in `dist`.

mod dist;
mod inspect;
mod verify;

use std::fs;
use std::path::PathBuf;

use crate::support;

/// Both artifacts, as `cargo xtask build` leaves them.
fn artifacts() -> [(&'static str, Vec<u8>); 2] {
    let read = |suffix: &str| fs::read(support::dist(suffix)).unwrap();
    [("component", read(".wasm")), ("fluent-bit", read("-fluent-bit.wasm"))]
}

fn root() -> PathBuf {
    support::root()
}
