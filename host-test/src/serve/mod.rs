//! The service beside Vector: events in by HTTP, and out again with their findings.
//!
//! Vector's `http` sink sends batches; each is examined, forwarded to Vector's `http_server` source
//! (or what is found is written down), and answered 200 only when that has been answered 200. Until
//! then it is the sender's, who sends it again: acknowledgements carry the guarantee, and nothing is
//! buffered here. What a repeated batch gives again is settled by a ledger of findings that nobody
//! has taken yet, which is saved with the detector's memory.
//!
//! A request goes through the modules in this order: `server` (connections), `routes`, `strangers`
//! (who may speak), `intake` (the body), `batch` (the guarantee), `detector` (on its own thread),
//! `ledger` (what is owed), `annotate`, and `forward` or `write`.

mod annotate;
mod batch;
mod detector;
mod forward;
mod intake;
mod ledger;
mod metrics;
mod options;
mod routes;
mod saver;
mod server;
mod strangers;
mod throttle;
mod token;
mod write;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

pub use options::{Deliver, ForwardUrl, Listen, Options};
pub use token::Token;

use crate::plugin::{self, Plugin};
use crate::state::{Saved, StateError, StateFile};
use batch::{Batches, Delivery};
use detector::{Gone, Worker};
use forward::Forward;
use ledger::Ledger;
use metrics::Metrics;
use routes::Site;
use saver::Saver;
use server::Server;
use write::Output;

/// So many findings may be owed. Beyond it the oldest by event time are no longer told from
/// delivered ones, and repeats as old as they are delivered again.
const MAX_OWED: usize = 100_000;

/// Why a service cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Its address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// The detector cannot be opened, or does not take the state.
    #[error("cannot open the detector")]
    Detector(#[from] plugin::Error),

    /// The state cannot be used. It was left as it is.
    #[error(transparent)]
    State(#[from] StateError),

    /// The state is none of ours, or damaged. It was left as it is.
    #[error("cannot use the state {path}, which is left as it is: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },

    /// The file for findings cannot be opened.
    #[error("cannot write findings to {path}")]
    Output {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// The thread of the detector cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),

    /// No working detector could be made any more.
    #[error("the detector failed and cannot be opened again: the log says why")]
    Gone,

    /// Nobody reads the findings any more.
    #[error(
        "standard output is closed, and there is nowhere for findings to go: what could not be \
         written is still with its senders; start this again with whoever reads it, or give --out"
    )]
    Closed,
}

/// A service that is ready to run: what can be refused has been accepted.
#[derive(Debug)]
pub struct Service {
    listener: TcpListener,
    site: Arc<Site>,
    state: Option<StateFile>,
    save_interval: Duration,
    gone: oneshot::Receiver<()>,
}

/// What changes a service while it runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Site>);

