//! `orgwatch screen`.

use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use orgwatch_host::input::{self, Limits};
use orgwatch_host::output::{number, plural};
use orgwatch_host::screen::{self, Totals};

use super::diagnostics::Diagnostics;
use super::limits::LimitFlags;
use super::opening::{self, Opening};
use super::own_rules::OwnRulesFlags;
use super::size::Size;
use super::split::Reporter;
use super::{Status, component, stdout};

const EXAMPLES: &str = "\
Examples:
  orgwatch screen cloudtrail/ > candidates.ndjson
  zcat cloudtrail/*.gz | orgwatch screen - | sort_by_time | orgwatch scan -
  orgwatch screen --rules mine/ logs/ | orgwatch scan --rules mine/ -

Exit codes:
  0  done; also when what reads the output has gone away
  2  something could not be read or used; what could be is printed all the same";

/// Print the events that any rule could match, as they are
///
/// A screen needs no memory and no order, so any number of machines may screen parts of years of logs, and one
/// scan examines what passes: a thousandth of it, in the order of time. Prints these events one a line,
/// and nothing else; give scan the same settings and rules.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct ScreenFlags {
    /// Files, folders, or - for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Settings, as YAML or JSON: they may turn rules off
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// Print no summary, and not which lines could not be read
    #[arg(short, long)]
    quiet: bool,

    /// The most that one compressed file may decompress to, with K, M, G or T as powers of 1024
    #[arg(long, value_name = "SIZE", default_value = "4G")]
    max_decompressed: Size,

    #[command(flatten)]
    own_rules: OwnRulesFlags,

    /// The component to load, instead of the one that comes with this program
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,

    #[command(flatten)]
    limits: LimitFlags,
}

/// Runs it.
pub(super) fn run(flags: &ScreenFlags) -> anyhow::Result<Status> {
    stdout::check()?;
    let start = Instant::now();
    let settings = opening::settings(flags.settings.as_deref())?;
    let rules = flags.own_rules.load(&settings, flags.quiet)?;
    let load = || Ok(rules.plugin(component::load(flags.component.as_deref(), &flags.limits)?));
    let mut detector = Opening::new(settings, None, load)?.detector_of_files()?;
    let mut limits = Limits::default();
    limits.max_decompressed = flags.max_decompressed.0;
    let mut reporter = Reporter(Diagnostics::new(flags.quiet, &flags.paths));
    let mut out = BufWriter::new(stdout::lock());
    let found = input::walk(&flags.paths);
    let totals = screen::screen(found, &limits, &mut detector, &mut out, &mut reporter)?;
    if !flags.quiet {
        summarise(&totals, start.elapsed().as_secs_f64());
    }
    Ok(match totals.failed > 0 || totals.unreadable > 0 {
        true => Status::Unusable,
        false => Status::Done,
    })
}

fn summarise(totals: &Totals, seconds: f64) {
    use io::Write as _;
    let mut text = format!("{} may match a rule\n", plural(totals.candidates, "event"));
    let mut row = |name: &str, value: &str| text += &format!("  {name:<14}  {value}\n");
    row("files read", &number(totals.sources));
    row("events", &number(totals.events));
    row("unreadable", &number(totals.unreadable));
    if totals.failed > 0 {
        row("failed to read", &plural(totals.failed, "path"));
    }
    row("time", &format!("{seconds:.2} s"));
    let _ = io::stderr().write_all(text.as_bytes());
}
