//! Files of a browser through a detector, batch by batch, and the report about them.

#[path = "../../host-test/src/scan/bucket_path.rs"]
mod bucket_path;
#[allow(dead_code)]
#[path = "../../host-test/src/scan/filter.rs"]
mod filter;
mod reading;
#[path = "../../host-test/src/scan/record.rs"]
mod record;
#[allow(dead_code)]
#[path = "../../host-test/src/scan/tally.rs"]
mod tally;

use std::borrow::Cow;

use orgwatch::detector::Detector;
use orgwatch::finding::{Finding, Severity};
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

pub use filter::{Filter, FilteredOut};
use tally::{Tally, value_of};

use crate::detector::{open, problem, shown, text};
use crate::input::{Batch, Error, Limits, ReadProgress, Reader, Source};
use crate::output::report::{self, About, Report};
use crate::plugin::{Counts, Description, Rule};
use reading::BrowserFile;

/// The most bytes of a raw record that go to the page.
const MOST_RAW: usize = 32 << 10;

/// A finding, and the event that gave it, as the report asks for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) source: &'a Source,
    pub(crate) line: u64,
    event: &'a [u8],
    record: u32,
}

impl<'a> Found<'a> {
    /// The record as it was read, out of whatever it was wrapped in.
    pub(crate) fn raw(&self) -> Cow<'a, [u8]> {
        record::extract(self.event, self.record)
    }
}

/// The totals of a scan, as those of the host.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) failed: u64,
    pub(crate) bytes: u64,
    pub(crate) counts: Counts,
    pub(crate) repeats: u64,
    pub(crate) filtered_out: FilteredOut,
    pub(crate) files_filtered_out: FilteredOut,
    pub(crate) sources: Tally,
}

/// A scan: files are begun one after another, and each is read in steps.
#[wasm_bindgen]
pub struct Scan {
    detector: Detector,
    report: Report,
    totals: Totals,
    settings: report::Settings,
    paths: Vec<String>,
    file: Option<(Source, Reader)>,
    progress: ReadProgress,
    batch: Batch,
    told: Vec<Value>,
}

#[wasm_bindgen]
impl Scan {
    /// Opens a detector with settings as JSON, and with one pack unless it is empty. The settings' name and
    /// their text are for the report. Throws every problem.
    #[wasm_bindgen(constructor)]
    pub fn new(
        settings: &str,
        name: Option<String>,
        source: String,
        pack: &[u8],
    ) -> Result<Scan, JsValue> {
        let value: Value = serde_json::from_str(settings).unwrap_or_default();
        // Who names files wants all that is in them.
        let mut everywhere = value.clone();
        if let Some(keys) = everywhere.as_object_mut() {
            keys.insert("record_at".into(), json!(["*"]));
        }
        let lengths: Vec<u32> =
            u32::try_from(pack.len()).into_iter().filter(|length| *length > 0).collect();
        let detector = open(&everywhere.to_string(), pack, &lengths).map_err(|problems| {
            let problems: Vec<Value> = problems.iter().map(problem).collect();
            JsValue::from_str(&text(&problems))
        })?;
        Ok(Scan {
            detector,
            report: Report::new(report::Limits::default()),
            totals: Totals::default(),
            settings: report::Settings { name, text: source, json: value },
            paths: Vec::new(),
            file: None,
            progress: ReadProgress::default(),
            batch: Batch::new(),
            told: Vec::new(),
        })
    }

    /// Notes a path that was given, for the report.
    pub fn path(&mut self, path: &str) {
        self.paths.push(path.to_owned());
    }

    /// Begins a file: its length in bytes, and its path.
    pub fn begin(&mut self, length: f64, path: &str) {
        let input = BrowserFile::new(length);
        let reader = Reader::of(Box::new(input), &Limits::default(), &self.progress);
        self.file = Some((Source::File(path.into()), reader));
        self.totals.files = self.totals.files.saturating_add(1);
    }

    /// Reads and examines one batch of the file. False at its end.
    pub fn step(&mut self) -> bool {
        let Some((source, mut reader)) = self.file.take() else { return false };
        self.batch.clear();
        let detector = &self.detector;
        let mut reject = |json: &[u8]| {
            let screened = detector.screen(json);
            let counts = screened.counts;
            (screened.spans.is_empty() && counts.rejected > 0 && counts.rejected == counts.events)
                .then_some(counts.events)
        };
        let mut more = true;
        while more && !self.batch.is_full() {
            match reader.next(&mut self.batch, &mut reject) {
                Ok(again) => more = again,
                Err(error) => {
                    self.examine(&source);
                    self.failed(&source, &error);
                    return false;
                }
            }
        }
        self.examine(&source);
        if more {
            self.file = Some((source, reader));
        }
        more
    }

    /// Everything found since this was asked last, as JSON: a list of findings and of problems.
    pub fn take(&mut self) -> String {
        text(&std::mem::take(&mut self.told))
    }

