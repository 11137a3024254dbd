//! `orgwatch scan --report`, as a user runs it and as a browser shows it.

mod browser;
mod file;
mod shown;
