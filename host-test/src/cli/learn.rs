//! `orgwatch learn`.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use orgwatch_host::input::{self, Source};
use orgwatch_host::output::number;
use orgwatch_host::scan::{FileTally, Found, Observer};

use super::Status;
use super::common::CommonFlags;
use super::diagnostics::Diagnostics;
use super::filter;
use super::own::Own;
use super::progress::Progress;
use super::session::Session;
use super::summary::{examined, summarise};

const EXAMPLES: &str = "\
Examples:
  orgwatch learn --state orgwatch.state cloudtrail/2026/     once, from what is stored
  orgwatch scan --state orgwatch.state cloudtrail/today/     from then on
  zcat old/*.gz | orgwatch learn --state orgwatch.state --settings orgwatch.yaml -

Exit codes:
  0  done
  2  something could not be read or used: a path, a line, the settings, the state";

/// Remember stored CloudTrail events without findings
///
/// Rules that look for something new know nothing on their first day. This fills the memory as scan
/// would, and prints no finding: who has mapped the organization before, what chains may begin
/// with, and which findings need not come again. What could be read is remembered even if something
/// else could not.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct LearnFlags {
    /// Files, folders, or - for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Where the memory is kept; loaded if it is there, replaced in one step when all is read
    #[arg(long, value_name = "FILE")]
    state: PathBuf,

    #[command(flatten)]
    common: CommonFlags,
}

/// Runs it.
pub(super) fn run(flags: &LearnFlags) -> anyhow::Result<Status> {
    let start = Instant::now();
    let mut session = Session::open(&flags.common, &flags.paths, Some(&flags.state))?;
    // What is learned alerts nobody, so that it must not make follow-ups of what comes.
    let alerts = session.alerts()?;
    let own = Own::of(Some(&flags.state), None);
    let found = own.leave_out(input::walk(&flags.paths), &flags.paths);
    let options = session.options.clone();
    let mut learned = Learned {
        diagnostics: Diagnostics::new(flags.common.quiet, &flags.paths),
        progress: Progress::start(flags.common.quiet, &flags.paths, &options),
    };
    let mut totals =
        orgwatch_host::scan::scan(found, &options, &mut session.detector, &mut learned)?;
    learned.diagnostics.settle(&mut totals);
    let passed_over = learned.diagnostics.passed_over();
    drop(learned);
    session.save_with_alerts(&alerts)?;
    if !flags.common.quiet {
        let mut rows = remembered(&mut session)?;
        rows.extend(examined(&totals));
        rows.extend(passed_over);
        rows.extend(filter::filtered_out(&totals));
        summarise(&totals, start.elapsed(), &rows);
    }
    Ok(Status::of(&totals))
}

/// The content of the memory, as rows of a summary.
fn remembered(session: &mut Session) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut parts = Vec::new();
    for (name, what) in [
        ("memory_events", "findings"),
        ("memory_terms", "sightings"),
        ("memory_steps", "steps of chains"),
        ("memory_policies", "types of policies"),
    ] {
        parts.push(format!("{} {what}", number(session.counter(name)?)));
    }
    let mut rows = vec![("remembered", parts.join(", "))];
    rows.extend(session.forgotten()?);
    Ok(rows)
}

/// Takes findings, and says nothing of them.
struct Learned {
    diagnostics: Diagnostics,
    progress: Progress,
}

impl Observer for Learned {
    fn finding(&mut self, _: Found<'_>) -> io::Result<()> {
        Ok(())
    }

    fn unreadable(&mut self, source: &Source, line: u64, reason: &str) -> io::Result<()> {
        self.progress.aside(|| self.diagnostics.unreadable(source, line, reason));
        Ok(())
    }

    fn failed(&mut self, what: &dyn Display, err: &dyn Error) -> io::Result<()> {
        self.progress.aside(|| self.diagnostics.failed(what, err));
        Ok(())
    }

    fn not_a_log(&mut self, source: &Source, err: &input::Error) -> io::Result<()> {
        self.progress.aside(|| self.diagnostics.not_a_log(source, err));
        Ok(())
    }

    fn end(&mut self, source: &Source, held: &FileTally) -> io::Result<()> {
        self.progress.aside(|| self.diagnostics.end(source, held));
        Ok(())
    }
}