    /// The totals so far, as JSON.
    pub fn totals(&self) -> String {
        let counts = &self.totals.counts;
        text(&json!({
            "files": self.totals.files, "failed": self.totals.failed, "bytes": self.totals.bytes,
            "read": self.progress.bytes(), "repeats": self.totals.repeats, "events": counts.events,
            "evaluated": counts.evaluated, "rejected": counts.rejected, "foreign": counts.foreign,
            "unreadable": counts.unreadable, "without_time": counts.without_time,
        }))
    }

    /// The report that `orgwatch scan --report` writes.
    pub fn report(&self, digest: &str) -> Vec<u8> {
        let about = About {
            paths: self.paths.clone(),
            totals: self.totals.clone(),
            filter: Filter::default(),
            component: self.description(digest),
            settings: self.settings.clone(),
            min_severity: Severity::ALL[0],
            state: None,
        };
        let mut page = Vec::new();
        // Writing to memory does not fail.
        let _ = self.report.write(&about, &mut page);
        page
    }
}

impl Scan {
    /// Examines what the batch holds.
    fn examine(&mut self, source: &Source) {
        let batch = std::mem::take(&mut self.batch);
        for (number, part) in batch.parts().iter().enumerate() {
            self.part(source, part, batch.of(number));
        }
        self.batch = batch;
    }

    fn part(&mut self, source: &Source, part: &crate::input::Part, bytes: &[u8]) {
        let lost = part.unreadable.len() as u64;
        let totals = &mut self.totals;
        totals.bytes = totals.bytes.saturating_add(bytes.len() as u64 + part.rejected_bytes);
        totals.counts += Counts {
            events: lost + part.rejected,
            unreadable: lost,
            rejected: part.rejected,
            ..Counts::default()
        };
        let screened = self.detector.screen(bytes);
        totals.counts += screened.counts.into();
        let mut candidates = Vec::new();
        for span in &screened.spans {
            let line = &bytes[span.offset as usize..(span.offset + span.length) as usize];
            if let Some(service) = value_of(line, b"eventSource") {
                totals.sources.add(service, 1);
            }
            candidates.extend_from_slice(line.trim_ascii_end());
            candidates.push(b'\n');
        }
        let mut broken: Vec<(u64, String)> =
            part.unreadable.iter().map(|one| (one.line, one.reason.clone())).collect();
        let place = |line: u32| part.line(part.before + line);
        broken
            .extend(screened.unreadable.into_iter().map(|one| (place(one.place.line), one.reason)));
        let mut examined = self.detector.detect_batch(&candidates);
        // They were counted when they were screened.
        examined.counts.lines = 0;
        self.totals.counts += examined.counts.into();
        let span = |line: u32| screened.spans[line.saturating_sub(1) as usize];
        broken.extend(
            examined
                .unreadable
                .into_iter()
                .map(|one| (place(span(one.place.line).line), one.reason)),
        );
        broken.sort_by_key(|(line, _)| *line);
        for (line, reason) in broken {
            self.report.unreadable(|| format!("{source}:{line}: {reason}"));
            self.told.push(json!({"unreadable": reason, "path": source.to_string(), "line": line}));
        }
        for located in examined.findings {
            let span = span(located.place.line);
            let event = &bytes[span.offset as usize..(span.offset + span.length) as usize];
            let record = located.place.record;
            self.found(&located.finding, Found { source, line: place(span.line), event, record });
        }
    }

    fn found(&mut self, finding: &Finding, found: Found<'_>) {
        if finding.repeat {
            self.totals.repeats = self.totals.repeats.saturating_add(1);
            return;
        }
        self.report.finding(finding, Some(&found));
        let raw = found.raw();
        let cut = &raw[..raw.len().min(MOST_RAW)];
        self.told.push(json!({
            "finding": shown(finding), "path": found.source.to_string(), "line": found.line,
            "raw": String::from_utf8_lossy(cut), "length": raw.len(),
        }));
    }

    /// A file that could not be read any further.
    fn failed(&mut self, source: &Source, error: &Error) {
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(one) = cause {
            reason = format!("{reason}: {one}");
            cause = one.source();
        }
        self.totals.failed = self.totals.failed.saturating_add(1);
        self.report.unreadable(|| format!("{source}: {reason}"));
        self.told.push(json!({"failed": reason, "path": source.to_string()}));
    }

    fn description(&self, digest: &str) -> Description {
        let rule = |about: &orgwatch::rules::RuleMetadata| Rule {
            slug: about.slug.to_string(),
            id: about.id.to_string(),
            title: about.title.to_string(),
            description: String::new(),
            severity: about.level,
            group: String::new(),
            event_names: None,
            attack: Vec::new(),
            attack_aliases: Vec::new(),
            threat_catalogue: Vec::new(),
            covers: Vec::new(),
        };
        Description {
            name: "orgwatch".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            digest: digest.into(),
            attack_version: String::new(),
            state_format: 0,
            rules: self.detector.pack().public().into_iter().map(rule).collect(),
            sources: Vec::new(),
            envelopes: Vec::new(),
        }
    }
}
