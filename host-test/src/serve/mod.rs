//! The service beside Vector: events in by HTTP, and out again with their findings.
//!
//! Vector's `http` sink sends batches; each is examined, its candidates are written to a journal, it
//! is forwarded to Vector's `http_server` source (or what is found is written down), and answered 200
//! only when that has been answered 200. Until then it is the sender's, who sends it again:
//! acknowledgements carry the guarantee. The findings of a repeated batch are compared with a list
//! of those not yet acknowledged downstream, which is saved with the detector's memory. A start is the
//! memory saved last and a replay of the journal, so that a crash forgets nothing.
//!
//! A detector of a fleet reads a stream instead (`nats`): then that is the journal, and the state has the
//! position in it.
//!
//! A request goes through the modules in this order: `server` (connections), `routes`, `request_checks`
//! (who may speak), `body` and `admission` (room for it), `batch` (the guarantee),
//! `detector` (on its own thread, with the journal), `deliveries` (what is undelivered), `annotate`, and
//! `http_sink` or `file_sink`.

mod admission;
mod annotate;
mod batch;
mod body;
#[cfg(test)]
mod crash_tests;
mod deliveries;
mod detector;
mod error;
mod file_sink;
mod http_sink;
mod log_limit;
mod metrics;
#[cfg(feature = "nats")]
mod nats;
mod options;
mod order;
mod pending;
mod progress;
mod request_checks;
mod routes;
mod saver;
mod server;
mod start;
mod stream_options;
mod token;
mod worker;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tracing::{info, warn};

pub use error::Error;
pub use options::{Deliver, ForwardUrl, Listen, Options};
pub use stream_options::{FromStream, StreamUrl, SubjectPrefix};
pub use token::Token;

use crate::plugin::Plugin;
use crate::state::{Pending, StateFile};
use admission::Admission;
use batch::{Batches, Sink};
use metrics::Metrics;
#[cfg(feature = "nats")]
use nats::Fleet;
use order::DetectorStopped;
use routes::App;
use saver::Saver;
use server::Server;
use start::{Found, delivery, found, resume};
use worker::Worker;

/// A service that is ready to run: what can be refused has been accepted.
#[derive(Debug)]
pub struct Service {
    listener: TcpListener,
    app: Arc<App>,
    state: Option<StateFile>,
    save_interval: Duration,
    save_soon: Arc<Notify>,
    /// Found before this start, and not delivered.
    pending: Vec<Pending>,
    gone: oneshot::Receiver<()>,
    /// Reads the stream, if there is one.
    #[cfg(feature = "nats")]
    reader: Option<nats::Reader>,
}

/// A handle that changes a service while it runs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle(Arc<App>);

impl Service {
    /// Checks what can be checked of the options without listening or connecting: the files that a stream is read
    /// with.
    pub fn check(options: &Options) -> Result<(), Error> {
        match &options.from {
            #[cfg(feature = "nats")]
            Some(from) => nats::with_files(from).map(drop),
            #[cfg(not(feature = "nats"))]
            Some(_) => Err(Error::NoNats),
            None => Ok(()),
        }
    }

    /// Opens a detector with settings (one JSON document), takes up the memory in the state file and
    /// what the journal beside it has since, and listens.
    pub async fn start(
        options: &Options,
        plugin: &Plugin,
        settings: &str,
        state: Option<StateFile>,
    ) -> Result<Service, Error> {
        let mut detector = plugin.open(settings)?;
        let resumed = state.as_ref().map(|state| resume(state, &mut detector)).transpose()?;
        let address = options.listen.address();
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| Error::Listen { address, source })?;

        #[cfg_attr(not(feature = "nats"), allow(unused_mut))]
        let mut metrics = Metrics::new(plugin.digest());
        #[cfg(feature = "nats")]
        let fleet = Fleet::connect(options, plugin, settings, &mut metrics).await?;
        #[cfg(not(feature = "nats"))]
        if options.from.is_some() {
            return Err(Error::NoNats);
        }
        #[cfg(feature = "nats")]
        let delivery = delivery(&options.deliver, fleet.as_ref())?;
        #[cfg(not(feature = "nats"))]
        let delivery = delivery(&options.deliver)?;
        let metrics = Arc::new(metrics);

