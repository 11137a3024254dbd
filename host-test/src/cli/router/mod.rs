//! `orgwatch router`.

mod fluent_bit;
#[cfg(test)]
mod tests;
mod vector;
mod wanted;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use orgwatch::digest::Digest128;
use orgwatch::rules::Pack;

use super::own_rules::Given;
use super::{Status, component, stdout};

const EXAMPLES: &str = "\
Examples:
  orgwatch router fluent-bit   the filter in fluent-bit-config/tap.yaml
  orgwatch router vector       the condition of the filter in vector-config/tap.yaml
  orgwatch router fleet        the name of these rules in the subject of vector-config/fleet-edge.yaml
  orgwatch router vector --rules my-rules/   the same for rules of your own, too";

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
    FluentBit(Given),
    /// The VRL condition of a filter before Vector's sink
    Vector(Given),
    /// The digest of that condition: the last token of the subject that an edge of a fleet publishes under,
    /// by which a detector knows for which rules it screens
    Fleet(Given),
}

/// Runs it.
pub(super) fn run(flags: &RouterFlags) -> anyhow::Result<Status> {
    component::check_pack(flags.component.as_deref())?;
    let text = match &flags.router {
        Router::FluentBit(given) => fluent_bit::filter(&*given.pack()?),
        Router::Vector(given) => vector::condition(&*given.pack()?),
        Router::Fleet(given) => digest(&*given.pack()?) + "\n",
    };
    stdout::print(&text)?;
    Ok(Status::Done)
}

/// The digest of what a router lets through for these rules.
pub(super) fn digest(pack: &Pack) -> String {
    Digest128::of(&["screens", &vector::condition(pack)]).hex()
}
