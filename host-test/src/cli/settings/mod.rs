//! `orgwatch settings`, and settings in files for the other commands.

mod check;
mod document;
mod places;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) use document::{Document, Refused};

use super::own_rules::OwnRulesFlags;
use super::{Status, stdout};

const EXAMPLES: &str = "\
Examples:
  orgwatch settings check orgwatch.yaml
  orgwatch settings schema > orgwatch.schema.json   for an editor or a pipeline";

/// Check settings, or print what they may be
///
/// Settings say what orgwatch must know of your organization, who may do what, and what is changed
/// about rules: one YAML or JSON file, which scan and learn take with --settings.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct SettingsFlags {
    #[command(subcommand)]
    command: SettingsCommand,
}

#[derive(Debug, Subcommand)]
enum SettingsCommand {
    /// Print the JSON schema of the settings
    Schema,
    Check(CheckFlags),
}

const CHECK_EXAMPLES: &str = "\
Examples:
  orgwatch settings check orgwatch.yaml
  orgwatch settings check --json orgwatch.yaml | jq -r '.problems[].path'

Exit codes:
  0  the settings can be used, whatever is warned of
  2  they cannot";

/// Say everything that is wrong with a settings file
///
/// Names each setting that cannot be used with its line, what stands there and what is allowed, and
/// warns of approvals that have expired by this machine's clock.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES, after_long_help = CHECK_EXAMPLES)]
struct CheckFlags {
    /// The settings, as YAML or JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    own_rules: OwnRulesFlags,
}

/// Runs it.
pub(super) fn run(flags: &SettingsFlags) -> anyhow::Result<Status> {
    match &flags.command {
        SettingsCommand::Schema => {
            stdout::print(orgwatch::settings::SCHEMA)?;
            Ok(Status::Done)
        }
        SettingsCommand::Check(flags) => check::run(&flags.file, flags.json, &flags.own_rules),
    }
}
