//! Signals: stop, stop at once, reload.

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

type Signalled = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Futures that are done when somebody asks.
pub(super) struct Signals {
    /// At the first SIGTERM or SIGINT.
    pub(super) stop: Signalled,
    /// At the second.
    pub(super) at_once: Signalled,
    /// One for each SIGHUP.
    pub(super) reload: mpsc::Receiver<()>,
}

/// Done when the signal comes; never, if the listener is gone.
async fn signalled(signal: oneshot::Receiver<()>) {
    if signal.await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl Signals {
    /// Listens from now on.
    pub(super) fn install() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let (first, stop) = oneshot::channel();
        let (second, at_once) = oneshot::channel();
        let (again, reload) = mpsc::channel(1);
        tokio::spawn(async move {
            for sender in [first, second] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                let _ = sender.send(());
            }
        });
        tokio::spawn(async move {
            // Several that come while one is served are one more.
            while hang_up.recv().await.is_some() {
                let _ = again.try_send(());
            }
        });
        Ok(Signals {
            stop: Box::pin(signalled(stop)),
            at_once: Box::pin(signalled(at_once)),
            reload,
        })
    }
}
