//! `orgwatch scan`.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Instant;

use clap::CommandFactory as _;
use orgwatch::finding::Severity;
use orgwatch_host::input;
use orgwatch_host::output::{self, Json, Ocsf, Text};

use super::Status;
use super::flags::{self, Color, Flags, ScanFlags};
use super::report::Report;
use super::session::Session;

/// Runs it.
pub(super) fn run(flags: &ScanFlags) -> anyhow::Result<Status> {
    let start = Instant::now();
    let paths = if flags.paths.is_empty() { stdin_or_help() } else { flags.paths.clone() };
    let Some(mut session) = Session::open(&flags.common, flags.state.as_deref())? else {
        return Ok(Status::Unusable);
    };
    let format = format(flags);
    let least = flags.min_severity.unwrap_or(Severity::Informational);
    let mut report = Report::new(&*format, least, flags.fail_on, flags.common.quiet);
    for finding in std::mem::take(&mut session.completed) {
        report.give(&finding)?;
    }
    let options = session.options.clone();
    let found = input::walk(&paths);
    let totals = orgwatch_host::scan::scan(found, &options, &mut session.detector, &mut report)?;
    // Only now that all is delivered: what a run that fails has printed is printed again.
    session.save()?;
    report.summarise(&totals, start.elapsed(), session.forgotten()?);
    Ok(report.status(&totals))
}

fn format(flags: &ScanFlags) -> Box<dyn output::Format> {
    let stdout = io::stdout();
    let format = flags.format.unwrap_or(match stdout.is_terminal() {
        true => flags::Format::Text,
        false => flags::Format::Json,
    });
    match format {
        flags::Format::Json => Box::new(Json),
        flags::Format::Ocsf => Box::new(Ocsf),
        flags::Format::Text => {
            Box::new(Text { color: color(flags.color, &stdout), explain: flags.explain })
        }
    }
}

/// Standard input, if something is piped into it. A person who typed just the command gets help,
/// not a command that waits for them to type CloudTrail.
fn stdin_or_help() -> Vec<PathBuf> {
    if !io::stdin().is_terminal() {
        return vec![PathBuf::from("-")];
    }
    let mut command = Flags::command();
    command.build();
    let scan = command.find_subcommand_mut("scan").unwrap_or_else(|| unreachable!("it is there"));
    let kind = clap::error::ErrorKind::MissingRequiredArgument;
    let help = scan.render_help();
    scan.error(kind, format!("nothing to scan: give a path, or - for standard input\n\n{help}"))
        .exit()
}

fn color(color: Color, stdout: &io::Stdout) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        // Knows NO_COLOR, CLICOLOR, CLICOLOR_FORCE and dumb terminals.
        Color::Auto => anstream::AutoStream::choice(stdout) != anstream::ColorChoice::Never,
    }
}
