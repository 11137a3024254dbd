//! `orgwatch learn` and `scan --state`: a memory that outlives a run.

mod approvals;
mod halves;
mod states;
