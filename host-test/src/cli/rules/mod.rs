//! `orgwatch rules`.

mod conditions;
mod coverage;
mod explain;
mod list;
mod show;

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Status, component};

const EXAMPLES: &str = "\
Examples:
  orgwatch rules
  orgwatch rules show member-left-organization
  orgwatch rules --coverage > coverage.md
  orgwatch rules --json | jq -r '.[] | select(.severity == \"critical\").slug'";

/// List the rules, or explain one
///
/// Prints what each rule is called, how severe its findings are unless the event says otherwise,
/// and the rules of other systems that it answers to; by what they guard.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct RulesFlags {
    #[command(subcommand)]
    command: Option<RulesCommand>,

    /// Print one JSON array
    #[arg(long)]
    json: bool,

    /// Print which rule answers to which rule of others, technique and AWS call, as Markdown
    #[arg(long, conflicts_with_all = ["json", "component"])]
    coverage: bool,

    /// The component whose rules to list, instead of the one that comes with this program
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    Show(ShowFlags),
}

const SHOW_EXAMPLES: &str = "\
Examples:
  orgwatch rules show power-then-exit
  orgwatch rules show account-departed --json | jq .severities";

/// Explain one rule
///
/// Says when it fires, why that matters, what else it could be, what to do, and how to approve it
/// or to try it first. What stands in braces, such as {account}, is the event's own value. Texts are
/// compared without regard to case, and shown in lower case.
#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES, after_long_help = SHOW_EXAMPLES)]
struct ShowFlags {
    /// The rule's name, as a finding's `rule` has it
    #[arg(value_name = "SLUG")]
    slug: String,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    /// The component that is to have the rule, which is refused if its rules are not those of this
    /// program
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// Runs it.
pub(super) fn run(flags: &RulesFlags) -> anyhow::Result<Status> {
    let text = match &flags.command {
        Some(RulesCommand::Show(flags)) => {
            component::check_pack(flags.component.as_deref())?;
            show::show(&flags.slug, flags.json)?
        }
        None if flags.coverage => coverage::markdown(),
        None => {
            let described = component::load(flags.component.as_deref())?.describe()?;
            list::list(&described.rules, flags.json)?
        }
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Status::Done)
}
