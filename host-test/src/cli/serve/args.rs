//! Settings of the service as they are given: as flags, or by the same names in a file.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use orgwatch_host::serve::{ForwardUrl, Listen, StreamUrl, SubjectPrefix};
use serde_json::Value;

use super::log::{LogFormat, LogLevel};
use crate::cli::size::Size;
use crate::cli::time::Time;

/// Settings of the service, from flags or a file: the same names and values.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ServeArgs {
    /// Where to listen: a loopback address and a port [default: 127.0.0.1:6003]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<Listen>,

    /// Where to send events or findings on: where Vector's http_server source listens on this
    /// machine
    #[arg(long, value_name = "URL")]
    pub(super) forward: Option<ForwardUrl>,

    /// Forward findings alone, each as an event
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) findings_only: Option<bool>,

    /// Without --forward: append findings to this file, and not to standard output
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,

    /// Read candidates from this stream of NATS JetStream, in place of batches: the detector of a fleet.
    /// tls://HOST:PORT,HOST:PORT/STREAM, or nats:// on this machine. Events that come by HTTP go into the stream
    #[arg(long, value_name = "URL")]
    pub(super) from: Option<StreamUrl>,

    /// Publish findings as PREFIX.finding.SEVERITY and alerts as PREFIX.alert.SEVERITY, into the streams that
    /// have these subjects; with --from
    #[arg(long, value_name = "PREFIX")]
    pub(super) publish: Option<SubjectPrefix>,

    /// The credentials for NATS: a .creds file, the seed of an nkey, or one line user:password
    #[arg(long, value_name = "FILE")]
    pub(super) nats_credentials: Option<PathBuf>,

    /// Certificates of authorities that the servers of NATS may have theirs from, as PEM, beside the system's
    #[arg(long, value_name = "FILE")]
    pub(super) nats_ca: Option<PathBuf>,

    /// The certificate that this client shows to NATS, as PEM; with --nats-key
    #[arg(long, value_name = "FILE")]
    pub(super) nats_certificate: Option<PathBuf>,

    /// The key of that certificate, as PEM
    #[arg(long, value_name = "FILE")]
    pub(super) nats_key: Option<PathBuf>,

    /// The interval at which edges send canaries; after three without one an edge is missing [default: 1m]
    #[arg(long, value_name = "TIME")]
    pub(super) canary_interval: Option<Time>,

    /// The edges to expect canaries of, by their names, with commas between; others make themselves known
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) edges: Option<Vec<String>>,

    /// Settings of the detector, as YAML or JSON: your management account, organization, whom you
    /// trust
    #[arg(long, value_name = "FILE")]
    pub(super) settings: Option<PathBuf>,

    /// Sigma rules of your own beside the built-in ones: a file, or a folder with *.yml and *.yaml;
    /// may be given again. A rule that cannot be evaluated is refused by name, and the others run
    #[arg(long, value_name = "DIR|FILE")]
    pub(super) rules: Option<Vec<PathBuf>>,

    /// Leave out the built-in rules
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) no_pack: Option<bool>,

    /// End with 2 if any rule of --rules is refused, or warned of
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) strict: Option<bool>,

    /// Where to keep the memory; loaded at start, replaced in one step at an interval and at stop.
    /// Beside it, in FILE.journal, stands what came since
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,

    /// How often to save the memory, if it has changed [default: 5s]
    #[arg(long, value_name = "TIME")]
    pub(super) save_interval: Option<Time>,

    /// How long a batch may take, from its first byte to the answer; keep it below the sink's
    /// request.timeout_secs [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(super) timeout: Option<Time>,

    /// The longest body, as it comes and decompressed; keep it above the sink's batch.max_bytes
    /// [default: 64M]
    #[arg(long, value_name = "SIZE")]
    pub(super) max_body: Option<Size>,

    /// How many batches to work on at once; others wait [default: 8]
    #[arg(long, value_name = "NUMBER")]
    pub(super) max_in_flight: Option<u32>,

    /// How long opening the detector, saving and merging its memory may take [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(super) open_timeout: Option<Time>,

    /// How long examining one part of a batch may take; the event that takes longer is named, and passed on
    /// [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub(super) call_timeout: Option<Time>,

    /// The most memory of the detector [default: 1G]
    #[arg(long, value_name = "SIZE")]
    pub(super) max_memory: Option<Size>,

    /// The most findings of one call: a batch with more is examined in parts, and an event with more is
    /// named and passed on [default: 100000]
    #[arg(long, value_name = "NUMBER")]
    pub(super) max_findings: Option<u32>,

    /// A file with the token that senders must know; without it, the token in ORGWATCH_TOKEN, if it
    /// is set
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,

    /// How to log, to standard error [default: text on a terminal, otherwise json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) log: Option<LogFormat>,

    /// From which level on to log [default: info]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(super) log_level: Option<LogLevel>,

    /// The component to load, instead of the one that comes with this program
    #[arg(long, value_name = "FILE")]
    pub(super) component: Option<PathBuf>,
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|err: T::Err| err.to_string())
}

