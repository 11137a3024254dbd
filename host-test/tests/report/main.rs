//! `orgwatch scan --report`, as a user runs it and as a browser shows it.

#[path = "../bench/mod.rs"]
mod bench;

mod browser;
mod file;
mod shown;
