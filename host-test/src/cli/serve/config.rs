//! Settings of the service itself: as flags, in a file, or both.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use orgwatch_host::serve::{Deliver, ForwardUrl, Listen, Options};
use serde_json::Value;

use super::log::{LogFormat, LogLevel};
use crate::cli::settings::{Document, Wrong};
use crate::cli::size::Size;

/// The environment variable that may hold the token.
pub(super) const TOKEN: &str = "ORGWATCH_TOKEN";

/// What was given, by flags or in a file: the same names and values.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Given {
    /// Where to listen: a loopback address and a port [default: 127.0.0.1:6003]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Listen>,

    /// Where to send events or findings on: where Vector's http_server source listens on this
    /// machine
    #[arg(long, value_name = "URL")]
    forward: Option<ForwardUrl>,

    /// Forward findings alone, each as an event
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    findings_only: Option<bool>,

    /// Without --forward: append findings to this file, and not to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Settings of the detector, as YAML or JSON: your management account, organization, whom you
    /// trust
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// Where to keep the memory; loaded at start, replaced in one step at an interval and at stop
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// How often to save the memory, if it has changed [default: 5s]
    #[arg(long, value_name = "TIME")]
    save_interval: Option<Time>,

    /// How long a batch may take, from its first byte to the answer; keep it below the sink's
    /// request.timeout_secs [default: 30s]
    #[arg(long, value_name = "TIME")]
    timeout: Option<Time>,

    /// The longest body, as it comes and decompressed; keep it above the sink's batch.max_bytes
    /// [default: 64M]
    #[arg(long, value_name = "SIZE")]
    max_body: Option<Size>,

    /// How many batches to work on at once; others wait with their sender [default: 8]
    #[arg(long, value_name = "NUMBER")]
    max_in_flight: Option<u32>,

    /// A file with the token that senders must know; without it, the token in ORGWATCH_TOKEN, if it
    /// is set
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// How to log, to standard error [default: text on a terminal, otherwise json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    log: Option<LogFormat>,

    /// From which level on to log [default: info]
    #[arg(long, value_enum, value_name = "LEVEL")]
    log_level: Option<LogLevel>,

    /// The component to load, instead of the one that comes with this program
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// A time, as `5s` or `1m 30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time = humantime::parse_duration(text)
            .map_err(|_| format!("{text:?} is no time: give one such as 5s or 500ms"))?;
        let allowed = Duration::from_millis(100)..=Duration::from_secs(3600);
        if !allowed.contains(&time) {
            return Err("from 100ms to 1h".into());
        }
        Ok(Time(time))
    }
}

/// What the service runs with.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) options: Options,
    pub(super) settings: Option<PathBuf>,
    pub(super) state: Option<PathBuf>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) component: Option<PathBuf>,
    pub(super) log: Option<LogFormat>,
    pub(super) log_level: LogLevel,
}

