//! The detector as JavaScript has it, under the name `RawDetector`: results are JSON, errors are JSON that is
//! thrown. `js/detector.js` wraps it.

use orgwatch::batch::{Counts, Place, Unreadable};
use orgwatch::detector::Detector;
use orgwatch::finding::Finding;
use orgwatch::rules::{Pack, RuleMetadata, builtin_pack};
use orgwatch::settings::Problem;
use orgwatch::{envelope, state};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use crate::shared::{open, problem, text};

/// A detector: remembers what it must, as long as it is open.
#[wasm_bindgen]
#[derive(Debug)]
pub struct RawDetector(Detector);

/// What is thrown: an object with a kind, a message and the problems, as JSON.
fn thrown(kind: &str, message: &str, problems: &[Problem]) -> JsValue {
    let problems: Vec<Value> = problems.iter().map(problem).collect();
    JsValue::from_str(&json!({"kind": kind, "message": message, "problems": problems}).to_string())
}

#[wasm_bindgen]
impl RawDetector {
    /// Opens one. Throws every setting and every pack that is wrong.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str, packs: &[u8], lengths: &[u32]) -> Result<RawDetector, JsValue> {
        open(settings, packs, lengths).map(RawDetector).map_err(|problems| {
            let message: Vec<String> = problems.iter().map(ToString::to_string).collect();
            thrown("settings", &message.join("; "), &problems)
        })
    }

    /// Findings of one event, which may stand on several lines. Throws the reason why it cannot be read.
    pub fn detect(&mut self, event: &[u8]) -> Result<String, JsValue> {
        let found = self.0.detect(event).map_err(|reason| thrown("event", &reason, &[]))?;
        Ok(text(&found.iter().map(shown).collect::<Vec<_>>()))
    }

    /// Findings of newline-delimited events, with their places, and counts.
    #[wasm_bindgen(js_name = detectBatch)]
    pub fn detect_batch(&mut self, events: &[u8]) -> String {
        let batch = self.0.detect_batch(events);
        let findings = batch.findings.iter().map(|located| {
            let Place { line, record } = located.place;
            json!({"line": line, "record": record, "finding": shown(&located.finding)})
        });
        let findings: Vec<Value> = findings.collect();
        let counts = counts(&batch.counts);
        text(
            &json!({"findings": findings, "counts": counts, "unreadable": unreadable(&batch.unreadable)}),
        )
    }

    /// The lines that any rule could match.
    pub fn screen(&self, events: &[u8]) -> String {
        let screened = self.0.screen(events);
        let spans = screened
            .spans
            .iter()
            .map(|span| json!({"line": span.line, "offset": span.offset, "length": span.length}));
        let spans: Vec<Value> = spans.collect();
        let counts = counts(&screened.counts);
        text(
            &json!({"spans": spans, "counts": counts, "unreadable": unreadable(&screened.unreadable)}),
        )
    }

    /// The memory as bytes.
    #[wasm_bindgen(js_name = saveState)]
    pub fn save_state(&self) -> Vec<u8> {
        self.0.save_state()
    }

    /// Adds a memory, and gives the findings that this completes.
    #[wasm_bindgen(js_name = mergeState)]
    pub fn merge_state(&mut self, bytes: &[u8]) -> Result<String, JsValue> {
        let completed = self.0.merge_state(bytes);
        let completed = completed.map_err(|error| thrown("state", &error.to_string(), &[]))?;
        Ok(text(&completed.iter().map(shown).collect::<Vec<_>>()))
    }

    /// The rules that run.
    pub fn rules(&self) -> String {
        let pack = self.0.pack();
        let rules = self.0.running();
        text(&rules.into_iter().map(|about| rule(about, pack)).collect::<Vec<_>>())
    }

    /// What the memory holds, and what was dropped.
    pub fn counters(&self) -> String {
        let counters = self.0.counters();
        text(
            &counters
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect::<serde_json::Map<String, Value>>(),
        )
    }
}

/// What this package is: its version, the rules that it carries, and the shapes of input.
#[wasm_bindgen]
pub fn describe() -> String {
    let pack = builtin_pack();
    let mut sources: Vec<&str> =
        pack.rules.iter().flat_map(|rule| rule.event_sources.iter().map(|one| &**one)).collect();
    sources.sort_unstable();
    sources.dedup();
    text(&json!({
        "name": "orgwatch",
        "version": env!("CARGO_PKG_VERSION"),
        "attack_version": &*pack.attack_version,
        "state_format": state::FORMAT,
        "rules": pack.public().into_iter().map(|about| rule(about, &pack)).collect::<Vec<_>>(),
        "sources": sources,
        "envelopes": envelope::SHAPES.iter().map(ToString::to_string).collect::<Vec<_>>(),
    }))
}

/// A rule, as the contract of the component has it.
fn rule(about: &RuleMetadata, pack: &Pack) -> Value {
    let rule = pack.rules.iter().find(|rule| rule.about.slug == about.slug);
    let names = match rule {
        Some(rule) if rule.event_names.is_empty() => None,
        Some(rule) => Some(rule.event_names.to_vec()),
        None => Some(Vec::new()),
    };
    json!({
        "slug": &*about.slug,
        "id": &*about.id,
        "title": &*about.title,
        "description": &*about.description,
        "severity": about.level.as_str(),
        "group": &*about.group,
        "event_names": names,
        "attack": about.attack.to_vec(),
        "attack_aliases": about.attack_aliases.to_vec(),
        "threat_catalogue": about.threat_catalogue.to_vec(),
        "covers": about.covers.to_vec(),
    })
}

/// A finding as every host shows it, with the mark of one that was given before.
fn shown(finding: &Finding) -> Value {
    let mut shown = serde_json::to_value(finding).unwrap_or_default();
    if let Some(keys) = shown.as_object_mut().filter(|_| finding.repeat) {
        keys.insert("repeat".into(), true.into());
    }
    shown
}

fn unreadable(all: &[Unreadable]) -> Vec<Value> {
    let one = |one: &Unreadable| {
        let Place { line, record } = one.place;
        json!({"line": line, "record": record, "reason": one.reason})
    };
    all.iter().map(one).collect()
}

fn counts(counts: &Counts) -> Value {
    json!({
        "lines": counts.lines,
        "events": counts.events,
        "rejected": counts.rejected,
        "evaluated": counts.evaluated,
        "unreadable": counts.unreadable,
        "foreign": counts.foreign,
        "notifications": counts.notifications,
        "companions": counts.companions,
        "ocsf": counts.ocsf,
        "ecs": counts.ecs,
        "query_rows": counts.query_rows,
        "without_time": counts.without_time,
    })
}
