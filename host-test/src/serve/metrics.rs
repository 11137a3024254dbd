//! What a service counts, for Prometheus.

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
use prometheus_client::registry::{Registry, Unit};

use crate::plugin::{self, Counts};

/// One label: of which kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Kind {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Found {
    rule: String,
    severity: String,
    status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

/// Every metric of a service.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    events: Family<Kind, Counter>,
    findings: Family<Found, Counter>,
    /// Findings left out, since they were delivered before.
    pub(super) repeats: Counter,
    /// Keys of events that were ours, and were given other names.
    pub(super) renamed: Counter,
    batches: Family<Kind, Counter>,
    forward_retries: Family<Kind, Counter>,
    refused: Family<Kind, Counter>,
    seconds: Family<Stage, Histogram>,
    traps: Counter,
    memory: Family<Kind, Gauge<u64, AtomicU64>>,
    evicted: Gauge<u64, AtomicU64>,
    owed: Gauge<u64, AtomicU64>,
    owed_forgotten: Gauge<u64, AtomicU64>,
    /// Batches being worked on.
    pub(super) in_flight: Gauge,
    saves: Family<Kind, Counter>,
    reloads: Family<Kind, Counter>,
}

/// 100 µs to 26 s, each twice the one before.
fn buckets() -> Histogram {
    Histogram::new((0..19).map(|power| 0.0001 * f64::from(1 << power)))
}

impl Metrics {
    /// All at nothing, with what the component is.
    pub(super) fn new(digest: &str) -> Self {
        let mut registry = Registry::with_prefix("orgwatch");
        let metrics = Metrics {
            events: Family::default(),
            findings: Family::default(),
            repeats: Counter::default(),
            renamed: Counter::default(),
            batches: Family::default(),
            forward_retries: Family::default(),
            refused: Family::default(),
            seconds: Family::new_with_constructor(buckets),
            traps: Counter::default(),
            memory: Family::default(),
            evicted: Gauge::default(),
            owed: Gauge::default(),
            owed_forgotten: Gauge::default(),
            in_flight: Gauge::default(),
            saves: Family::default(),
            reloads: Family::default(),
            registry: Registry::default(),
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let labels =
            vec![("version".to_owned(), version), ("component".to_owned(), digest.to_owned())];
        registry.register("build", "This orgwatch and its component", Info::new(labels));
        let r = &mut registry;
        r.register("events", "Events examined, by what became of them", metrics.events.clone());
        r.register("findings", "Findings delivered", metrics.findings.clone());
        r.register(
            "findings_repeated",
            "Findings left out, since they were delivered before",
            metrics.repeats.clone(),
        );
        r.register(
            "keys_renamed",
            "Keys of events that had our names and were given others",
            metrics.renamed.clone(),
        );
        r.register("batches", "Batches, by how they were answered", metrics.batches.clone());
        r.register(
            "forward_retries",
            "Batches that downstream did not take and the sender has to send again, by why",
            metrics.forward_retries.clone(),
        );
        r.register("requests_refused", "Requests refused, by why", metrics.refused.clone());
        r.register_with_unit(
            "batch",
            "How long batches took: detect, forward, and all from the first byte to the answer",
            Unit::Seconds,
            metrics.seconds.clone(),
        );
        r.register("guest_traps", "Events on which the guest trapped", metrics.traps.clone());
        r.register("memory_entries", "What the detector remembers", metrics.memory.clone());
        r.register(
            "memory_evicted",
            "Entries forgotten for want of room since the detector was opened",
            metrics.evicted.clone(),
        );
        r.register("findings_owed", "Findings given and not taken yet", metrics.owed.clone());
        r.register(
            "findings_owed_forgotten",
            "Findings given, not taken, and no longer tracked for want of room",
            metrics.owed_forgotten.clone(),
        );
        r.register("batches_in_flight", "Batches being worked on", metrics.in_flight.clone());
        r.register("state_saves", "Times the memory was saved", metrics.saves.clone());
        r.register("settings_reloads", "Times settings were reloaded", metrics.reloads.clone());
        Metrics { registry, ..metrics }
    }

    /// As Prometheus reads it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    pub(super) fn examined(&self, counts: &Counts, time: Duration) {
        for (kind, count) in [
            ("rejected", counts.rejected),
            ("evaluated", counts.evaluated),
            ("foreign", counts.foreign),
            ("unreadable", counts.unreadable),
        ] {
            self.events.get_or_create(&label(kind)).inc_by(count);
        }
        self.traps.inc_by(counts.trapped);
        self.seconds.get_or_create(&Stage { stage: "detect" }).observe(time.as_secs_f64());
    }

    pub(super) fn delivered(&self, finding: &Finding) {
        let found = Found {
            rule: finding.rule.clone(),
            severity: finding.severity.to_string(),
            status: finding.status.as_str().to_owned(),
        };
        self.findings.get_or_create(&found).inc();
    }

    pub(super) fn forwarded(&self, time: Duration) {
        self.seconds.get_or_create(&Stage { stage: "forward" }).observe(time.as_secs_f64());
    }

    pub(super) fn forward_failed(&self, why: &str) {
        self.forward_retries.get_or_create(&label(why)).inc();
    }

    /// A batch was answered: `ok` or `retry`.
    pub(super) fn answered(&self, how: &str, time: Duration) {
        self.batches.get_or_create(&label(how)).inc();
        self.seconds.get_or_create(&Stage { stage: "all" }).observe(time.as_secs_f64());
    }

    pub(super) fn refused(&self, why: &str) {
        self.refused.get_or_create(&label(why)).inc();
    }

    pub(super) fn saved(&self, ok: bool) {
        self.saves.get_or_create(&label(if ok { "ok" } else { "failed" })).inc();
    }

    pub(super) fn reloaded(&self, ok: bool) {
        self.reloads.get_or_create(&label(if ok { "ok" } else { "refused" })).inc();
    }

    /// What the detector and the ledger hold at this moment.
    pub(super) fn hold(&self, counters: &[plugin::Counter], (owed, forgotten): (u64, u64)) {
        for counter in counters {
            match counter.name.strip_prefix("memory_") {
                Some("evicted") => drop(self.evicted.set(counter.value)),
                Some(part) => drop(self.memory.get_or_create(&label(part)).set(counter.value)),
                None => {}
            }
        }
        self.owed.set(owed);
        self.owed_forgotten.set(forgotten);
    }
}

fn label(kind: &str) -> Kind {
    Kind { kind: kind.to_owned() }
}
