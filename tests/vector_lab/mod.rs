//! A Vector with an orgwatch beside it, their input and their output.
#![allow(missing_docs)]

mod config;
mod endpoint;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support;
use crate::util::{Sandbox, leaving, quiet};
pub use config::{copies, vector};
pub use endpoint::{Endpoint, Sent};

/// One of the two that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Orgwatch,
    Vector,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loop {
    Tap,
    Annotate,
}

/// The time before a kill in which the answer to a batch may still be in flight.
const SETTLED: Duration = Duration::from_millis(300);

pub struct Lab {
    pub kind: Loop,
    /// All findings, by their ids.
    pub expected: BTreeMap<String, Value>,
    sandbox: Sandbox,
    configs: Vec<PathBuf>,
    to: u16,
    back: u16,
    events: u32,
    orgwatch: Option<Child>,
    vector: Option<Child>,
    runs: u32,
    /// The findings that the log reported as delivered, [`SETTLED`] before the kill.
    settled: BTreeSet<String>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// So many events; one in fifty is of an attack on an account of its own.
fn write_events(file: &Path, count: u32) {
    let case = support::root().join("tests/cases/power-then-exit/attempt-power-exit/events.ndjson");
    let attack: Vec<Value> = fs::read_to_string(case)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut out = BufWriter::new(File::create(file).unwrap());
    for id in 0..count {
        let mut event = match id % 200 {
            0 => {
                // A mention that would notify everybody in Slack.
                let mut event = leaving(id);
                event["userIdentity"]["arn"] = "arn:aws:sts::1:assumed-role/a/<!channel>&".into();
                event
            }
            // Far enough from each other that they come in batches of their own.
            50 => attack[0].clone(),
            100 => attack[1].clone(),
            150 => attack[2].clone(),
            _ => quiet(id),
        };
        let account = format!("{:012}", 100_000_000_000_u64 + u64::from(id / 200));
        event["eventID"] = format!("00000000-0000-4000-8000-{id:012}").into();
        let own = event["userIdentity"]["accountId"].as_str().unwrap_or("none").to_owned();
        let line = event.to_string().replace(&own, &account);
        writeln!(out, "{line}").unwrap();
    }
    out.flush().unwrap();
}

impl Lab {
    /// From files into files.
    pub fn new(kind: Loop, events: u32) -> Self {
        Self::with(kind, events, &["source-files", "findings-file"], &[], "")
    }

    /// From and to where these configurations say, in which something is replaced; findings by these
    /// settings.
    pub fn with(
        kind: Loop,
        events: u32,
        ends: &[&str],
        replaced: &[(&str, String)],
        settings: &str,
    ) -> Self {
        let sandbox = Sandbox::new();
        let (to, back) = (free_port(), free_port());
        let path = match kind {
            Loop::Tap => "tap",
            Loop::Annotate => "annotate",
        };
        let ports = [
            ("127.0.0.1:6002", format!("127.0.0.1:{back}")),
            ("127.0.0.1:6003", format!("127.0.0.1:{to}")),
        ];
        let configs =
            copies(&sandbox.path(""), &[&[path], ends].concat(), &[&ports, replaced].concat());
        sandbox.file("settings.yaml", settings);
        write_events(&sandbox.path("in/events.ndjson"), events);
        let found = sandbox.scan(&["in", "--quiet", "--settings", "settings.yaml"]).findings();
        let expected: BTreeMap<String, Value> = found
            .into_iter()
            .map(|finding| (finding["id"].as_str().unwrap().to_owned(), finding))
            .collect();
        assert!(expected.len() > events as usize / 200 * 3, "{}", expected.len());
        Lab {
            kind,
            expected,
            sandbox,
            configs,
            to,
            back,
            events,
            orgwatch: None,
            vector: None,
            runs: 0,
            settled: BTreeSet::new(),
        }
    }

    fn log(&mut self, name: &str) -> Stdio {
        self.runs += 1;
        File::create(self.sandbox.path(&format!("{name}.{}.log", self.runs))).unwrap().into()
    }

    fn start_orgwatch(&mut self) {
        let log = self.log("orgwatch");
        let (listen, forward) =
            (format!("127.0.0.1:{}", self.to), format!("http://127.0.0.1:{}/", self.back));
        let mut command = self.sandbox.command();
        command
            .args(["serve", "--listen", &listen, "--forward", &forward, "--log", "json"])
            .args(["--state", "orgwatch.state", "--save-interval", "1s"])
            .args(["--settings", "settings.yaml"])
            .stderr(log);
        if self.kind == Loop::Tap {
            command.arg("--findings-only");
        }
        self.orgwatch = Some(command.spawn().unwrap());
    }

