//! `orgwatch serve` as it runs, between a real HTTP client and a downstream that does what
//! downstreams do.

#[path = "../bench/mod.rs"]
mod bench;
#[path = "../../../tests/support/mod.rs"]
mod support;

mod chains;
mod config;
mod downstream;
mod forms;
mod guarantee;
mod journal;
mod lifecycle;
mod limits;
mod operations;
mod output;
mod overload;
mod service;
mod strangers;