impl Service {
    /// Opens a detector with settings (one JSON document), takes up the memory in the state file,
    /// and listens.
    pub async fn start(
        options: &Options,
        plugin: &Plugin,
        settings: &str,
        state: Option<StateFile>,
    ) -> Result<Service, Error> {
        let mut detector = plugin.open(settings)?;
        let mut saved = Saved::default();
        if let Some(state) = &state {
            saved = load(state)?;
            if !saved.memory.is_empty() {
                let merged = detector.merge_state(&saved.memory);
                detector::complain(merged.map_err(|err| unusable(state, &err))?.len());
            }
        }
        let address = options.listen.address();
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| Error::Listen { address, source })?;
        let delivery = delivery(&options.deliver)?;
        let ledger = Arc::new(Ledger::new(saved.owed, MAX_OWED));
        let (worker, gone) = Worker::start(
            plugin.clone(),
            settings.to_owned(),
            detector,
            saved.memory,
            Arc::clone(&ledger),
        )
        .map_err(Error::Thread)?;
        let batches = Batches {
            worker,
            ledger,
            delivery,
            metrics: Arc::new(Metrics::new(plugin.digest())),
            unreadable: Default::default(),
            failed: Default::default(),
            closed: Default::default(),
        };
        let site = Site {
            batches: Arc::new(batches),
            token: RwLock::new(options.token.clone()),
            permits: Arc::new(Semaphore::new(options.max_in_flight as usize)),
            max_in_flight: options.max_in_flight,
            max_body: options.max_body,
            timeout: options.timeout,
            digest: plugin.digest().to_owned(),
            ready: AtomicBool::new(true),
            refused: Default::default(),
            dropped: Default::default(),
        };
        Ok(Service {
            listener,
            site: Arc::new(site),
            state,
            save_interval: options.save_interval,
            gone,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What changes it while it runs.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.site))
    }

    /// Serves until `stop`; then finishes what is in flight and saves the memory. What is still in
    /// flight when `at_once` comes is given up: it is still its senders'.
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        at_once: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let Service { listener, site, state, save_interval, mut gone } = self;
        let mut saver = Saver::new(state, Arc::clone(&site.batches));
        // On a task of its own: saving may take a while, in which others still want to be heard.
        let (stop_taking, stopped) = oneshot::channel();
        let server = tokio::spawn(Server::new(Arc::clone(&site)).accept(listener, stopped));
        let ended = {
            let mut stop = pin!(stop);
            let mut ticks = tokio::time::interval(save_interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = &mut stop => break Ok(()),
                    _ = &mut gone => break Err(Error::Gone),
                    () = site.batches.closed.notified() => break Err(Error::Closed),
                    _ = ticks.tick() => saver.save().await,
                }
            }
        };
        site.ready.store(false, Ordering::Relaxed);
        drop(stop_taking);
        info!("stopping: what is in flight is finished, and the memory is saved");
        let drain = async {
            if let Ok(server) = server.await {
                server.drain().await;
            }
        };
        tokio::select! {
            () = drain => {}
            () = at_once => warn!("stopped at once: what was in flight is still its senders'"),
        }
        saver.save().await;
        ended
    }
}

impl Handle {
    /// Goes on with other settings and the same memory. If they are refused, all stays as it was.
    pub async fn reload(&self, settings: String) -> Result<(), Error> {
        let reloaded = self.0.batches.worker.reload(settings).await;
        let reloaded = reloaded.map_err(|Gone| Error::Gone)?;
        self.0.batches.metrics.reloaded(reloaded.is_ok());
        Ok(reloaded?)
    }

    /// Counts settings that were refused before they came as far as the detector.
    pub fn refused(&self) {
        self.0.batches.metrics.reloaded(false);
    }

    /// Lets in who knows this token, and nobody else; everybody, if there is none.
    pub fn set_token(&self, token: Option<Token>) {
        *self.0.token.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// Opens the file for findings again, if there is one.
    pub async fn reopen(&self) -> io::Result<()> {
        match &self.0.batches.delivery {
            Delivery::Written(output) => output.reopen().await,
            _ => Ok(()),
        }
    }
}

/// What the state file holds; nothing if it is not there.
fn load(state: &StateFile) -> Result<Saved, Error> {
    let Some(bytes) = state.load()? else {
        info!(state = %state.name().display(), "no state yet: starting empty");
        return Ok(Saved::default());
    };
    Saved::decode(bytes).map_err(|err| unusable(state, &err))
}

fn unusable(state: &StateFile, reason: &dyn std::fmt::Display) -> Error {
    Error::Unusable { path: state.name().to_owned(), reason: reason.to_string() }
}

fn delivery(deliver: &Deliver) -> Result<Delivery, Error> {
    Ok(match deliver {
        Deliver::Annotated(url) => Delivery::Annotated(Forward::new(url.clone())),
        Deliver::Findings(url) => Delivery::Findings(Forward::new(url.clone())),
        Deliver::Stdout => {
            let failed = |source| Error::Output { path: "standard output".into(), source };
            Delivery::Written(Output::stdout().map_err(failed)?)
        }
        Deliver::File(path) => {
            let failed = |source| Error::Output { path: path.clone(), source };
            Delivery::Written(Output::file(path).map_err(failed)?)
        }
    })
}
