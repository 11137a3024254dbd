//! `orgwatch scan`.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::CommandFactory as _;
use orgwatch::finding::Severity;
use orgwatch_host::input::{self, Limits};
use orgwatch_host::output::{self, Json, Ocsf, Text};
use orgwatch_host::plugin::{self, Artifact, CacheDir, Options, Plugin};

use super::flags::{self, Color, Flags, ScanFlags};
use super::report::Report;
use super::{Status, say, settings};

/// What the flags come to: nothing in it is left to choose.
struct Scan {
    paths: Vec<PathBuf>,
    format: Box<dyn output::Format>,
    min_severity: Severity,
    fail_on: Option<Severity>,
    settings: Settings,
    component: Option<PathBuf>,
    limits: Limits,
    quiet: bool,
}

/// Settings as JSON, and what to call them.
struct Settings {
    json: String,
    name: String,
}

/// Runs it.
pub(super) fn run(flags: &ScanFlags) -> anyhow::Result<Status> {
    Scan::new(flags)?.run()
}

impl Scan {
    fn new(flags: &ScanFlags) -> anyhow::Result<Self> {
        let paths = if flags.paths.is_empty() { stdin_or_help() } else { flags.paths.clone() };
        let stdout = io::stdout();
        let format = flags.format.unwrap_or(match stdout.is_terminal() {
            true => flags::Format::Text,
            false => flags::Format::Json,
        });
        let format: Box<dyn output::Format> = match format {
            flags::Format::Json => Box::new(Json),
            flags::Format::Ocsf => Box::new(Ocsf),
            flags::Format::Text => {
                Box::new(Text { color: color(flags.color, &stdout), explain: flags.explain })
            }
        };
        let settings = match &flags.settings {
            None => Settings { json: "{}".into(), name: "the default settings".into() },
            Some(file) => Settings {
                json: settings::read(file)?,
                name: format!("the settings {}", file.display()),
            },
        };
        Ok(Scan {
            paths,
            format,
            min_severity: flags.min_severity.unwrap_or(Severity::Informational),
            fail_on: flags.fail_on,
            settings,
            component: flags.component.clone(),
            limits: Limits { max_decompressed: flags.max_decompressed.0 },
            quiet: flags.quiet,
        })
    }

    fn run(self) -> anyhow::Result<Status> {
        let start = Instant::now();
        let artifact = Artifact::find(self.component.as_deref())?;
        let plugin = Plugin::load(artifact.bytes(), &options())
            .with_context(|| format!("cannot use {}", artifact.origin()))?;
        let mut detector = match plugin.open(&self.settings.json) {
            Err(plugin::Error::Settings(problems)) => {
                for problem in problems {
                    say(&format!("{}: {problem}", self.settings.name));
                }
                return Ok(Status::Unusable);
            }
            detector => detector?,
        };
        let mut report = Report::new(&*self.format, self.min_severity, self.fail_on, self.quiet);
        let found = input::walk(&self.paths);
        let totals = orgwatch_host::scan::scan(found, &self.limits, &mut detector, &mut report)?;
        report.summarise(&totals, start.elapsed());
        Ok(report.status(&totals))
    }
}

/// A guest's limits are the defaults; its code is kept, where that is safe.
fn options() -> Options {
    let cache = match CacheDir::find() {
        Ok(dir) => Some(dir),
        Err(err) => {
            let err = anyhow::Error::from(err);
            say(&format!("compiled code is not kept, which makes every start slower: {err:#}"));
            None
        }
    };
    Options { cache, ..Options::default() }
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
