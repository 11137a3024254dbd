//! `orgwatch scan`, as a user runs it.
//!
//! These need a detector. Built without one (see `build.rs`) they say so and pass: `cargo xtask
//! test` builds with one.

#[macro_use]
mod bench;

mod bad_input;
mod forms;
mod output;