fn paths(text: &str) -> Result<Vec<PathBuf>, String> {
    Ok(vec![parse(text)?])
}

fn names(text: &str) -> Result<Vec<String>, String> {
    Ok(text.split(',').map(|name| name.trim().to_owned()).collect())
}

fn truth(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "true or false".into())
}

fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "a number from 1 to 1024".into())
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "a whole number, 1 at the least".into())
}

fn choose<T: ValueEnum>(text: &str) -> Result<T, String> {
    let names: Vec<String> = T::value_variants()
        .iter()
        .filter_map(|one| Some(one.to_possible_value()?.get_name().to_owned()))
        .collect();
    T::from_str(text, false).map_err(|_| names.join(" or "))
}

/// The code that is the same for each setting, by its name and the function that reads its text.
macro_rules! settings {
    ($($name:ident: $read:ident,)*) => {
        /// Every setting's name.
        const KEYS: &[&str] = &[$(stringify!($name)),*];

        impl ServeArgs {
            fn set(&mut self, key: &str, text: &str) -> Result<(), String> {
                match key {
                    $(stringify!($name) => self.$name = Some($read(text)?),)*
                    _ => return Err(match closest(key) {
                        Some(near) => format!("there is no such setting; {near} is one"),
                        None => format!("there is no such setting; there are {}", KEYS.join(", ")),
                    }),
                }
                Ok(())
            }

            /// These, and of the others what these do not say.
            pub(super) fn or(self, mut other: ServeArgs) -> ServeArgs {
                // What becomes of findings is one choice: one made by flags is not half undone by
                // the file.
                if self.forward.is_some() {
                    (other.out, other.publish) = (None, None);
                }
                if self.out.is_some() || self.publish.is_some() {
                    (other.forward, other.findings_only) = (None, None);
                }
                if self.out.is_some() {
                    other.publish = None;
                }
                if self.publish.is_some() {
                    other.out = None;
                }
                ServeArgs { $($name: self.$name.or(other.$name)),* }
            }
        }
    };
}

settings! {
    listen: parse,
    forward: parse,
    findings_only: truth,
    out: parse,
    from: parse,
    publish: parse,
    nats_credentials: parse,
    nats_ca: parse,
    nats_certificate: parse,
    nats_key: parse,
    canary_interval: parse,
    edges: names,
    settings: parse,
    rules: paths,
    no_pack: truth,
    strict: truth,
    state: parse,
    save_interval: parse,
    timeout: parse,
    max_body: parse,
    max_in_flight: count,
    open_timeout: parse,
    call_timeout: parse,
    max_memory: parse,
    max_findings: number,
    token_file: parse,
    log: choose,
    log_level: choose,
    component: parse,
}

impl ServeArgs {
    /// The settings of a file; or each problem with its path, the value there and what is wrong.
    pub(super) fn of(document: &Value) -> Result<Self, Vec<(String, String, String)>> {
        let Some(entries) = document.as_object() else {
            let problem = format!("settings by name: {}", KEYS.join(", "));
            return Err(vec![(String::new(), String::new(), problem)]);
        };
        let mut given = ServeArgs::default();
        let mut problems = Vec::new();
        for (key, value) in entries {
            let set = match value {
                Value::String(text) => given.set(key, text),
                Value::Number(_) | Value::Bool(_) => given.set(key, &value.to_string()),
                Value::Array(list) if key == "edges" => {
                    let names: Option<_> =
                        list.iter().map(|one| one.as_str().map(str::to_owned)).collect();
                    given.edges = names;
                    given.edges.as_ref().map(drop).ok_or_else(|| "names".to_owned())
                }
                Value::Array(list) if key == "rules" => {
                    let paths: Option<_> =
                        list.iter().map(|one| one.as_str().map(PathBuf::from)).collect();
                    given.rules = paths;
                    given.rules.as_ref().map(drop).ok_or_else(|| "files or folders".to_owned())
                }
                _ => Err("one value".into()),
            };
            if let Err(problem) = set {
                problems.push((key.clone(), value.to_string(), problem));
            }
        }
        if problems.is_empty() { Ok(given) } else { Err(problems) }
    }
}

fn closest(key: &str) -> Option<&'static str> {
    let near = KEYS.iter().map(|known| (strsim::damerau_levenshtein(key, known), *known)).min();
    near.filter(|(distance, _)| *distance <= 3).map(|(_, known)| known)
}
