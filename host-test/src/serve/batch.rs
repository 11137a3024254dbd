//! One batch, from its body to the answer. Here is the guarantee: no sender is answered 200
//! before downstream has answered 200.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;
use tracing::{debug, info, warn};

use super::admission::InFlight;
use super::annotate;

use super::deliveries::{Deliveries, Delivery};
use super::file_sink::FileSink;
use super::http_sink::{HttpSink, SinkError};
use super::log_limit::LogLimit;
use super::metrics::{Metrics, other_forms};
use super::order::{DetectorStopped, Examined, Failure};
use super::worker::Worker;
use crate::output::escape;
use crate::plugin::{Located, Unreadable};
use crate::steps::step;

/// The destination of findings and events.
#[derive(Debug, Clone)]
pub(super) enum Sink {
    Annotated(HttpSink),
    Findings(HttpSink),
    Written(FileSink),
    #[cfg(feature = "nats")]
    Stream(super::nats::Publisher),
}

/// The state that all batches share.
#[derive(Debug)]
pub(super) struct Batches {
    pub(super) worker: Worker,
    pub(super) deliveries: Arc<Deliveries>,
    pub(super) delivery: Sink,
    pub(super) metrics: Arc<Metrics>,
    pub(super) unreadable: LogLimit,
    pub(super) forms: LogLimit,
    pub(super) failed: LogLimit,
    /// Notified when nothing can be delivered any more.
    pub(super) closed: Notify,
}

