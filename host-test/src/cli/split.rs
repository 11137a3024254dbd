//! `orgwatch split`.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use orgwatch_host::input::{self, Limits, Source};
use orgwatch_host::output::{number, plural};
use orgwatch_host::scan::FileTally;
use orgwatch_host::split::{self, Folder, Totals};

use super::diagnostics::Diagnostics;
use super::size::Size;
use super::summary::bytes;
use super::{Status, stdout, warn};

const EXAMPLES: &str = "\
Examples:
  orgwatch split cloudtrail/ -o events/              then let a router follow events/*.ndjson
  aws s3 sync s3://my-trail/AWSLogs cloudtrail/ && orgwatch split cloudtrail/ -o events/
  orgwatch split cloudtrail/ -o events/ --json | jq .events

A router follows events/*.ndjson. What it has read may be deleted there: events/.orgwatch-split
remembers what was written, and must stay.

Exit codes:
  0  done
  2  something could not be read or written; what could be is written all the same";

/// Write the events in files one a line, for a router to follow
///
/// A router that follows files cannot read the objects of an S3 bucket: each is one compressed
/// document. This reads what scan reads, and writes each file's events to a file of newline-delimited
/// JSON, named after it; every event keeps its bytes. A file appears whole or not at all. A second
/// run writes only what is new: files that were not there, and what others have grown by.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct SplitFlags {
    /// Files, or folders
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// The folder to write to; made if it is not there. What it holds is not read, even if it is
    /// inside a PATH
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,

    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,

    /// Print no summary, and not which lines could not be read
    #[arg(short, long)]
    quiet: bool,

    /// The most that one compressed file may decompress to, with K, M, G or T as powers of 1024
    #[arg(long, value_name = "SIZE", default_value = "4G")]
    max_decompressed: Size,
}

/// Runs it.
pub(super) fn run(flags: &SplitFlags) -> anyhow::Result<Status> {
    let start = Instant::now();
    let mut folder = Folder::open(&flags.output)?;
    let mut outside = Vec::new();
    let mut refused = 0;
    for path in &flags.paths {
        if path.canonicalize().is_ok_and(|path| folder.contains(&path)) {
            refused += 1;
            warn(&format!("{}: is inside {}, which is written", path.display(), show(flags)));
        } else {
            outside.push(path.clone());
        }
    }
    let mut limits = Limits::default();
    limits.max_decompressed = flags.max_decompressed.0;
    let mut reporter = Reporter(Diagnostics::new(flags.quiet, &flags.paths));
    let mut totals = split::split(input::walk(&outside), &mut folder, &limits, &mut reporter)?;
    totals.failed += refused;
    if flags.json {
        stdout::print(&format!("{}\n", serde_json::to_string(&totals)?))?;
    } else if !flags.quiet {
        let text = summary(&totals, &flags.output, start.elapsed().as_secs_f64());
        let _ = io::stderr().write_all(text.as_bytes());
    }
    Ok(match totals.failed > 0 || totals.unreadable > 0 {
        true => Status::Unusable,
        false => Status::Done,
    })
}

fn show(flags: &SplitFlags) -> impl Display + '_ {
    flags.output.display()
}

fn summary(totals: &Totals, output: &Path, seconds: f64) -> String {
    let output = output.display().to_string();
    let output = orgwatch_host::output::escape(&output, 200);
    let events = plural(totals.events, "event");
    let files = plural(totals.written, "new file");
    let mut text = format!("{events} in {files} in {output}, {}\n", bytes(totals.bytes));
    let mut row = |name: &str, value: &str| text += &format!("  {name:<14}  {value}\n");
    row("files read", &number(totals.sources - totals.unchanged));
    row("unchanged", &number(totals.unchanged));
    row("unreadable", &number(totals.unreadable));
    if totals.failed > 0 {
        row("failed to read", &plural(totals.failed, "path"));
    }
    row("time", &format!("{seconds:.2} s"));
    text
}

/// Reports what could not be read.
pub(super) struct Reporter(pub(super) Diagnostics);

impl split::Observer for Reporter {
    fn unreadable(&mut self, source: &Source, line: u64, reason: &str) {
        self.0.unreadable(source, line, reason);
    }

    fn failed(&mut self, what: &dyn Display, err: &dyn Error) {
        self.0.failed(what, err);
    }

    fn end(&mut self, source: &Source, unreadable: u64) {
        let mut held = FileTally::default();
        (held.records, held.unreadable) = (true, unreadable);
        self.0.end(source, &held);
    }
}
