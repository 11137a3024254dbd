//! Files of a browser through a detector, batch by batch.

#[allow(dead_code)]
#[path = "../../host-test/src/scan/file_tally.rs"]
mod file_tally;
mod reading;
#[path = "../../host-test/src/scan/record.rs"]
mod record;
#[allow(dead_code)]
#[path = "../../host-test/src/scan/tally.rs"]
mod tally;

use orgwatch::batch::Counts;
use orgwatch::detector::Detector;
use orgwatch::finding::Finding;
use orgwatch::rules::builtin_pack;
use serde::Serialize;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use file_tally::FileTally;
use tally::{Tally, value_of};

use crate::input::{Batch, Error, Limits, ReadProgress, Reader, Unreadable};
use crate::shared::{open, problem, text};
use reading::BrowserFile;

/// The most bytes of a raw record that go to the page.
const MOST_RAW: usize = 32 << 10;

/// Something that the page is told of.
#[derive(Default, Serialize)]
struct Told<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    finding: Option<&'a Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
}

/// The totals of a scan.
#[derive(Debug, Default, Serialize)]
struct Totals {
    files: u64,
    failed: u64,
    bytes: u64,
    repeats: u64,
    events: u64,
    evaluated: u64,
    rejected: u64,
    foreign: u64,
    notifications: u64,
    unreadable: u64,
    without_time: u64,
}

impl Totals {
    fn add(&mut self, more: &Counts) {
        let add = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        add(&mut self.events, more.events);
        add(&mut self.evaluated, more.evaluated);
        add(&mut self.rejected, more.rejected);
        add(&mut self.foreign, more.foreign);
        add(&mut self.notifications, more.notifications);
        add(&mut self.unreadable, more.unreadable);
        add(&mut self.without_time, more.without_time);
    }
}

/// The settings, as the report tells of them.
struct Settings {
    name: Option<String>,
    text: String,
    json: Value,
}

/// A scan: files are begun one after another, and each is read in steps.
#[wasm_bindgen]
pub struct Scan {
    detector: Detector,
    totals: Totals,
    /// How often each service is named by what a rule may match.
    sources: Tally,
    settings: Settings,
    paths: Vec<String>,
    file: Option<(String, Reader)>,
    /// What came out of the file.
    held: FileTally,
    /// Whether the last file has rows, and is to be given again as their lines.
    has_rows: bool,
    progress: ReadProgress,
    batch: Batch,
    told: String,
}

/// What this is, as JSON: its version, and how many rules it has.
#[wasm_bindgen]
pub fn about() -> String {
    let version = env!("CARGO_PKG_VERSION");
    text(&json!({"version": version, "rules": builtin_pack().public().len()}))
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
            totals: Totals::default(),
            sources: Tally::default(),
            settings: Settings { name, text: source, json: value },
            paths: Vec::new(),
            file: None,
            held: FileTally::default(),
            has_rows: false,
            progress: ReadProgress::default(),
            batch: Batch::new(),
            told: String::new(),
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
        self.file = Some((path.to_owned(), reader));
        self.totals.files = self.totals.files.saturating_add(1);
        self.held = FileTally::default();
    }

    /// Whether the file that ended is one of Parquet, of which nothing was read: asked once.
    #[wasm_bindgen(js_name = hasRows)]
    pub fn has_rows(&mut self) -> bool {
        std::mem::take(&mut self.has_rows)
    }

    /// Begins the same file again, as the lines that its rows are: what is read from now on is those.
    #[wasm_bindgen(js_name = beginRows)]
    pub fn begin_rows(&mut self, path: &str) {
        let input = Box::new(BrowserFile::new(f64::INFINITY));
        let reader = Reader::of(input, &Limits::default(), &ReadProgress::default());
        self.file = Some((path.to_owned(), reader));
    }

    /// Takes the reason why the file could not be read any further.
    pub fn fail(&mut self, path: &str, reason: &str) {
        self.totals.failed = self.totals.failed.saturating_add(1);
        self.tell(&Told { path, failed: Some(reason), ..Told::default() });
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
        } else if let Some(reason) = self.held.without_records() {
            // It must not look like a clean result.
            self.fail(&source, reason);
        }
        more
    }

    /// Everything found since this was asked last, as JSON: a list of findings and of problems.
    pub fn take(&mut self) -> String {
        format!("[{}]", std::mem::take(&mut self.told))
    }

    /// How many bytes were read so far.
    pub fn read(&self) -> f64 {
        self.progress.bytes() as f64
    }

    /// The totals so far, as JSON.
    pub fn totals(&self) -> String {
        text(&self.totals)
    }

    /// What the report says of the scan, as JSON.
    pub fn about(&self) -> String {
        let pack = self.detector.pack();
        text(&About {
            totals: &self.totals,
            paths: &self.paths,
            version: env!("CARGO_PKG_VERSION"),
            rules: pack.public().iter().map(|about| &*about.slug).collect(),
            sources: self.sources.ranked(),
            other_sources: self.sources.others,
            settings_name: self.settings.name.as_deref(),
            settings_text: &self.settings.text,
            settings: &self.settings.json,
        })
    }
}

