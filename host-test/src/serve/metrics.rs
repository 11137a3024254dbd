//! Metrics of the service, for Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use orgwatch::finding::Finding;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};

use crate::plugin::{self, Counts};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// A part of the detector's memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Store {
    store: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Found {
    rule: String,
    severity: String,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Form {
    form: &'static str,
}

/// How many events came in forms other than CloudTrail's own, and accompany its records.
pub(super) fn other_forms(counts: &Counts) -> [(&'static str, u64); 5] {
    [
        ("ocsf", counts.ocsf),
        ("ecs", counts.ecs),
        ("query-row", counts.query_rows),
        ("notification", counts.notifications),
        ("companion", counts.companions),
    ]
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

/// Every metric of a service.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    events: Family<Outcome, Counter>,
    forms: Family<Form, Counter>,
    without_time: Counter,
    findings: Family<Found, Counter>,
    /// Findings not delivered again.
    pub(super) deduplicated: Counter,
    /// Keys of events that were ours, and were given other names.
    pub(super) renamed: Counter,
    batches: Family<Outcome, Counter>,
    forward_failures: Family<Reason, Counter>,
    refused: Family<Reason, Counter>,
    seconds: Family<Stage, Histogram>,
    traps: Counter,
    memory: Family<Store, Gauge<u64, AtomicU64>>,
    evicted: Gauge<u64, AtomicU64>,
    /// Batches that were not examined to their end, since nobody waited for them any more.
    pub(super) abandoned: Counter,
    journal_writes: Family<Outcome, Counter>,
    pub(super) journal_bytes: Gauge<u64, AtomicU64>,
    pending: Gauge<u64, AtomicU64>,
    pending_forgotten: Gauge<u64, AtomicU64>,
    /// Batches being worked on.
    pub(super) in_flight: Gauge,
    saves: Family<Outcome, Counter>,
    reloads: Family<Outcome, Counter>,
    own_rules: Family<Outcome, Gauge<u64, AtomicU64>>,
}

/// 100 µs to 26 s, each twice the one before.
fn buckets() -> Histogram {
    Histogram::new((0..19).map(|power| 0.0001 * f64::from(1 << power)))
}

/// The one label of a metric of a fleet: an edge, or the kind of a message.
#[cfg(feature = "nats")]
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Labelled {
    of: String,
}

#[cfg(feature = "nats")]
pub(super) fn labelled(of: String) -> Labelled {
    Labelled { of }
}

/// A metric that is registered.
pub(super) fn new<M: Metric + Clone + Default>(
    registry: &mut Registry,
    name: &str,
    help: &str,
) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// All at nothing, with what the component is.
    pub(super) fn new(digest: &str) -> Self {
        let mut registry = Registry::with_prefix("orgwatch");
        let build =
            [("version", env!("CARGO_PKG_VERSION").to_owned()), ("component", digest.to_owned())];
        registry.register("build", "This orgwatch and its component", Info::new(build));
        let seconds = Family::new_with_constructor(buckets as fn() -> Histogram);
        registry.register_with_unit(
            "batch",
            "How long batches took: detect, forward, and all from the first byte to the answer",
            Unit::Seconds,
            seconds.clone(),
        );
        let r = &mut registry;
        Metrics {
            events: new(r, "events", "Events examined, by outcome"),
            forms: new(
                r,
                "events_other_form",
                "Events in another form than CloudTrail's own, and companions of records",
            ),
            without_time: new(
                r,
                "events_without_time",
                "Events that a rule names and whose time cannot be read, which no chain has",
            ),
            findings: new(r, "findings", "Findings delivered"),
            deduplicated: new(
                r,
                "findings_deduplicated",
                "Findings not delivered again, since they were delivered before",
            ),
            renamed: new(
                r,
                "keys_renamed",
                "Keys of events that had our names and were given others",
            ),
            batches: new(r, "batches", "Batches, by the outcome that was answered"),
            forward_failures: new(
                r,
                "forward_failures",
                "Batches that downstream did not acknowledge, by reason: their senders retry",
            ),
            refused: new(r, "requests_refused", "Requests refused, by reason"),
            seconds,
            traps: new(r, "guest_traps", "Events on which the guest trapped"),
            memory: new(r, "memory_entries", "Entries in the detector's memory, by store"),
            evicted: new(
                r,
                "memory_evicted",
                "Entries forgotten for want of room since the detector was opened",
            ),
            abandoned: new(
                r,
                "batches_abandoned",
                "Batches not examined to their end, since their sender did not wait any more",
            ),
            journal_writes: new(r, "journal_writes", "Batches written to the journal"),
            journal_bytes: new(r, "journal_bytes", "The length of the journal"),
            pending: new(r, "findings_pending", "Findings not yet acknowledged downstream"),
            pending_forgotten: new(
                r,
                "findings_pending_forgotten",
                "Findings not acknowledged and no longer tracked for want of room",
            ),
            in_flight: new(r, "batches_in_flight", "Batches being worked on"),
            saves: new(r, "state_saves", "Times the memory was saved"),
            reloads: new(r, "settings_reloads", "Times settings were reloaded"),
            own_rules: new(r, "own_rules", "Rules of --rules, by whether they run"),
            registry,
        }
    }

    /// For metrics of a part of the service.
    #[cfg(feature = "nats")]
    pub(super) fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// As Prometheus reads it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    pub(super) fn examined(&self, counts: &Counts, time: Duration) {
        for (outcome, count) in [
            ("rejected", counts.rejected),
            ("evaluated", counts.evaluated),
            ("foreign", counts.foreign),
            ("unreadable", counts.unreadable),
        ] {
            self.events.get_or_create(&Outcome { outcome }).inc_by(count);
        }
        for (form, count) in other_forms(counts) {
            if count > 0 {
                self.forms.get_or_create(&Form { form }).inc_by(count);
            }
        }
        self.without_time.inc_by(counts.without_time);
        self.traps.inc_by(counts.trapped);
        self.seconds.get_or_create(&Stage { stage: "detect" }).observe(time.as_secs_f64());
    }

    pub(super) fn delivered(&self, finding: &Finding) {
        let found = Found {
            rule: finding.rule.to_string(),
            severity: finding.severity.to_string(),
            status: finding.status.as_str().to_owned(),
        };
        self.findings.get_or_create(&found).inc();
    }

    pub(super) fn forwarded(&self, time: Duration) {
        self.seconds.get_or_create(&Stage { stage: "forward" }).observe(time.as_secs_f64());
    }

    pub(super) fn forward_failed(&self, reason: &'static str) {
        self.forward_failures.get_or_create(&Reason { reason }).inc();
    }

    /// A batch was answered: `ok` or `retry`.
    pub(super) fn answered(&self, outcome: &'static str, time: Duration) {
        self.batches.get_or_create(&Outcome { outcome }).inc();
        self.seconds.get_or_create(&Stage { stage: "all" }).observe(time.as_secs_f64());
    }

    pub(super) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    pub(super) fn saved(&self, ok: bool) {
        self.saves.get_or_create(&outcome(ok, "failed")).inc();
    }

    pub(super) fn journaled(&self, ok: bool, length: u64) {
        self.journal_writes.get_or_create(&outcome(ok, "failed")).inc();
        self.journal_bytes.set(length);
    }

    pub(super) fn reloaded(&self, ok: bool) {
        self.reloads.get_or_create(&outcome(ok, "refused")).inc();
    }

    pub(super) fn own_rules(&self, loaded: u64, refused: u64) {
        for (outcome, count) in [("loaded", loaded), ("refused", refused)] {
            self.own_rules.get_or_create(&Outcome { outcome }).set(count);
        }
    }

    /// Sizes of the detector's memory and of the undelivered findings, now.
    pub(super) fn hold(&self, counters: &[plugin::Counter], (pending, forgotten): (u64, u64)) {
        for counter in counters {
            match counter.name.strip_prefix("memory_") {
                Some("evicted") => drop(self.evicted.set(counter.value)),
                Some(store) => {
                    let store = Store { store: store.to_owned() };
                    self.memory.get_or_create(&store).set(counter.value);
                }
                None => {}
            }
        }
        self.pending.set(pending);
        self.pending_forgotten.set(forgotten);
    }
}

fn outcome(ok: bool, otherwise: &'static str) -> Outcome {
    Outcome { outcome: if ok { "ok" } else { otherwise } }
}