/// A setting, what stands there, and what is wrong with it.
type Problem = (&'static str, String);

impl Config {
    /// Flags, and what a file adds to them. Everything that is wrong is told at once.
    pub(super) fn read(
        flags: Given,
        file: Option<&Path>,
    ) -> anyhow::Result<Result<Self, Vec<String>>> {
        let Some(file) = file else {
            return Ok(flags.config().map_err(|(key, problem)| {
                vec![format!("--{}: {problem}", key.replace('_', "-"))]
            }));
        };
        let document = match Document::read(file) {
            Ok(document) => document,
            Err(err) if err.is::<Wrong>() => return Ok(Err(vec![err.to_string()])),
            Err(err) => return Err(err),
        };
        let told = |problems: &[(String, String, String)]| {
            let problems = problems
                .iter()
                .map(|(path, value, problem)| (path.as_str(), value.as_str(), problem.as_str()));
            document.wrong(problems).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let from_file = match Given::of(document.value()) {
            Ok(given) => given,
            Err(problems) => return Ok(Err(told(&problems))),
        };
        let config = flags.or(from_file).config();
        Ok(config.map_err(|(key, problem)| {
            let value = document.value().get(key).map(ToString::to_string).unwrap_or_default();
            told(&[(key.to_owned(), value, problem)])
        }))
    }
}

fn parse<T: FromStr<Err: Display>>(text: &str, to: &mut Option<T>) -> Result<(), String> {
    *to = Some(text.parse().map_err(|err: T::Err| err.to_string())?);
    Ok(())
}

fn choose<T: ValueEnum>(text: &str, to: &mut Option<T>) -> Result<(), String> {
    let names: Vec<String> = T::value_variants()
        .iter()
        .filter_map(|one| Some(one.to_possible_value()?.get_name().to_owned()))
        .collect();
    *to = Some(T::from_str(text, false).map_err(|_| names.join(" or "))?);
    Ok(())
}

/// Every setting's name.
const KEYS: &[&str] = &[
    "listen",
    "forward",
    "findings_only",
    "out",
    "settings",
    "state",
    "save_interval",
    "timeout",
    "max_body",
    "max_in_flight",
    "token_file",
    "log",
    "log_level",
    "component",
];

impl Given {
    /// What a file says; or each problem with its path, the value there and what is wrong.
    fn of(document: &Value) -> Result<Self, Vec<(String, String, String)>> {
        let Some(entries) = document.as_object() else {
            let problem = format!("settings by name: {}", KEYS.join(", "));
            return Err(vec![(String::new(), String::new(), problem)]);
        };
        let mut given = Given::default();
        let mut problems = Vec::new();
        for (key, value) in entries {
            let set = match value {
                Value::String(text) => given.set(key, text),
                Value::Number(_) | Value::Bool(_) => given.set(key, &value.to_string()),
                _ => Err("one value".into()),
            };
            if let Err(problem) = set {
                problems.push((key.clone(), value.to_string(), problem));
            }
        }
        if problems.is_empty() { Ok(given) } else { Err(problems) }
    }

    fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
        match key {
            "listen" => parse(text, &mut self.listen),
            "forward" => parse(text, &mut self.forward),
            "findings_only" => {
                parse(text, &mut self.findings_only).map_err(|_| "true or false".into())
            }
            "out" => parse(text, &mut self.out),
            "settings" => parse(text, &mut self.settings),
            "state" => parse(text, &mut self.state),
            "save_interval" => parse(text, &mut self.save_interval),
            "timeout" => parse(text, &mut self.timeout),
            "max_body" => parse(text, &mut self.max_body),
            "max_in_flight" => {
                parse(text, &mut self.max_in_flight).map_err(|_| "a number from 1 to 1024".into())
            }
            "token_file" => parse(text, &mut self.token_file),
            "log" => choose(text, &mut self.log),
            "log_level" => choose(text, &mut self.log_level),
            "component" => parse(text, &mut self.component),
            _ => Err(match closest(key) {
                Some(near) => format!("there is no such setting; {near} is one"),
                None => format!("there is no such setting; there are {}", KEYS.join(", ")),
            }),
        }
    }

    /// These, and of the others what these do not say.
    fn or(self, mut other: Given) -> Given {
        // What becomes of findings is one choice: one made by flags is not half undone by the file.
        if self.forward.is_some() {
            other.out = None;
        }
        if self.out.is_some() {
            (other.forward, other.findings_only) = (None, None);
        }
        Given {
            listen: self.listen.or(other.listen),
            out: self.out.or(other.out),
            forward: self.forward.or(other.forward),
            findings_only: self.findings_only.or(other.findings_only),
            settings: self.settings.or(other.settings),
            state: self.state.or(other.state),
            save_interval: self.save_interval.or(other.save_interval),
            timeout: self.timeout.or(other.timeout),
            max_body: self.max_body.or(other.max_body),
            max_in_flight: self.max_in_flight.or(other.max_in_flight),
            token_file: self.token_file.or(other.token_file),
            log: self.log.or(other.log),
            log_level: self.log_level.or(other.log_level),
            component: self.component.or(other.component),
        }
    }

    /// What to run with, if these go together.
    fn config(self) -> Result<Config, Problem> {
        let defaults = Options::default();
        let deliver = match (self.forward, self.out, self.findings_only) {
            (Some(_), Some(_), _) => {
                return Err((
                    "out",
                    "goes without forward: findings go to one or the other".into(),
                ));
            }
            (None, _, Some(false)) => {
                let problem = "false needs forward: without it there is nowhere for events to go";
                return Err(("findings_only", problem.into()));
            }
            (Some(url), None, Some(true)) => Deliver::Findings(url),
            (Some(url), None, _) => Deliver::Annotated(url),
            (None, Some(path), _) => Deliver::File(path),
            (None, None, _) => Deliver::Stdout,
        };
        let listen = self.listen.unwrap_or(defaults.listen);
        if let Deliver::Annotated(url) | Deliver::Findings(url) = &deliver
            && url.leads_to(&listen)
        {
            let problem = "where this listens itself: give where Vector's http_server listens";
            return Err(("forward", problem.into()));
        }
        let max_body = self.max_body.map_or(defaults.max_body as u64, |size| size.0);
        if !(64 << 10..=512 << 20).contains(&max_body) {
            return Err(("max_body", "from 64K to 512M".into()));
        }
        let max_in_flight = self.max_in_flight.unwrap_or(defaults.max_in_flight);
        if !(1..=1024).contains(&max_in_flight) {
            return Err(("max_in_flight", "a number from 1 to 1024".into()));
        }
        Ok(Config {
            options: Options {
                listen,
                deliver,
                token: None,
                max_body: max_body as usize,
                max_in_flight,
                timeout: self.timeout.map_or(defaults.timeout, |time| time.0),
                save_interval: self.save_interval.map_or(defaults.save_interval, |time| time.0),
            },
            settings: self.settings,
            state: self.state,
            token_file: self.token_file,
            component: self.component,
            log: self.log,
            log_level: self.log_level.unwrap_or(LogLevel::Info),
        })
    }
}

fn closest(key: &str) -> Option<&'static str> {
    let near = KEYS.iter().map(|known| (strsim::damerau_levenshtein(key, known), *known)).min();
    near.filter(|(distance, _)| *distance <= 3).map(|(_, known)| known)
}