/// What the report says of a scan beside its findings.
#[derive(Serialize)]
struct About<'a> {
    #[serde(flatten)]
    totals: &'a Totals,
    paths: &'a [String],
    version: &'a str,
    rules: Vec<&'a str>,
    sources: Vec<(&'a str, u64)>,
    other_sources: u64,
    settings_name: Option<&'a str>,
    settings_text: &'a str,
    settings: &'a Value,
}

impl Scan {
    /// Examines what the batch holds.
    fn examine(&mut self, source: &str) {
        let batch = std::mem::take(&mut self.batch);
        for (number, part) in batch.parts().iter().enumerate() {
            self.part(source, part, batch.of(number));
        }
        self.batch = batch;
    }

    fn part(&mut self, source: &str, part: &crate::input::Part, bytes: &[u8]) {
        let lost = part.unreadable.len() as u64;
        let totals = &mut self.totals;
        totals.bytes = totals.bytes.saturating_add(bytes.len() as u64 + part.rejected_bytes);
        let read = Counts {
            events: lost + part.rejected,
            unreadable: lost,
            rejected: part.rejected,
            ..Counts::default()
        };
        let screened = self.detector.screen(bytes);
        for counts in [&read, &screened.counts] {
            totals.add(counts);
            self.held.add(counts);
        }
        let mut candidates = Vec::new();
        for span in &screened.spans {
            let line = &bytes[span.offset as usize..(span.offset + span.length) as usize];
            if let Some(service) = value_of(line, b"eventSource") {
                self.sources.add(service, 1);
            }
            candidates.extend_from_slice(line.trim_ascii_end());
            candidates.push(b'\n');
        }
        let mut broken: Vec<(u64, String)> =
            part.unreadable.iter().map(|one| (one.line, one.reason.clone())).collect();
        let place = |line: u32| part.line(part.before + line);
        broken
            .extend(screened.unreadable.into_iter().map(|one| (place(one.place.line), one.reason)));
        let examined = self.detector.detect_batch(&candidates);
        self.totals.add(&examined.counts);
        self.held.add(&examined.counts);
        let span = |line: u32| screened.spans[line.saturating_sub(1) as usize];
        broken.extend(
            examined
                .unreadable
                .into_iter()
                .map(|one| (place(span(one.place.line).line), one.reason)),
        );
        broken.sort_by_key(|(line, _)| *line);
        for (line, reason) in broken {
            let one = Unreadable { line, reason };
            self.held.note(std::slice::from_ref(&one));
            let Unreadable { line, reason } = one;
            self.tell(&Told {
                path: source,
                unreadable: Some(&reason),
                line: Some(line),
                ..Told::default()
            });
        }
        for located in examined.findings {
            if located.finding.repeat {
                self.totals.repeats = self.totals.repeats.saturating_add(1);
                continue;
            }
            let span = span(located.place.line);
            let event = &bytes[span.offset as usize..(span.offset + span.length) as usize];
            // The record, out of whatever it was wrapped in.
            let raw = record::extract(event, located.place.record);
            self.tell(&Told {
                path: source,
                finding: Some(&located.finding),
                line: Some(place(span.line)),
                raw: Some(&String::from_utf8_lossy(&raw[..raw.len().min(MOST_RAW)])),
                length: Some(raw.len()),
                ..Told::default()
            });
        }
    }

    fn tell(&mut self, told: &Told<'_>) {
        if !self.told.is_empty() {
            self.told.push(',');
        }
        self.told.push_str(&text(told));
    }

    /// A file that could not be read any further.
    fn failed(&mut self, source: &str, error: &Error) {
        if matches!(error, Error::NotALog { kind: "a Parquet file", .. }) {
            self.has_rows = true;
            return;
        }
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(one) = cause {
            reason = format!("{reason}: {one}");
            cause = one.source();
        }
        self.fail(source, &reason);
    }
}