    fn start_vector(&mut self, vector: &Path) {
        let log = self.log("vector");
        let mut command = Command::new(vector);
        for config in &self.configs {
            command.arg("--config").arg(config);
        }
        let command = command.current_dir(self.sandbox.path("")).stdout(Stdio::null()).stderr(log);
        self.vector = Some(command.spawn().unwrap());
    }

    pub fn start(&mut self, side: Side, vector: &Path) {
        match side {
            Side::Orgwatch => self.start_orgwatch(),
            Side::Vector => self.start_vector(vector),
        }
    }

    pub fn kill(&mut self, side: Side) {
        self.settled = self.delivered();
        thread::sleep(SETTLED);
        kill(match side {
            Side::Orgwatch => &mut self.orgwatch,
            Side::Vector => &mut self.vector,
        });
    }

    /// Waits until the first findings have been delivered and acknowledged.
    pub fn in_the_middle(&self) {
        self.until(|| !self.delivered().is_empty());
    }

    /// Waits until everything has come.
    pub fn wait(&self) {
        self.until(|| {
            self.events().len() >= self.events as usize && {
                let found = self.findings();
                self.expected.keys().all(|id| found.contains_key(id))
            }
        });
        // Duplicates would arrive now.
        thread::sleep(Duration::from_secs(3));
    }

    pub fn until(&self, done: impl Fn() -> bool) {
        let start = Instant::now();
        while !done() {
            if start.elapsed() > Duration::from_secs(300) {
                let kept = self.keep();
                panic!(
                    "{:?}: {} of {} events, {} of {} findings; see {}",
                    self.kind,
                    self.events().len(),
                    self.events,
                    self.findings().len(),
                    self.expected.len(),
                    kept.display()
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The logs, where the test's own folder will be gone.
    fn keep(&self) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vector-logs");
        fs::create_dir_all(&folder).unwrap();
        for entry in fs::read_dir(self.sandbox.path("")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "log") {
                fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
            }
        }
        folder
    }

    /// Whole lines of what the sinks wrote.
    fn written(&self, begin: &str) -> Vec<Value> {
        let mut lines = Vec::new();
        for entry in fs::read_dir(self.sandbox.path("out")).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().starts_with(begin) {
                let text = fs::read_to_string(&path).unwrap();
                let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
                // A killed Vector may leave half of one.
                lines.extend(whole.lines().filter_map(|line| serde_json::from_str(line).ok()));
            }
        }
        lines
    }

    fn counted(&self, begin: &str, key: &str) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for line in self.written(begin) {
            let id = line[key].as_str().unwrap_or_else(|| panic!("no {key} in {line}"));
            *counts.entry(id.to_owned()).or_default() += 1;
        }
        counts
    }

    /// How often each event came, by its id.
    pub fn events(&self) -> BTreeMap<String, u32> {
        self.counted("cloudtrail-", "eventID")
    }

    /// How often each finding came, by its id.
    pub fn findings(&self) -> BTreeMap<String, u32> {
        self.counted("orgwatch-findings", "id")
    }

    /// Events carry nothing but what they came with, and findings where there are any.
    pub fn events_are_as_they_were(&self) {
        let came: BTreeMap<String, Value> = self
            .input()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|event| (event["eventID"].as_str().unwrap().to_owned(), event))
            .collect();
        for mut event in self.written("cloudtrail-") {
            let object = event.as_object_mut().unwrap();
            object.remove("orgwatch");
            object.remove("orgwatch_severity");
            let id = event["eventID"].as_str().unwrap().to_owned();
            assert_eq!(event, came[&id]);
        }
    }

    /// The events that go in, one a line.
    pub fn input(&self) -> String {
        fs::read_to_string(self.sandbox.path("in/events.ndjson")).unwrap()
    }

    /// The findings that orgwatch's logs report as delivered.
    fn delivered(&self) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for run in 1..=self.runs {
            let path = self.sandbox.path(&format!("orgwatch.{run}.log"));
            let text = fs::read_to_string(path).unwrap_or_default();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let delivered = lines.filter(|line| line["message"] == "finding delivered");
            ids.extend(delivered.map(|line| line["id"].as_str().unwrap().to_owned()));
        }
        ids
    }

    /// Findings that were delivered well before the kill, and not in flight any more.
    pub fn settled_before_the_kill(&self) -> &BTreeSet<String> {
        &self.settled
    }
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if thread::panicking() {
            self.keep();
        }
        kill(&mut self.vector);
        kill(&mut self.orgwatch);
    }
}
