//! Whether a detector has read all that its stream holds.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::serve::log_limit::LogLimit;
use crate::serve::metrics::{Labelled, labelled, new};

/// A detector that was ready stays so while no more than this is ahead of it: it is being read.
const FAR: u64 = 10_000;

/// How far a detector is, for readiness and for the metrics.
#[derive(Debug)]
pub(in crate::serve) struct Status {
    connected: AtomicBool,
    reading: AtomicBool,
    caught_up: AtomicBool,
    lag: Gauge<u64, AtomicU64>,
    up: Gauge<u64, AtomicU64>,
    position: Gauge<u64, AtomicU64>,
    /// The digest of what edges let through for the rules that run.
    screens: RwLock<Option<String>>,
    /// Messages read.
    pub(super) messages: Counter,
    /// Times that the stream had to be opened again.
    pub(super) reopened: Counter,
    /// Messages that the stream dropped before they were read.
    pub(super) missed: Counter,
    published: Family<Labelled, Counter>,
    canary_time: Family<Labelled, Gauge<f64, AtomicU64>>,
    canary_delay: Family<Labelled, Gauge<f64, AtomicU64>>,
    canary_missing: Family<Labelled, Gauge<u64, AtomicU64>>,
    /// Events that an edge did not send since they were too large.
    pub(super) aside: Counter,
    /// Messages of edges that screen for other rules than these.
    pub(super) other_rules: Counter,
    pub(super) unreachable: LogLimit,
    pub(super) failed: LogLimit,
    pub(super) unlike: LogLimit,
}

impl Status {
    pub(in crate::serve) fn new(r: &mut Registry) -> Self {
        Status {
            connected: AtomicBool::new(false),
            reading: AtomicBool::new(false),
            caught_up: AtomicBool::new(false),
            lag: new(r, "stream_lag", "Messages in the stream that are not examined yet"),
            up: new(r, "stream_connected", "Whether there is a connection to NATS"),
            position: new(
                r,
                "stream_position",
                "The sequence number of the next message to examine",
            ),
            screens: RwLock::default(),
            messages: new(r, "stream_messages", "Messages of the stream, examined"),
            reopened: new(r, "stream_reopened", "Times the stream was opened again after an error"),
            missed: new(
                r,
                "stream_missed",
                "Messages that the stream dropped before they were read",
            ),
            published: new(
                r,
                "published",
                "Messages that a stream took, by kind; duplicates are those it had",
            ),
            canary_time: new(
                r,
                "canary_timestamp_seconds",
                "When the last canary of an edge came back",
            ),
            canary_delay: new(
                r,
                "canary_delay_seconds",
                "How long the last canary of an edge took",
            ),
            canary_missing: new(
                r,
                "canary_missing",
                "1 for an edge whose canary does not come back",
            ),
            aside: new(
                r,
                "stream_aside",
                "Events too large for the stream, which stay with their edge",
            ),
            other_rules: new(
                r,
                "stream_other_rules",
                "Messages of edges that screen for other rules",
            ),
            unreachable: LogLimit::default(),
            failed: LogLimit::default(),
            unlike: LogLimit::default(),
        }
    }

    pub(super) fn screens(&self) -> Option<String> {
        self.screens.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::serve) fn set_screens(&self, digest: String) {
        *self.screens.write().unwrap_or_else(PoisonError::into_inner) = Some(digest);
    }

    /// There is a connection, or there is none any more.
    pub(super) fn connected(&self, is: bool) {
        self.connected.store(is, Ordering::Relaxed);
        self.up.set(is.into());
    }

    /// The stream is being read, or is not any more: how far behind is not known then.
    pub(super) fn reading(&self, is: bool) {
        self.reading.store(is, Ordering::Relaxed);
        if !is {
            self.caught_up.store(false, Ordering::Relaxed);
        }
    }

    /// So many messages are not examined yet.
    pub(super) fn lag(&self, messages: u64) {
        self.lag.set(messages);
        if messages == 0 || messages > FAR {
            self.caught_up.store(messages == 0, Ordering::Relaxed);
        }
    }

    pub(super) fn position(&self, next: u64) {
        self.position.set(next);
    }

    /// A stream took a message: `finding`, `alert`, `candidate` or `canary`.
    pub(super) fn published(&self, kind: &str, duplicate: bool) {
        let kind = if duplicate { format!("{kind}-duplicate") } else { kind.to_owned() };
        self.published.get_or_create(&labelled(kind)).inc();
    }

    /// A canary came back after so many seconds.
    pub(super) fn canary(&self, edge: &str, now: f64, delay: f64) {
        let edge = labelled(edge.to_owned());
        self.canary_time.get_or_create(&edge).set(now);
        self.canary_delay.get_or_create(&edge).set(delay);
        self.canary_missing.get_or_create(&edge).set(0);
    }

    /// The canary of an edge does not come back.
    pub(super) fn no_canary(&self, edge: &str) {
        self.canary_missing.get_or_create(&labelled(edge.to_owned())).set(1);
    }

    /// Whether all of the stream is examined, but for what comes at this moment.
    pub(in crate::serve) fn is_ready(&self) -> bool {
        self.is_connected() && self.caught_up.load(Ordering::Relaxed)
    }

    fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed) && self.reading.load(Ordering::Relaxed)
    }

    /// For the answer about health.
    pub(in crate::serve) fn health(&self) -> serde_json::Value {
        serde_json::json!({ "connected": self.is_connected(), "lag": self.lag.get() })
    }
}
