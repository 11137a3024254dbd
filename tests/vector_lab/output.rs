//! The output of a lab: what the sinks wrote, and what the logs say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Lab;

impl Lab {
    /// The logs, where the test's own folder will be gone.
    pub(super) fn keep(&self) -> PathBuf {
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

    /// The number of times that each event came, by its id.
    pub fn events(&self) -> BTreeMap<String, u32> {
        self.counted("cloudtrail-", "eventID")
    }

    /// The number of times that each finding came, by its id.
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
    pub(super) fn delivered(&self) -> BTreeSet<String> {
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
