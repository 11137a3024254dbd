//! `orgwatch serve`.

mod args;
mod config;
mod log;
mod signals;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use orgwatch_host::serve::{Deliver, Error, Handle, Options, Service, Token};
use orgwatch_host::state::StateFile;
use tracing::{error, info, warn};

use super::opening::{self, Opening};
use super::own_rules::Loaded;
use super::settings::Document;
use super::{Status, component, router, stdout};
use args::ServeArgs;
use config::Config;
use signals::Signals;

const EXAMPLES: &str = "\
Examples:
  orgwatch serve --forward http://127.0.0.1:6002/ --findings-only --state orgwatch.state
  orgwatch serve --forward http://127.0.0.1:6002/ --settings orgwatch.yaml
  orgwatch serve --out findings.ndjson
  orgwatch serve --from tls://nats.example.com/ORGWATCH_CANDIDATES --publish orgwatch \
    --nats-credentials detector.creds --state orgwatch.state
  orgwatch serve --config /etc/orgwatch/serve.yaml --check

Signals:
  TERM, INT  finish what is in flight, save the memory, and end; a second one ends at once, and
             the journal keeps what was not saved
  HUP        read the settings, the rules and the token again, and open --out again; if the
             settings or the rules are refused, the old ones stay

Exit codes:
  0  stopped as asked; with --check: nothing is wrong
  2  something could not be used: the settings, the rules, the state, the address, standard
     output

vector-config/ has the Vector configurations that go with it.";

/// Threads for connections. Fixed, whatever the machine: what takes time is the detector, and that is
/// one.
const WORKERS: usize = 2;

/// Threads for what waits for a disk or a pipe, and for decompressing.
const BLOCKING: usize = 8;

/// Examine events that Vector sends, and send them on with their findings
///
/// Listens for the batches of Vector's http sink, and forwards them to its http_server source:
/// every event as it came, with its findings, or with --findings-only the findings alone. Without
/// --forward, findings are written down. A batch is answered 200 only after downstream has answered
/// 200; until then Vector sends it again, and no finding is lost or given twice.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct ServeFlags {
    /// Settings of the service: any of these flags, as YAML, with _ for -; flags win
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    given: ServeArgs,

    /// Check all settings, the component, the token and the state, and end
    #[arg(long)]
    check: bool,
}

/// Runs it.
pub(super) fn run(flags: &ServeFlags) -> anyhow::Result<Status> {
    let config = Config::read(flags.given.clone(), flags.config.as_deref())?;
    let settings = opening::settings(config.settings.as_deref())?;
    let mut options = config.options.clone();
    options.token = config.token()?;
    if flags.check {
        return check(&config, settings);
    }
    log::start(config.log, config.log_level);
    let rules = own_rules(&config, &settings)?;
    if let Some(from) = &mut options.from {
        from.screens = Some(router::digest(&*rules.joined()?));
    }
    let load = || {
        if config.state.is_none() {
            warn!(
                "without --state the memory ends with this process: findings may come again, and chains break"
            );
        }
        Ok(rules.plugin(component::load_alone(config.component.as_deref(), &config.limits)?))
    };
    let Opening { settings, state, plugin } =
        Opening::new(settings, config.state.as_deref(), load)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let started = Service::start(&options, &plugin, &settings.json(), state).await;
        let service = started.map_err(|err| refused(&settings, err))?;
        let signals = Signals::install()?;
        let (handle, config) = (service.handle(), config.clone());
        show(&handle, &rules);
        let mut again = signals.reload;
        tokio::spawn(async move {
            while again.recv().await.is_some() {
                hang_up(&handle, &config).await;
            }
        });
        announce(&service.address()?.to_string(), &options);
        service.run(signals.stop, signals.at_once).await?;
        info!("stopped");
        anyhow::Ok(Status::Done)
    });
    // A write that nobody takes would be waited for.
    runtime.shutdown_background();
    served
}

/// The error of a service, with the places of refused settings.
fn refused(settings: &Document, err: Error) -> anyhow::Error {
    match err {
        Error::Detector(err @ orgwatch_host::plugin::Error::Settings(_)) => {
            opening::refused(settings, err)
        }
        err => err.into(),
    }
}

