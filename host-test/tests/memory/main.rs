//! `orgwatch learn` and `scan --state`: a memory that outlives a run.

#[path = "../bench/mod.rs"]
mod bench;
#[path = "../../../tests/support/mod.rs"]
mod support;

mod approvals;
mod halves;
mod states;
