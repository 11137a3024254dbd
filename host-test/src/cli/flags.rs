//! The flags, as they are typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use orgwatch::finding::Severity;

use super::bake::BakeFlags;
use super::common::CommonFlags;
use super::generate::GenerateFlags;
use super::health::HealthFlags;
use super::inspect::InspectFlags;
use super::learn::LearnFlags;
use super::router::RouterFlags;
use super::rules::RulesFlags;
use super::screen::ScreenFlags;
use super::serve::ServeFlags;
use super::settings::SettingsFlags;
use super::split::SplitFlags;
use super::verify::VerifyFlags;

/// Detects AWS accounts being taken out of their organization.
#[derive(Debug, Parser)]
#[command(name = "orgwatch", version, propagate_version = true)]
pub(super) struct Flags {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Scan(ScanFlags),
    Learn(LearnFlags),
    Screen(ScreenFlags),
    Split(SplitFlags),
    Serve(Box<ServeFlags>),
    Router(RouterFlags),
    Rules(RulesFlags),
    Settings(SettingsFlags),
    Bake(BakeFlags),
    Inspect(InspectFlags),
    Verify(VerifyFlags),
    Health(HealthFlags),
    #[command(hide = true)]
    Generate(GenerateFlags),
}

const EXAMPLES: &str = "\
Examples:
  orgwatch scan cloudtrail/                        everything in a folder, gzip or not
  orgwatch scan --min-severity high events.ndjson
  aws cloudtrail lookup-events | orgwatch scan -
  orgwatch scan --since 2026-05-01 --until 2026-06-01 --account 111122223333 AWSLogs/
  orgwatch scan --format ocsf logs/ > findings.ndjson
  orgwatch scan --settings orgwatch.yaml --fail-on high logs/
  orgwatch scan --state orgwatch.state logs/       what was found before does not come again
  orgwatch scan --report report.html logs/         a page to read, to print and to forward

Exit codes:
  0  done; also when what reads the output has gone away, but for what --fail-on says then
  1  there are new findings at or above --fail-on, whether or not anybody reads the output
  2  something could not be read or used: a path, a line, the settings, the state. This wins
     over 1: what was found is printed all the same, but what was not read may hold more";

/// Examine CloudTrail events in files
///
/// Reads newline-delimited JSON, objects of an S3 bucket ({"Records": [...]}), documents over many
/// lines and arrays, as they are or compressed with gzip or zstd, and Parquet, whatever the files are called. Prints
/// each finding once: as one JSON object a line when it is found, or, if standard output is a terminal, for
/// a person, at the end: a story for each incident, with what happened when and what to do first.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct ScanFlags {
    /// Files, folders, or - for standard input
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// How to print findings [default: text on a terminal, otherwise json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    /// Print only findings of this severity or above [possible values: informational, low, medium,
    /// high, critical]
    #[arg(long, value_name = "SEVERITY")]
    pub(super) min_severity: Option<Severity>,

    /// Exit with 1 if there is a new finding of this severity or above, printed or not
    ///
    /// If what reads the output goes away before there is one, the scan goes on without printing,
    /// until there is one or to the end, and exits as it would have.
    #[arg(long, value_name = "SEVERITY")]
    pub(super) fail_on: Option<Severity>,

    /// Where to keep the memory between runs; loaded if it is there, replaced in one step at the
    /// end
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,

    /// Also write one HTML page: a timeline, chains, each finding with what to do and its record
    ///
    /// The page loads nothing and runs no script. It is replaced in one step at the end, and has what
    /// --min-severity leaves.
    #[arg(long, value_name = "FILE.html")]
    pub(super) report: Option<PathBuf>,

    /// After each story printed as text, all that is known of its findings: why they matter, what to do
    #[arg(long)]
    pub(super) explain: bool,

    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(super) color: Color,

    /// Also say how events are screened: by native code, or by the component
    #[arg(short, long, conflicts_with = "quiet")]
    pub(super) verbose: bool,

    #[command(flatten)]
    pub(super) common: CommonFlags,
}

/// The form of printed findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One JSON object a line
    Json,
    /// One OCSF 1.8 Detection Finding a line
    Ocsf,
    /// A few lines for a person
    Text,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_make_sense() {
        Flags::command().debug_assert();
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for bad in [
            &["--min-severity", "severe"][..],
            &["--fail-on", "HIGH"],
            &["--format", "xml"],
            &["--max-decompressed", "many"],
            &["--unknown"],
            &["--threads", "0"],
            &["--since", "yesterday"],
            &["--until", "2026-06-31"],
            &["--account", "1234"],
        ] {
            let flags = ["orgwatch", "scan"].iter().chain(bad);
            assert!(Flags::try_parse_from(flags).is_err(), "{bad:?}");
        }
    }
}
