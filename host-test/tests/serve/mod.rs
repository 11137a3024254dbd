//! `orgwatch serve` as it runs, between a real HTTP client and a downstream that does what
//! downstreams do.

mod chains;
mod config;
pub mod downstream;
mod forms;
mod guarantee;
mod hostile;
mod journal;
mod lifecycle;
mod limits;
mod operations;
mod output;
mod overload;
mod request;
pub mod service;
mod strangers;
