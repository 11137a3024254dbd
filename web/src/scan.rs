//! Files of a browser through a detector, batch by batch.

mod examine;
#[allow(dead_code)]
#[path = "../../host-test/src/scan/file_tally.rs"]
mod file_tally;
mod reading;
#[path = "../../host-test/src/scan/record.rs"]
mod record;
#[allow(dead_code)]
#[path = "../../host-test/src/scan/tally.rs"]
mod tally;
mod totals;

use orgwatch::detector::Detector;
use orgwatch::finding::Finding;
use orgwatch::rules::builtin_pack;
use serde::Serialize;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use file_tally::FileTally;
use reading::BrowserFile;
use tally::Tally;
use totals::Totals;

use crate::input::{Batch, Limits, ReadProgress, Reader};
use crate::shared::{open, problem, text};

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
    passed_over: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
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
    /// Whether the file was given by itself, and not in a folder.
    is_named: bool,
    /// What came out of the file.
    held: FileTally,
    /// What of it could not be read, as long as it may be no log.
    held_back: Vec<(u64, String)>,
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
            is_named: true,
            held: FileTally::default(),
            held_back: Vec::new(),
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

    /// Begins a file: its length in bytes, its path, and whether it was given by itself: what is no log is passed
    /// over in a folder.
    pub fn begin(&mut self, length: f64, path: &str, is_named: bool) {
        let input = BrowserFile::new(length);
        let reader = Reader::of(Box::new(input), &Limits::default(), &self.progress);
        self.file = Some((path.to_owned(), reader));
        self.totals.files = self.totals.files.saturating_add(1);
        self.is_named = is_named;
        self.held = FileTally::default();
        self.held_back.clear();
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

    /// Ends the scan. Where nothing but files without a record was found, what was given held none.
    pub fn end(&mut self) {
        let Totals { passed_over, failed, evaluated, rejected, .. } = self.totals;
        if passed_over > 0 && failed == 0 && evaluated == 0 && rejected == 0 {
            let paths = self.paths.join(", ");
            self.fail(&paths, "no CloudTrail record in any of the files");
        }
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
        } else {
            self.ended(&source);
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
