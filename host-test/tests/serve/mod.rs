//! `orgwatch serve` as it runs, between a real HTTP client and a downstream that does what
//! downstreams do.

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
mod request;
mod service;
mod strangers;
