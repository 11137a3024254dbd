//! A real Fluent Bit with one of the configurations of `fluent-bit-config/`, its input and its output.
#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support;

/// A limit only so that a stream that stands still ends the test; it says nothing about speed.
const PATIENCE: Duration = Duration::from_secs(900);

/// The configurations of `fluent-bit-config/`.
pub const CONFIGURATIONS: [&str; 2] = ["annotate.yaml", "tap.yaml"];

pub fn configuration(name: &str) -> String {
    fs::read_to_string(support::root().join("fluent-bit-config").join(name)).unwrap()
}

pub fn orgwatch(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_orgwatch")).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "orgwatch {arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// A real Fluent Bit.
pub fn fluent_bit() -> PathBuf {
    support::program("FLUENT_BIT", "fluent-bit")
}

/// A folder with events, and one configuration that reads them.
pub struct Pipeline {
    program: PathBuf,
    folder: tempfile::TempDir,
    /// Rules of a user.
    rules: Vec<String>,
}

impl Pipeline {
    pub fn new(program: &Path, configuration_name: &str, events: &[String]) -> Self {
        Self::of(program, configuration_name, events, Vec::new())
    }

    /// With these rules, baked into the module and in the filter that keeps the candidates.
    pub fn with_rules(program: &Path, name: &str, events: &[String], rules: &Path) -> Self {
        Self::of(program, name, events, vec!["--rules".into(), rules.display().to_string()])
    }

    fn of(program: &Path, configuration_name: &str, events: &[String], rules: Vec<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut file = BufWriter::new(File::create(path("events.ndjson")).unwrap());
        for event in events {
            writeln!(file, "{event}").unwrap();
        }
        file.flush().unwrap();
        // `scan` of the same events runs with these settings, too.
        fs::write(path("settings.yaml"), "late: 2h\n").unwrap();
        let module = support::dist("-fluent-bit.wasm");
        let (settings, baked) = (path("settings.yaml"), path("baked.wasm"));
        let module = module.display().to_string();
        let own: Vec<&str> = rules.iter().map(String::as_str).collect();
        orgwatch(&[&["bake", "--settings", &settings, "-o", &baked, &module][..], &own].concat());
        let mut text = String::new();
        let configuration = configuration(configuration_name);
        let router = |own: &[&str]| orgwatch(&[&["router", "fluent-bit"][..], own].concat());
        let configuration = configuration.replace(&router(&[]), &router(&own));
        for line in configuration.lines() {
            let value = match line.split_once(':') {
                Some(("  events", _)) => Some(("events", path("events*.ndjson"))),
                Some(("  module", _)) => Some(("module", path("baked.wasm"))),
                Some(("  state", _)) => Some(("state", path("state"))),
                Some(("  out", _)) => Some(("out", path("cloudtrail"))),
                Some(("  findings", _)) => Some(("findings", path("findings"))),
                _ => None,
            };
            match value {
                Some((name, value)) => text += &format!("  {name}: {value}\n"),
                None => text += &format!("{line}\n"),
            }
        }
        fs::write(path("fluent-bit.yaml"), text).unwrap();
        Pipeline { program: program.to_owned(), folder, rules }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file of an output, in the folder of that name.
    pub fn output(&self, output: &str) -> PathBuf {
        self.path(output.trim_end_matches(".ndjson")).join(output)
    }

    pub fn start(&self) -> Running {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let child = Command::new(&self.program)
            .arg("-c")
            .arg(self.path("fluent-bit.yaml"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(File::options().create(true).append(true).open(self.path("stdout")).unwrap())
            .stderr(log)
            .spawn()
            .expect("Fluent Bit starts");
        Running(child)
    }

    /// The lines of an output so far, the last one only if it is whole. If a kill cut a line off,
    /// the file output goes on behind it without a line break, with a chunk's first record.
    pub fn lines(&self, output: &str) -> Vec<String> {
        let text = fs::read(self.output(output)).unwrap_or_default();
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let text = String::from_utf8(text[..end].to_vec()).unwrap();
        let whole = |line: &str| match serde_json::from_str::<Value>(line) {
            Ok(_) => line.to_owned(),
            Err(_) => line[line.rfind(r#"{"event"#).unwrap()..].to_owned(),
        };
        text.lines().map(whole).collect()
    }

    pub fn count(&self, output: &str) -> usize {
        let Ok(file) = File::open(self.output(output)) else { return 0 };
        BufReader::new(file).split(b'\n').count()
    }

    /// Waits until so many events are out, and the findings have come to rest.
    pub fn wait(&self, running: &mut Running, events: usize, findings: usize) {
        let start = Instant::now();
        loop {
            let now = (self.count("cloudtrail.ndjson"), self.count("findings.ndjson"));
            if now.0 >= events && now.1 >= findings {
                return;
            }
            let log = || fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(running.0.try_wait().unwrap().is_none(), "it has ended: {}", log());
            assert!(start.elapsed() < PATIENCE, "{now:?}, not {events}, {findings}: {}", log());
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// The number of times that each event came out.
    pub fn ids(&self, output: &str) -> BTreeMap<String, usize> {
        let mut ids = BTreeMap::new();
        for line in self.lines(output) {
            let record = event(&line);
            *ids.entry(record["eventID"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        ids
    }

    /// The findings in an output, without the artifact, which is another than the component.
    pub fn findings(&self, output: &str) -> Vec<String> {
        let records = self.lines(output).into_iter();
        let records = records.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        records
            .flat_map(|record| record["orgwatch"].as_array().cloned().unwrap_or_default())
            .map(plain)
            .collect()
    }

    /// The ids of the findings on standard output, which is where alerts are to be seen.
    pub fn alerts(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("stdout")).unwrap();
        let records = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        records.map(|record| record["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The findings of `scan` in the same events.
    pub fn scanned(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let (settings, events) = (path("settings.yaml"), path("events.ndjson"));
        let scan = ["scan", "-q", "--format", "json", "--settings", &settings, &events];
        let rules = self.rules.iter().map(String::as_str);
        let found = orgwatch(&scan.into_iter().chain(rules).collect::<Vec<_>>());
        found.lines().map(|line| plain(serde_json::from_str(line).unwrap())).collect()
    }
}

/// The event that a line of an output holds. One that is nested deeper than Fluent Bit reads stays text.
pub fn event(line: &str) -> Value {
    let mut record: Value = serde_json::from_str(line).unwrap();
    for key in ["log", "message"] {
        if let Some(text) = record[key].as_str() {
            record = serde_json::from_str(text).unwrap();
        }
    }
    let keys = record.as_object_mut().unwrap();
    keys.remove("orgwatch");
    keys.remove("orgwatch_severity");
    record
}

pub fn plain(mut finding: Value) -> String {
    finding.as_object_mut().unwrap().remove("artifact");
    finding.to_string()
}

/// A Fluent Bit that runs; killed when dropped.
pub struct Running(Child);

impl Running {
    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) {
        self.signal("TERM");
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn signal(&self, name: &str) {
        let done =
            Command::new("kill").args([format!("-{name}"), self.0.id().to_string()]).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
