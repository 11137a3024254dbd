//! The report that `orgwatch scan --report` writes, for the page: loaded when the first finding is there.
//!
//! The maker of reports is the host's, compiled here without the rest of it. It is a module of its own, so that
//! the page is there sooner.

use orgwatch::finding::{Finding, Severity};
use serde::Deserialize;
use serde_json::Value;
use wasm_bindgen::prelude::*;

// The modules of the host have parts that only the rest of it uses.
#[allow(dead_code, missing_docs)]
mod output;
#[allow(dead_code, missing_docs)]
mod plugin;
#[allow(dead_code, missing_docs)]
mod scan;
#[allow(dead_code)]
#[path = "../../src/scan/totals.rs"]
mod totals;

use output::report::{self, About, Report};
use plugin::{Counts, Description, Rule};
use scan::{Filter, Found, Tally, Totals};

/// A report in the making.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ReportMaker(Report);

/// Something that the detector told of.
#[derive(Deserialize)]
struct Told {
    path: String,
    finding: Option<Finding>,
    #[serde(default)]
    line: u64,
    #[serde(default)]
    raw: String,
    #[serde(default)]
    length: usize,
    unreadable: Option<String>,
    failed: Option<String>,
}

/// What the detector says of a scan.
#[derive(Deserialize)]
struct ToldAbout {
    paths: Vec<String>,
    version: String,
    rules: Vec<String>,
    sources: Vec<(String, u64)>,
    other_sources: u64,
    settings_name: Option<String>,
    settings_text: String,
    settings: Value,
    #[serde(flatten)]
    totals: totals::Totals,
}

fn thrown(error: &serde_json::Error) -> JsValue {
    JsValue::from_str(&error.to_string())
}

#[wasm_bindgen]
impl ReportMaker {
    /// An empty one.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> ReportMaker {
        ReportMaker(Report::new(report::Limits::default()))
    }

    /// Takes what the detector told of, as JSON.
    pub fn take(&mut self, told: &str) -> Result<(), JsValue> {
        let all: Vec<Told> = serde_json::from_str(told).map_err(|error| thrown(&error))?;
        for one in all {
            let Told { path, finding, line, raw, length, unreadable, failed } = one;
            if let Some(finding) = finding {
                self.0.finding(&finding, Some(&Found::new(&path, line, raw, length)));
            } else if let Some(reason) = unreadable {
                self.0.unreadable(|| format!("{path}:{line}: {reason}"));
            } else if let Some(reason) = failed {
                self.0.unreadable(|| format!("{path}: {reason}"));
            }
        }
        Ok(())
    }

    /// The page, with what the detector says of the scan, as JSON.
    pub fn write(&self, about: &str, digest: &str) -> Result<Vec<u8>, JsValue> {
        let told: ToldAbout = serde_json::from_str(about).map_err(|error| thrown(&error))?;
        let mut page = Vec::new();
        // Writing to memory does not fail.
        let _ = self.0.write(&about_of(told, digest), &mut page);
        Ok(page)
    }
}

fn about_of(told: ToldAbout, digest: &str) -> About {
    let mut sources = Tally::default();
    told.sources.iter().for_each(|(name, count)| sources.add(name, *count));
    sources.others = told.other_sources;
    let totals = told.totals;
    About {
        paths: told.paths,
        totals: Totals {
            files: totals.files,
            failed: totals.failed,
            bytes: totals.bytes,
            counts: Counts {
                events: totals.events,
                evaluated: totals.evaluated,
                rejected: totals.rejected,
                foreign: totals.foreign,
                notifications: totals.notifications,
                unreadable: totals.unreadable,
                without_time: totals.without_time,
                ..Counts::default()
            },
            repeats: totals.repeats,
            sources,
            ..Totals::default()
        },
        filter: Filter::default(),
        component: Description {
            name: "orgwatch".into(),
            version: told.version,
            digest: digest.into(),
            attack_version: String::new(),
            state_format: 0,
            rules: told.rules.into_iter().map(rule).collect(),
            sources: Vec::new(),
            envelopes: Vec::new(),
        },
        settings: report::Settings {
            name: told.settings_name,
            text: told.settings_text,
            json: told.settings,
        },
        min_severity: Severity::ALL[0],
        state: None,
    }
}

/// A rule, of which the report uses the name alone.
fn rule(slug: String) -> Rule {
    Rule {
        slug,
        id: String::new(),
        title: String::new(),
        description: String::new(),
        severity: Severity::ALL[0],
        group: String::new(),
        event_names: None,
        attack: Vec::new(),
        attack_aliases: Vec::new(),
        threat_catalogue: Vec::new(),
        covers: Vec::new(),
    }
}
