//! Corpora, as `orgwatch-bench corpus` makes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::measure::Load;
use crate::process::output;
use crate::workspace::Workspace;

/// A rule's slug and the id of an event that it fires on.
pub type Pair = (String, String);

/// A corpus on disk.
pub struct Corpus {
    folder: PathBuf,
    manifest: Manifest,
}

/// The fields of a corpus's manifest that are used here.
#[derive(Deserialize)]
struct Manifest {
    events: u64,
    bytes: u64,
    interesting: u64,
    near: u64,
    objects: u64,
    compressed: u64,
    rules: BTreeMap<String, String>,
}

impl Corpus {
    /// Makes one, unless it is there; `options` are those of `orgwatch-bench corpus`.
    pub fn make(workspace: &Workspace, name: &str, options: &[String]) -> Result<Self> {
        let folder = workspace.target.join("bench/corpora").join(name);
        let printed =
            output(Command::new(workspace.bench()).arg("corpus").arg(&folder).args(options))?;
        let manifest = serde_json::from_str(&printed).context("the manifest of the corpus")?;
        Ok(Corpus { folder, manifest })
    }

    /// All events, one a line.
    pub fn lines(&self) -> PathBuf {
        self.folder.join("events.ndjson")
    }

    /// The same as objects of a bucket.
    pub fn objects(&self) -> PathBuf {
        self.folder.join("AWSLogs")
    }

    /// Its events and bytes.
    pub fn load(&self) -> Load {
        Load { events: self.manifest.events, bytes: self.manifest.bytes }
    }

    /// The bytes that decompressing its objects gives: `{"Records":[` and `]}` around the records of
    /// each, whose commas stand for line ends.
    pub fn decompressed(&self) -> u64 {
        self.manifest.bytes + 13 * self.manifest.objects
    }

    /// The rules on which others are expected to agree: slug and id.
    pub fn rules(&self) -> &BTreeMap<String, String> {
        &self.manifest.rules
    }

    /// The expected findings.
    pub fn expected(&self) -> Result<BTreeSet<Pair>> {
        let text = read(&self.folder.join("expected.ndjson"))?;
        let mut pairs = BTreeSet::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line)?;
            let event = line["event"].as_str().unwrap_or_default();
            for rule in line["rules"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                pairs.insert((rule.to_owned(), event.to_owned()));
            }
        }
        Ok(pairs)
    }

    /// A description in one sentence.
    pub fn described(&self) -> String {
        let Manifest { events, bytes, interesting, near, objects, compressed, .. } = self.manifest;
        let packed = match objects {
            0 => String::new(),
            _ => format!(
                ", also as {objects} gzip objects of {:.0} kB",
                compressed as f64 / objects as f64 / 1e3
            ),
        };
        format!(
            "{events} events of {} bytes on average, {:.1} MB{packed}; {interesting} interesting, \
             {near} that only look so",
            bytes / events.max(1),
            bytes as f64 / 1e6,
        )
    }
}

/// A file as text.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
