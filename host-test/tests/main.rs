//! The end-to-end tests of the host: one binary, since linking wasmtime takes longer than most of them run.
//!
//! A test that needs a program of somebody else is ignored with the reason; `cargo xtask test` runs those
//! whose program it finds, and lists the others as skipped.

#[cfg(feature = "nats")]
#[path = "../../tests/fleet_lab/mod.rs"]
mod fleet_lab;
#[path = "../../tests/fluent_bit_lab.rs"]
mod fluent_bit_lab;
#[path = "../../tests/fluent_bit_module.rs"]
mod fluent_bit_module;
#[path = "../../tests/support/mod.rs"]
mod support;
mod util;
#[path = "../../tests/vector_lab/mod.rs"]
mod vector_lab;

mod artifact;
mod commands;
mod memory;
mod own_rules;
mod packaging;
mod report;
mod scan;
mod serve;
mod shapes;
mod upgrades;

#[path = "../../tests/baking.rs"]
mod baking;
#[path = "../../tests/cases.rs"]
mod cases;
#[path = "../../tests/contract.rs"]
mod contract;
#[path = "../../tests/docs.rs"]
mod docs;
#[cfg(feature = "nats")]
#[path = "../../tests/fleet.rs"]
mod fleet;
#[path = "../../tests/fluent_bit.rs"]
mod fluent_bit;
#[path = "../../tests/fluent_bit_config.rs"]
mod fluent_bit_config;
#[path = "../../tests/fluent_bit_router.rs"]
mod fluent_bit_router;
#[path = "../../tests/hosts.rs"]
mod hosts;
#[path = "../../tests/registry.rs"]
mod registry;
#[path = "../../tests/spark.rs"]
mod spark;
#[path = "../../tests/vector_router.rs"]
mod vector_router;
