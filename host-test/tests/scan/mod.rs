//! `orgwatch scan`, as a user runs it.

mod bad_input;
mod filters;
mod forms;
mod memory;
mod output;
mod screening;
mod terminal;
