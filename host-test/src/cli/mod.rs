//! The command line: flags as they are typed, made into what each command needs, and run.

mod bake;
mod common;
mod component;
mod delivery;
mod diagnostics;
mod filter;
mod flags;
mod generate;
mod health;
mod html_report;
mod inspect;
mod learn;
mod limits;
mod opening;
mod own;
mod own_rules;
mod printer;
mod progress;
mod router;
mod rules;
mod scan;
mod screen;
mod serve;
mod session;
mod settings;
mod size;
mod split;
mod stdout;
mod summary;
mod time;
mod verify;

use std::io;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use orgwatch_host::output::Escaped;
use orgwatch_host::scan::Totals;

use flags::{Command, Flags};
pub(crate) use stdout::is_unread;

/// The exit status of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// All is well.
    Done,
    /// There are findings at or above `--fail-on`, or cases that do not hold.
    Found,
    /// Something could not be read or used.
    Unusable,
}

impl Status {
    /// The status of a run that read all of its input, or not all.
    fn of(totals: &Totals) -> Self {
        match totals.failed > 0 || totals.counts.unreadable > 0 {
            true => Status::Unusable,
            false => Status::Done,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        ExitCode::from(match status {
            Status::Done => 0,
            Status::Found => 1,
            Status::Unusable => 2,
        })
    }
}

/// Runs the command line of this process.
pub(crate) fn run() -> anyhow::Result<Status> {
    // Ends the process, with 2, if it cannot make sense of the flags.
    match Flags::parse().command {
        Command::Scan(flags) => scan::run(&flags),
        Command::Learn(flags) => learn::run(&flags),
        Command::Serve(flags) => serve::run(&flags),
        Command::Bake(flags) => bake::run(&flags),
        Command::Inspect(flags) => inspect::run(&flags),
        Command::Router(flags) => router::run(&flags),
        Command::Rules(flags) => rules::run(&flags),
        Command::Settings(flags) => settings::run(&flags),
        Command::Screen(flags) => screen::run(&flags),
        Command::Split(flags) => split::run(&flags),
        Command::Verify(flags) => verify::run(&flags),
        Command::Health(flags) => health::run(&flags),
        Command::Generate(flags) => generate::run(&flags),
    }
}

/// Says on standard error why the command failed.
pub(crate) fn report(err: &anyhow::Error) {
    match err.downcast_ref::<settings::Refused>() {
        Some(refused) => refused.0.iter().for_each(|problem| warn(problem)),
        None => warn(&format!("{err:#}")),
    }
}

/// This machine's clock, in seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// One line on standard error, escaped: an attacker may have chosen the names in it.
fn warn(text: &str) {
    use io::Write as _;
    // There is nowhere to report that standard error is gone.
    let _ = writeln!(io::stderr(), "orgwatch: {}", Escaped(text));
}
