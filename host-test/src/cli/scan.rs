//! `orgwatch scan`.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::CommandFactory as _;
use orgwatch::finding::Severity;
use orgwatch_host::input;
use orgwatch_host::output::report::About;
use orgwatch_host::output::{Json, Ocsf, Stories, Text};
use orgwatch_host::scan::Totals;

use super::delivery::{Delivery, Prints};
use super::flags::{self, Color, Flags, ScanFlags};
use super::html_report::HtmlReport;
use super::inspect::screening;
use super::own::Own;
use super::printer::Printer;
use super::progress::Progress;
use super::session::Session;
use super::{Status, filter, stdout};

/// Runs it.
pub(super) fn run(flags: &ScanFlags) -> anyhow::Result<Status> {
    let start = Instant::now();
    stdout::check()?;
    let paths = if flags.paths.is_empty() { stdin_or_help() } else { flags.paths.clone() };
    let page = page(flags, &paths)?;
    let mut session = Session::open(&flags.common, &paths, flags.state.as_deref())?;
    let quiet = flags.common.quiet;
    let delivery = Delivery::new(prints(flags), session.options.threads)?;
    let mut printer = Printer::new(delivery, least(flags), flags.fail_on, quiet, page, &paths);
    let scanned = scan(flags, &paths, &mut session, &mut printer);
    printer.tell();
    match scanned {
        Ok(totals) => {
            printer.summarise(
                &totals,
                start.elapsed(),
                filter::filtered_out(&totals)
                    .into_iter()
                    .chain(session.forgotten()?)
                    .chain(flags.verbose.then(|| how(&session)).into_iter().flatten()),
            );
            Ok(printer.status(&totals))
        }
        // The reader of the findings went away; the result is for the caller of this command.
        Err(err) if stdout::is_unread(&err) => printer.status_unread().ok_or(err),
        Err(err) => Err(err),
    }
}

/// How events were screened, and where the code of the component is from, as rows of the summary.
fn how(session: &Session) -> [(&'static str, String); 2] {
    let code = match session.plugin.is_compiled_ahead() {
        true => "compiled when this program was built",
        false => "compiled at the start, or kept from an earlier one",
    };
    [("screened", screening(session.detector.screens_natively()).into()), ("code", code.into())]
}

/// Scans, and delivers and remembers what is found.
fn scan(
    flags: &ScanFlags,
    paths: &[PathBuf],
    session: &mut Session,
    printer: &mut Printer,
) -> anyhow::Result<Totals> {
    for finding in session.completed() {
        printer.give(finding)?;
    }
    let options = session.options.clone();
    printer.progress = Progress::start(flags.common.quiet, paths, &options);
    let own = Own::of(flags.state.as_deref(), flags.report.as_deref());
    let found = own.leave_out(input::walk(paths), paths);
    let mut totals = orgwatch_host::scan::scan(found, &options, &mut session.detector, printer)?;
    printer.progress = Progress::default();
    for finding in session.fell_silent()? {
        printer.give(finding)?;
    }
    printer.settle(&mut totals);
    printer.finish(&totals, || {
        let mut component = session.plugin.describe()?;
        component.rules = session.detector.rules()?;
        Ok(About {
            paths: paths.iter().map(|path| path.display().to_string()).collect(),
            totals: totals.clone(),
            filter: options.filter.clone(),
            component,
            settings: session.settings.used(),
            min_severity: least(flags),
            state: flags.state.as_ref().map(|state| state.display().to_string()),
        })
    })?;
    // Only now that all is delivered: what a run that fails has printed is printed again.
    session.save()?;
    Ok(totals)
}

fn least(flags: &ScanFlags) -> Severity {
    flags.min_severity.unwrap_or(Severity::Informational)
}

/// The file of the report, if there is to be one.
fn page(flags: &ScanFlags, paths: &[PathBuf]) -> anyhow::Result<Option<HtmlReport>> {
    let common = &flags.common;
    let others = [&flags.state, &common.settings, &common.component].into_iter().flatten();
    let read: Vec<&Path> = paths.iter().chain(others).map(PathBuf::as_path).collect();
    flags.report.as_deref().map(|name| HtmlReport::open(name, &read)).transpose()
}

fn prints(flags: &ScanFlags) -> Prints {
    let stdout = io::stdout();
    let format = flags.format.unwrap_or(match stdout.is_terminal() {
        true => flags::Format::Text,
        false => flags::Format::Json,
    });
    match format {
        flags::Format::Json => Prints::Each(Box::new(Json)),
        flags::Format::Ocsf => Prints::Each(Box::new(Ocsf)),
        flags::Format::Text => {
            let how = Text { color: color(flags.color, &stdout), explain: flags.explain };
            Prints::Stories(how, Stories::default())
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
