//! `orgwatch router`.

mod fluent_bit;
#[cfg(test)]
mod tests;
mod vector;
mod wanted;

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use orgwatch::rules;

use super::{Status, component};

const EXAMPLES: &str = "\
Examples:
  orgwatch router fluent-bit   the filter in fluent-bit-config/tap.yaml
  orgwatch router vector       the condition of the filter in vector-config/tap.yaml";

/// Print what the configuration of a router takes from the pack
///
/// A router can pick candidates by itself, cheaply, if it knows which events any rule names. What
/// is printed lets too much pass, never too little.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct RouterFlags {
    #[command(subcommand)]
    router: Router,

    /// The component that the router feeds, which is refused if its rules are not those of this
    /// program
    #[arg(long, value_name = "FILE", global = true)]
    component: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Router {
    /// The filter of Fluent Bit that keeps the candidates
    FluentBit,
    /// The VRL condition of a filter before Vector's sink
    Vector,
}

/// Runs it.
pub(super) fn run(flags: &RouterFlags) -> anyhow::Result<Status> {
    component::check_pack(flags.component.as_deref())?;
    let pack = rules::builtin_pack();
    let text = match flags.router {
        Router::FluentBit => fluent_bit::filter(&pack),
        Router::Vector => vector::condition(&pack),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Status::Done)
}
