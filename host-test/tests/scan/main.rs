//! `orgwatch scan`, as a user runs it.

#[path = "../bench/mod.rs"]
mod bench;

mod bad_input;
mod filters;
mod forms;
mod memory;
mod output;
mod terminal;