        let from_stream = options.from.is_some();
        let Found { deliveries, mut pending, journal, memory, position, progress, dirty } =
            found(resumed);
        if from_stream {
            // No sender brings them again, and nothing of them comes again with the stream.
            for one in pending.iter().flat_map(|one| &one.found) {
                deliveries.take_up_loose(std::slice::from_ref(&one.finding));
            }
            pending = pending::loose(deliveries.loose());
        }
        let save_soon = Arc::new(Notify::new());
        let (worker, gone) = Worker::start(detector::State {
            plugin: plugin.clone(),
            settings: settings.to_owned(),
            detector,
            memory,
            position,
            journal,
            journaling: !from_stream,
            progress: Arc::clone(&progress),
            deliveries: Arc::clone(&deliveries),
            metrics: Arc::clone(&metrics),
            save_soon: Arc::clone(&save_soon),
            dirty,
        })
        .map_err(Error::Thread)?;
        let in_flight = metrics.in_flight.clone();
        let batches = Batches {
            worker,
            deliveries,
            delivery,
            metrics,
            unreadable: Default::default(),
            forms: Default::default(),
            failed: Default::default(),
            closed: Default::default(),
        };
        let app = App {
            batches: Arc::new(batches),
            token: RwLock::new(options.token.clone()),
            admission: Admission::new(options.max_in_flight, options.max_body, in_flight),
            max_body: options.max_body,
            timeout: options.timeout,
            digest: plugin.digest().to_owned(),
            ready: AtomicBool::new(true),
            refused: Default::default(),
            dropped: Default::default(),
            #[cfg(feature = "nats")]
            stream: fleet.as_ref().map(Fleet::stream),
        };
        let app = Arc::new(app);
        Ok(Service {
            listener,
            #[cfg(feature = "nats")]
            reader: fleet.map(|fleet| fleet.reader(&app, progress)),
            app,
            state,
            save_interval: options.save_interval,
            save_soon,
            pending,
            gone,
        })
    }

    /// The address that it listens on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// A handle that changes the service while it runs.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.app))
    }

    /// Serves until `stop`; then finishes what is in flight and saves the memory. When `at_once`
    /// comes, neither is waited for: what is in flight is still its senders', and the journal has what
    /// was not saved.
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        at_once: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let Service { listener, app, state, save_interval, save_soon, pending, mut gone, .. } =
            self;
        let batches = &app.batches;
        // On tasks of their own: what takes a while holds up no signal.
        let (stop_taking, stopped) = oneshot::channel();
        let server = tokio::spawn(Server::new(Arc::clone(&app)).accept(listener, stopped));
        let (stop_saving, stopped) = oneshot::channel();
        let saver = state.map(|state| Saver::new(state, Arc::clone(batches), save_soon));
        let saver = saver.map(|saver| tokio::spawn(saver.run(save_interval, stopped)));
        tokio::spawn(pending::deliver(Arc::clone(batches), pending, app.timeout));
        #[cfg(feature = "nats")]
        let (stop_reading, reader) = {
            let (stop_reading, stopped) = oneshot::channel::<()>();
            (stop_reading, self.reader.map(|reader| tokio::spawn(reader.run(stopped))))
        };
        let ended = tokio::select! {
            () = stop => Ok(()),
            _ = &mut gone => Err(Error::DetectorStopped),
            () = batches.closed.notified() => Err(Error::Closed),
        };
        app.ready.store(false, Ordering::Relaxed);
        drop(stop_taking);
        info!("stopping: what is in flight is finished, and the memory is saved");
        let finish = async {
            #[cfg(feature = "nats")]
            {
                drop(stop_reading);
                if let Some(reader) = reader {
                    let _ = reader.await;
                }
            }
            if let Ok(server) = server.await {
                server.drain().await;
            }
            drop(stop_saving);
            if let Some(saver) = saver {
                let _ = saver.await;
            }
        };
        tokio::select! {
            () = finish => {}
            () = at_once => warn!("stopped at once: what was in flight is still its senders'"),
        }
        ended
    }
}

impl Handle {
    /// Goes on with other settings, with these compiled packs in place of those before, and with the
    /// same memory. If any is refused, all stays as it was.
    pub async fn reload(&self, settings: String, packs: Vec<Vec<u8>>) -> Result<(), Error> {
        #[cfg(feature = "nats")]
        if let Some(stream) = &self.0.stream {
            stream.reload(&settings, &packs)?;
        }
        let reloaded = self.0.batches.worker.reload(settings, packs).await;
        let reloaded = reloaded.map_err(|DetectorStopped| Error::DetectorStopped)?;
        self.0.batches.metrics.reloaded(reloaded.is_ok());
        let pending = pending::loose(reloaded?);
        tokio::spawn(pending::deliver(Arc::clone(&self.0.batches), pending, self.0.timeout));
        Ok(())
    }

    /// Shows in the metrics how many rules of the user's own run, and how many were refused.
    pub fn set_own_rules(&self, loaded: u64, refused: u64) {
        self.0.batches.metrics.own_rules(loaded, refused);
    }

    /// The digest of what edges of a fleet let through for the rules that run now.
    #[cfg_attr(not(feature = "nats"), allow(unused_variables))]
    pub fn set_screens(&self, digest: String) {
        #[cfg(feature = "nats")]
        if let Some(stream) = &self.0.stream {
            stream.status.set_screens(digest);
        }
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
            Sink::Written(output) => output.reopen().await,
            _ => Ok(()),
        }
    }
}
