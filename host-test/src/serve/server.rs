//! Connections: how many there may be, and how long they may say nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::{debug, warn};

use super::log_limit::LogLimit;
use super::routes::App;

/// Far more than a Vector opens; others wait in the kernel.
const MAX_CONNECTIONS: usize = 512;

/// Buffer of a connection, in bytes.
const MAX_BUFFER: usize = 256 << 10;

/// For a request's line and headers to come whole.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct Server {
    app: Arc<App>,
    connections: Arc<Semaphore>,
    graceful: GracefulShutdown,
    failed: LogLimit,
}

impl Server {
    pub(super) fn new(app: Arc<App>) -> Self {
        Server {
            app,
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            graceful: GracefulShutdown::new(),
            failed: LogLimit::default(),
        }
    }

    /// Takes connections, and serves each on a task of its own, until the other end of the channel
    /// is dropped.
    pub(super) async fn accept(
        self,
        listener: TcpListener,
        mut stop: oneshot::Receiver<()>,
    ) -> Self {
        tokio::select! {
            _ = &mut stop => {}
            () = self.take(&listener) => {}
        }
        self
    }

    async fn take(&self, listener: &TcpListener) {
        while let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let serve =
                        serve(stream, Arc::clone(&self.app), self.graceful.watcher(), permit);
                    tokio::spawn(serve);
                }
                Err(err) => {
                    // Out of files, most likely: some will be closed.
                    if self.failed.pass().is_some() {
                        warn!(reason = %err, "a connection cannot be taken");
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// Waits until every request that has begun is answered, and every batch is done with, be its
    /// sender there or not.
    pub(super) async fn drain(self) {
        self.graceful.shutdown().await;
        self.app.admission.drained().await;
    }
}

async fn serve(stream: TcpStream, app: Arc<App>, watcher: Watcher, permit: OwnedSemaphorePermit) {
    // An answer is one small packet, which is not to wait for more.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Infallible>(app.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(err) = watcher.watch(connection).await {
        debug!(reason = %err, "a connection broke");
    }
    drop(permit);
}
