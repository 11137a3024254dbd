//! A Vector with an orgwatch beside it, their input and their output.
#![allow(missing_docs)]

mod config;
mod endpoint;
pub mod input;
mod output;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::kill;
use crate::util::Sandbox;
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
    /// Rules of a user.
    rules: Vec<String>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Copies of the configurations, with ports of their own.
fn configurations(
    kind: Loop,
    sandbox: &Sandbox,
    (to, back): (u16, u16),
    ends: &[&str],
    replaced: &[(&str, String)],
) -> Vec<PathBuf> {
    let path = match kind {
        Loop::Tap => "tap",
        Loop::Annotate => "annotate",
    };
    let ports = [
        ("127.0.0.1:6002", format!("127.0.0.1:{back}")),
        ("127.0.0.1:6003", format!("127.0.0.1:{to}")),
    ];
    copies(&sandbox.path(""), &[&[path], ends].concat(), &[&ports, replaced].concat())
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
        let configs = configurations(kind, &sandbox, (to, back), ends, replaced);
        sandbox.file("settings.yaml", settings);
        input::write_events(&sandbox.path("in/events.ndjson"), events);
        let lab = Self::of(kind, sandbox, configs, (to, back), events);
        assert!(lab.expected.len() > events as usize / 200 * 3, "{}", lab.expected.len());
        lab
    }

    /// From a file of these lines into files.
    pub fn of_lines(kind: Loop, lines: &[String]) -> Self {
        let sandbox = Sandbox::new();
        let (to, back) = (free_port(), free_port());
        let configs =
            configurations(kind, &sandbox, (to, back), &["source-files", "findings-file"], &[]);
        sandbox.file("settings.yaml", "");
        sandbox.file("in/events.ndjson", lines.join("\n") + "\n");
        Self::of(kind, sandbox, configs, (to, back), lines.len() as u32)
    }

    /// The same with these rules, in the service and in the condition of the tap.
    pub fn with_rules(kind: Loop, lines: &[String], rules: &Path) -> Self {
        let sandbox = Sandbox::new();
        let (to, back) = (free_port(), free_port());
        let rules = vec!["--rules".to_owned(), rules.display().to_string()];
        let condition = |rules: &[String]| -> String {
            let rules = rules.iter().map(String::as_str);
            let printed =
                sandbox.run(&["router", "vector"].into_iter().chain(rules).collect::<Vec<_>>());
            printed.out.lines().map(|line| format!("        {line}\n")).collect()
        };
        let (built_in, own) = (condition(&[]), condition(&rules));
        assert_ne!(built_in, own);
        let replaced = [(built_in.as_str(), own)];
        let ends = ["source-files", "findings-file"];
        let configs = configurations(kind, &sandbox, (to, back), &ends, &replaced);
        sandbox.file("settings.yaml", "");
        sandbox.file("in/events.ndjson", lines.join("\n") + "\n");
        Self::of_rules(kind, sandbox, configs, (to, back), lines.len() as u32, rules)
    }

    fn of(
        kind: Loop,
        sandbox: Sandbox,
        configs: Vec<PathBuf>,
        ports: (u16, u16),
        events: u32,
    ) -> Self {
        Self::of_rules(kind, sandbox, configs, ports, events, Vec::new())
    }

    fn of_rules(
        kind: Loop,
        sandbox: Sandbox,
        configs: Vec<PathBuf>,
        (to, back): (u16, u16),
        events: u32,
        rules: Vec<String>,
    ) -> Self {
        let scan = ["in", "--quiet", "--settings", "settings.yaml"];
        let own = rules.iter().map(String::as_str);
        let found = sandbox.scan(&scan.into_iter().chain(own).collect::<Vec<_>>()).findings();
        let expected: BTreeMap<String, Value> = found
            .into_iter()
            .map(|finding| (finding["id"].as_str().unwrap().to_owned(), finding))
            .collect();
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
            rules,
        }
    }

    /// One more event. Vector may keep a few that come as it starts in the buffer before the sink until
    /// there is another.
    pub fn append(&self, line: &str) {
        let file = self.sandbox.path("in/events.ndjson");
        let mut file = File::options().append(true).open(file).unwrap();
        writeln!(file, "{line}").unwrap();
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
            .args(&self.rules)
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