fn announce(address: &str, options: &Options) {
    let to = match &options.deliver {
        Deliver::Annotated(url) => format!("events with their findings go to {url}"),
        Deliver::Findings(url) => format!("findings go to {url}"),
        Deliver::Stream(prefix) => {
            format!("findings go to {prefix}.finding.*, and alerts to {prefix}.alert.*")
        }
        Deliver::File(path) => format!("findings go to {}", path.display()),
        _ => "findings go to standard output".to_owned(),
    };
    if let Some(from) = &options.from {
        info!(stream = %from.url, screens = from.screens, "candidates come from a stream");
    }
    info!(
        address,
        version = env!("CARGO_PKG_VERSION"),
        token = options.token.is_some(),
        to,
        "listening"
    );
    // Systemd, where that is what runs it, starts others when this is ready.
    let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
}

/// Checks what can be checked without getting in the way of a service that runs.
fn check(config: &Config, settings: Document) -> anyhow::Result<Status> {
    let rules = config.own_rules.load(&settings, false)?;
    let load =
        || Ok(rules.plugin(component::load_alone(config.component.as_deref(), &config.limits)?));
    // The state is not locked: the service that runs has it.
    let mut detector = Opening::new(settings, None, load)?.detector()?;
    if let Some(path) = &config.state {
        StateFile::check(path, &mut detector)?;
    }
    Service::check(&config.options)?;
    let listen = &config.options.listen;
    stdout::print(&format!("nothing is wrong: the service would listen on {listen}\n"))?;
    Ok(Status::Done)
}

/// The rules of the user, with a line in the log for each that was refused.
fn own_rules(config: &Config, settings: &Document) -> anyhow::Result<Loaded> {
    let loaded = config.own_rules.compile(settings)?;
    for note in loaded.notes() {
        warn!(reason = note, "rules");
    }
    if let Some(summary) = loaded.summary() {
        info!(rules = config.own_rules.named(), "{summary}");
    }
    config.own_rules.accept(loaded)
}

/// The numbers of rules, in the metrics.
fn show(handle: &Handle, rules: &Loaded) {
    if let Some(pack) = rules.pack() {
        let loaded = pack.rules.len() + pack.correlations.len();
        handle.set_own_rules(loaded as u64, rules.refused() as u64);
    }
}

/// The work of SIGHUP.
async fn hang_up(handle: &Handle, config: &Config) {
    match config.token() {
        Ok(token) => handle.set_token(token),
        Err(err) => error!(reason = %format!("{err:#}"), "the old token stays"),
    }
    if let Err(err) = reload(handle, config).await {
        let reason = format!("{err:#}");
        error!(reason, "the settings or the rules are refused: the old ones stay");
    }
    // Last: it waits for what is being written.
    if let Err(err) = handle.reopen().await {
        error!(reason = %err, "the file for findings cannot be opened again: the old one stays");
    }
}

async fn reload(handle: &Handle, config: &Config) -> anyhow::Result<()> {
    let read = || {
        let settings = opening::settings(config.settings.as_deref())?;
        let rules = own_rules(config, &settings)?;
        anyhow::Ok((settings, rules))
    };
    let (settings, rules) = read().inspect_err(|_| handle.refused())?;
    let reloaded = handle.reload(settings.json(), rules.packs()).await;
    reloaded.map_err(|err| refused(&settings, err))?;
    show(handle, &rules);
    handle.set_screens(router::digest(&*rules.joined()?));
    info!("settings reloaded");
    Ok(())
}

impl Config {
    /// The token, as its file or the environment holds it at this moment.
    fn token(&self) -> anyhow::Result<Option<Token>> {
        let (text, origin) = match &self.token_file {
            Some(file) => {
                let unreadable = || format!("cannot read the token {}", file.display());
                let text = std::fs::read_to_string(file).with_context(unreadable)?;
                (text, file.display().to_string())
            }
            None => match std::env::var(config::TOKEN) {
                Ok(text) => (text, config::TOKEN.to_owned()),
                Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(err) => bail!("{}: {err}", config::TOKEN),
            },
        };
        Token::new(&text).map(Some).map_err(|err| anyhow::anyhow!("{origin}: {err}"))
    }
}
