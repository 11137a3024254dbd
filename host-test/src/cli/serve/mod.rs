//! `orgwatch serve`.

mod args;
mod config;
mod log;
mod signals;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use orgwatch_host::plugin::Error as PluginError;
use orgwatch_host::serve::{Deliver, Error, Handle, Options, Service, Token};
use orgwatch_host::state::StateFile;
use tracing::{error, info, warn};

use super::settings::Document;
use super::{Status, component, warn};
use args::ServeArgs;
use config::Config;
use signals::Signals;

const EXAMPLES: &str = "\
Examples:
  orgwatch serve --forward http://127.0.0.1:6002/ --findings-only --state orgwatch.state
  orgwatch serve --forward http://127.0.0.1:6002/ --settings orgwatch.yaml
  orgwatch serve --out findings.ndjson
  orgwatch serve --config /etc/orgwatch/serve.yaml --check

Signals:
  TERM, INT  finish what is in flight, save the memory, and end; a second one ends at once, and
             the journal keeps what was not saved
  HUP        read the settings and the token again, and open --out again; if the settings are
             refused, the old ones stay

Exit codes:
  0  stopped as asked; with --check: nothing is wrong
  2  something could not be used: the settings, the state, the address, standard output

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
    let config = match Config::read(flags.given.clone(), flags.config.as_deref())? {
        Ok(config) => config,
        Err(problems) => return Ok(unusable(&problems)),
    };
    let settings = match Settings::read(config.settings.as_deref())? {
        Ok(settings) => settings,
        Err(problems) => return Ok(unusable(&problems)),
    };
    let mut options = config.options.clone();
    options.token = config.token()?;
    if flags.check {
        return check(&config, &settings);
    }
    log::start(config.log, config.log_level);
    // Before anything that takes time: another run may have it.
    let state = config.state.as_deref().map(StateFile::open).transpose()?;
    if state.is_none() {
        warn!(
            "without --state the memory ends with this process: findings may come again, and chains break"
        );
    }
    let plugin = component::load_alone(config.component.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let started = Service::start(&options, &plugin, &settings.json, state).await;
        let service = match started {
            Err(Error::Detector(PluginError::Settings(problems))) => {
                return Ok(Err(settings.wrong(&problems)));
            }
            service => service?,
        };
        let signals = Signals::install()?;
        let (handle, config) = (service.handle(), config.clone());
        let mut again = signals.reload;
        tokio::spawn(async move {
            while again.recv().await.is_some() {
                hang_up(&handle, &config).await;
            }
        });
        announce(&service.address()?.to_string(), &options);
        service.run(signals.stop, signals.at_once).await?;
        info!("stopped");
        anyhow::Ok(Ok(()))
    });
    // A write that nobody takes would be waited for.
    runtime.shutdown_background();
    match served? {
        Ok(()) => Ok(Status::Done),
        Err(problems) => Ok(unusable(&problems)),
    }
}

fn unusable(problems: &[String]) -> Status {
    for problem in problems {
        warn(problem);
    }
    Status::Unusable
}

fn announce(address: &str, options: &Options) {
    let to = match &options.deliver {
        Deliver::Annotated(url) => format!("events with their findings go to {url}"),
        Deliver::Findings(url) => format!("findings go to {url}"),
        Deliver::File(path) => format!("findings go to {}", path.display()),
        _ => "findings go to standard output".to_owned(),
    };
    info!(
        address,
        version = env!("CARGO_PKG_VERSION"),
        token = options.token.is_some(),
        to,
        "listening"
    );
    // Told to systemd, where that is what runs it: others start when this is ready.
    let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
}

/// Settings of the detector: one document, checked by the detector that opens with it.
struct Settings {
    document: Document,
    json: String,
}

impl Settings {
    /// Reads a file; what is wrong with it is told with its line.
    fn read(file: Option<&Path>) -> anyhow::Result<Result<Self, Vec<String>>> {
        let document = match file {
            Some(file) => match Document::read(file) {
                Ok(document) => document,
                Err(err) if err.is::<super::settings::Wrong>() => {
                    return Ok(Err(vec![err.to_string()]));
                }
                Err(err) => return Err(err),
            },
            None => Document::empty(),
        };
        let json = document.json();
        Ok(Ok(Settings { document, json }))
    }

    fn wrong(&self, problems: &[orgwatch_host::plugin::Problem]) -> Vec<String> {
        self.document.refused(problems).iter().map(ToString::to_string).collect()
    }
}

/// Checks what can be checked without getting in the way of a service that runs.
fn check(config: &Config, settings: &Settings) -> anyhow::Result<Status> {
    let plugin = component::load_alone(config.component.as_deref())?;
    let mut detector = match plugin.open(&settings.json) {
        Err(PluginError::Settings(problems)) => return Ok(unusable(&settings.wrong(&problems))),
        detector => detector?,
    };
    if let Some(path) = &config.state {
        let refused = || format!("cannot use the state {}", path.display());
        StateFile::check(path, &mut detector).with_context(refused)?;
    }
    println!("nothing is wrong: the service would listen on {}", config.options.listen);
    Ok(Status::Done)
}

/// The work of SIGHUP.
async fn hang_up(handle: &Handle, config: &Config) {
    match config.token() {
        Ok(token) => handle.set_token(token),
        Err(err) => error!(reason = %format!("{err:#}"), "the old token stays"),
    }
    if let Err(err) = reload(handle, config.settings.as_deref()).await {
        error!(reason = %format!("{err:#}"), "the settings are refused: the old ones stay");
    }
    // Last: it waits for what is being written.
    if let Err(err) = handle.reopen().await {
        error!(reason = %err, "the file for findings cannot be opened again: the old one stays");
    }
}

async fn reload(handle: &Handle, file: Option<&Path>) -> anyhow::Result<()> {
    let settings = match Settings::read(file) {
        Ok(Ok(settings)) => settings,
        refused => {
            handle.refused();
            let problems = refused?.err().unwrap_or_default();
            bail!(problems.join("; "));
        }
    };
    match handle.reload(settings.json.clone()).await {
        Ok(()) => info!("settings reloaded"),
        Err(Error::Detector(PluginError::Settings(problems))) => {
            bail!(settings.wrong(&problems).join("; "))
        }
        Err(err) => bail!(err),
    }
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