/// Why a batch has to be sent again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Retry {
    #[error("downstream {0}")]
    Downstream(#[from] SinkError),
    #[error("{0}")]
    Detector(#[from] DetectorStopped),
    #[error("{0}")]
    Failed(#[from] Failure),
    #[error("the detector was busy for {0:?}")]
    Busy(Duration),
    #[error("it took longer than {0:?}")]
    Timeout(Duration),
}

/// Done when it is written down what was delivered; none if there is nothing to write.
type Settled = Option<oneshot::Receiver<()>>;

async fn written_down(settled: Settled) -> Result<(), Retry> {
    match settled {
        Some(written) => written.await.map_err(|_| DetectorStopped.into()),
        None => Ok(()),
    }
}

impl Batches {
    /// Does the work before a deadline, or gives it up. Events and findings are downstream's when
    /// this succeeds; otherwise all of them are still the sender's.
    pub(super) async fn work_until(
        self: &Arc<Self>,
        events: Bytes,
        in_flight: InFlight,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<(), Retry> {
        let examined = timeout_at(deadline.into(), self.examine(events.clone(), in_flight)).await;
        let (examined, _in_flight) = examined.map_err(|_| Retry::Busy(timeout))??;
        let delivered = timeout_at(deadline.into(), self.deliver(events, examined)).await;
        delivered.unwrap_or_else(|_| {
            self.metrics.forward_failed("timeout");
            if let Some(before) = self.failed.pass() {
                warn!(
                    ?timeout,
                    suppressed = before,
                    "downstream gave no answer in time, and the batch is to be sent again: with \
                     acknowledgements it answers when its last sink has, which must not take \
                     longer than this"
                );
            }
            Err(Retry::Timeout(timeout))
        })
    }

    /// Examines newline-delimited events.
    async fn examine(
        &self,
        events: Bytes,
        in_flight: InFlight,
    ) -> Result<(Examined, InFlight), Retry> {
        let start = Instant::now();
        let (examined, in_flight) = self.worker.examine(events, in_flight).await??;
        self.metrics.examined(&examined.counts, start.elapsed());
        self.log_unreadable(&examined);
        Ok((examined, in_flight))
    }

    /// Delivers what comes of it, and returns when that is known after a crash, too.
    pub(super) async fn deliver(
        self: &Arc<Self>,
        events: Bytes,
        examined: Examined,
    ) -> Result<(), Retry> {
        let Examined { found, repeats, spans, .. } = examined;
        let given = found.len();
        // Not before this is known: whether another batch delivers them.
        let delivery = self.deliveries.take(found).await;
        let repeats = repeats + (given - delivery.found.len()) as u64;

        let start = Instant::now();
        let delivered = match &self.delivery {
            Sink::Annotated(forward) if !events.is_empty() || !delivery.found.is_empty() => {
                let (events, renamed) = annotate::annotate(&events, &spans, &delivery.found);
                let sent = forward.send(events).await;
                if sent.is_ok() {
                    self.metrics.renamed.inc_by(renamed);
                }
                sent
            }
            Sink::Findings(forward) if !delivery.found.is_empty() => {
                forward.send(annotate::findings(&delivery.found).into()).await
            }
            Sink::Written(output) if !delivery.found.is_empty() => {
                let (turn, batches) = (output.turn().await, Arc::clone(self));
                // What is being written cannot be taken back: it goes on though nobody waits for it
                // any more, and only then is it known what is still pending.
                let written = spawn_blocking(move || {
                    let written = turn.write(&annotate::findings(&delivery.found));
                    batches.settle(written, delivery, repeats, start)
                });
                let settled = written.await.map_err(|err| SinkError::Write(err.to_string()))??;
                return written_down(settled).await;
            }
            #[cfg(feature = "nats")]
            Sink::Stream(publisher) if !delivery.found.is_empty() => {
                publisher.findings(&delivery.found).await
            }
            _ => Ok(()),
        };
        step("delivered");
        written_down(self.settle(delivered, delivery, repeats, start)?).await
    }

    /// Settles what arrived, and gives the result. Its receiver is done when a crash cannot undo that
    /// any more.
    fn settle(
        &self,
        delivered: Result<(), SinkError>,
        delivery: Delivery,
        repeats: u64,
        start: Instant,
    ) -> Result<Settled, Retry> {
        if let Err(failure) = delivered {
            self.metrics.forward_failed(failure.label());
            if let Some(before) = self.failed.pass() {
                warn!(
                    reason = %failure,
                    findings = delivery.found.len(),
                    suppressed = before,
                    "downstream did not take a batch, which is to be sent again"
                );
            }
            if failure == SinkError::Closed {
                self.closed.notify_one();
            }
            return Err(failure.into());
        }
        self.metrics.forwarded(start.elapsed());
        self.metrics.deduplicated.inc_by(repeats);
        for Located { finding, .. } in &delivery.found {
            self.metrics.delivered(finding);
            info!(
                rule = &*finding.rule,
                severity = %finding.severity,
                status = finding.status.as_str(),
                id = finding.id,
                account = finding.account.as_deref().unwrap_or_default(),
                "finding delivered"
            );
        }
        let keys = delivery.acknowledged();
        Ok((!keys.is_empty()).then(|| self.worker.delivered(keys)))
    }

    /// Logs events that could not be read: not each, and not all of it.
    fn log_unreadable(&self, examined: &Examined) {
        for Unreadable { place, reason } in &examined.unreadable {
            debug!(line = place.line, reason = %escape(reason, 200), "unreadable");
        }
        let forms = other_forms(&examined.counts);
        if forms.iter().any(|(_, count)| *count > 0)
            && let Some(before) = self.forms.pass()
        {
            let [ocsf, ecs, rows, notifications, companions] = forms.map(|(_, count)| count);
            info!(
                ocsf,
                ecs,
                rows,
                notifications,
                companions,
                suppressed = before,
                "events that are not in CloudTrail's own form"
            );
        }
        let Some(first) = examined.unreadable.first() else { return };
        if let Some(before) = self.unreadable.pass() {
            let counts = &examined.counts;
            warn!(
                unreadable = counts.unreadable,
                trapped = counts.trapped,
                line = first.place.line,
                reason = %escape(&first.reason, 200),
                suppressed = before,
                "events that cannot be read are passed on as they came"
            );
        }
    }
}
