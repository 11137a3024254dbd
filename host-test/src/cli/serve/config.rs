//! Settings of the service itself: as flags, in a file, or both.

use std::path::{Path, PathBuf};

use orgwatch_host::serve::{Deliver, FromStream, Options};

use super::args::ServeArgs;
use super::log::{LogFormat, LogLevel};
use crate::cli::limits::LimitFlags;
use crate::cli::own_rules::OwnRulesFlags;
use crate::cli::settings::{Document, Refused};

/// The environment variable that may hold the token.
pub(super) const TOKEN: &str = "ORGWATCH_TOKEN";

/// The configuration of the service.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) options: Options,
    pub(super) settings: Option<PathBuf>,
    pub(super) state: Option<PathBuf>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) component: Option<PathBuf>,
    pub(super) limits: LimitFlags,
    pub(super) own_rules: OwnRulesFlags,
    pub(super) log: Option<LogFormat>,
    pub(super) log_level: LogLevel,
}

/// A setting, what stands there, and what is wrong with it.
type Problem = (&'static str, String);

impl Config {
    /// Flags, and what a file adds to them. Fails with [`Refused`], which names every problem.
    pub(super) fn read(flags: ServeArgs, file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else {
            return flags.config().map_err(|(key, problem)| {
                Refused(vec![format!("--{}: {problem}", key.replace('_', "-"))]).into()
            });
        };
        let document = Document::read(file)?;
        let refused = |problems: &[(String, String, String)]| {
            let problems = problems
                .iter()
                .map(|(path, value, problem)| (path.as_str(), value.as_str(), problem.as_str()));
            Refused::of(&document.wrong(problems))
        };
        let from_file = ServeArgs::of(document.value()).map_err(|problems| refused(&problems))?;
        let config = flags.or(from_file).config();
        config.map_err(|(key, problem)| {
            let value = document.value().get(key).map(ToString::to_string).unwrap_or_default();
            refused(&[(key.to_owned(), value, problem)]).into()
        })
    }
}

impl ServeArgs {
    /// The configuration, if these arguments go together.
    fn config(mut self) -> Result<Config, Problem> {
        let defaults = Options::default();
        let from = self.stream()?;
        let deliver = self.deliver(from.is_some())?;
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
        if self.max_findings == Some(0) {
            return Err(("max_findings", "a whole number, 1 at the least".into()));
        }
        let limits = LimitFlags {
            open_timeout: self.open_timeout,
            call_timeout: self.call_timeout,
            max_memory: self.max_memory,
            max_findings: self.max_findings,
        };
        let own_rules = OwnRulesFlags {
            rules: self.rules.unwrap_or_default(),
            no_pack: self.no_pack.unwrap_or_default(),
            strict: self.strict.unwrap_or_default(),
        };
        for (key, set) in [("no_pack", own_rules.no_pack), ("strict", own_rules.strict)] {
            if set && own_rules.rules.is_empty() {
                return Err((key, "needs rules: there are none of yours without".into()));
            }
        }
        let mut options = Options::default();
        options.listen = listen;
        options.from = from;
        options.deliver = deliver;
        options.max_body = max_body as usize;
        options.max_in_flight = max_in_flight;
        options.timeout = self.timeout.map_or(options.timeout, |time| time.0);
        options.save_interval = self.save_interval.map_or(options.save_interval, |time| time.0);
        Ok(Config {
            options,
            settings: self.settings,
            state: self.state,
            token_file: self.token_file,
            component: self.component,
            limits,
            own_rules,
            log: self.log,
            log_level: self.log_level.unwrap_or(LogLevel::Info),
        })
    }

    /// The destination of findings.
    fn deliver(&mut self, from_stream: bool) -> Result<Deliver, Problem> {
        let (forward, out) = (self.forward.take(), self.out.take());
        if let Some(prefix) = self.publish.take() {
            if forward.is_some() || out.is_some() || self.findings_only.is_some() {
                let problem =
                    "goes without forward, findings_only and out: findings go to one of them";
                return Err(("publish", problem.into()));
            }
            if !from_stream {
                return Err(("publish", "needs from: findings go over the same connection".into()));
            }
            return Ok(Deliver::Stream(prefix));
        }
        Ok(match (forward, out, self.findings_only) {
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
            (Some(_), None, Some(false)) if from_stream => {
                let problem = "false goes without from: the events have gone their way already";
                return Err(("findings_only", problem.into()));
            }
            (Some(url), None, Some(true)) => Deliver::Findings(url),
            (Some(url), None, None) if from_stream => Deliver::Findings(url),
            (Some(url), None, _) => Deliver::Annotated(url),
            (None, Some(path), _) => Deliver::File(path),
            (None, None, _) => Deliver::Stdout,
        })
    }

    /// The stream to read.
    fn stream(&mut self) -> Result<Option<FromStream>, Problem> {
        let certificate = match (self.nats_certificate.take(), self.nats_key.take()) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) => return Err(("nats_certificate", "needs nats_key".into())),
            (None, Some(_)) => return Err(("nats_key", "needs nats_certificate".into())),
        };
        let Some(url) = self.from.take() else {
            for (key, set) in [
                ("nats_credentials", self.nats_credentials.is_some()),
                ("nats_ca", self.nats_ca.is_some()),
                ("nats_certificate", certificate.is_some()),
                ("canary_interval", self.canary_interval.is_some()),
                ("edges", self.edges.is_some()),
            ] {
                if set {
                    return Err((key, "needs from: it is about the stream that is read".into()));
                }
            }
            return Ok(None);
        };
        let mut from = FromStream::new(url);
        from.credentials = self.nats_credentials.take();
        from.authorities = self.nats_ca.take();
        from.certificate = certificate;
        from.canary = self.canary_interval.map_or(from.canary, |time| time.0);
        from.edges = self.edges.take().unwrap_or_default();
        Ok(Some(from))
    }
}
