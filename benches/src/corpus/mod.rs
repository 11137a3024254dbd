//! Corpora: CloudTrail events as an organization's trail has them, made from the repository's fixtures.
//!
//! The same seed and settings give the same bytes. Most events are of a kind that no rule names; one
//! in so many is one that the pack finds something in, and as many again look like one and are not.

mod kinds;
mod objects;
mod template;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

pub use kinds::{Kinds, stateless};
use objects::Objects;

/// The paths of the parts of a corpus.
pub mod parts {
    /// All events, one a line.
    pub const EVENTS: &str = "events.ndjson";
    /// The same events as gzip objects of a trail's bucket.
    pub const OBJECTS: &str = "AWSLogs";
    /// The interesting ones: a line `{"event": id, "rules": [slugs]}` each, in order.
    pub const EXPECTED: &str = "expected.ndjson";
    /// The description of the corpus: a [`Manifest`](super::Manifest).
    pub const MANIFEST: &str = "manifest.json";
}

/// The first event's time: 2026-06-01T00:00:00Z.
const START: i64 = 1_780_272_000;

/// A corpus spans this long, however many events it has: a week, in seconds.
const SPAN: i64 = 7 * 86_400;

/// The most of events that look interesting and are not; where fewer are, as many as are.
const NEAR: f64 = 1.0 / 600.0;

/// The corpus that is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// RuleMetadata how many bytes of events.
    pub size: u64,
    /// The seed that everything that varies follows from.
    pub seed: u64,
    /// The share of interesting events: 0 to 1.
    pub share: f64,
    /// Events are filled up to about so many bytes.
    pub event_size: Option<usize>,
    /// Whether there are objects beside the lines.
    pub objects: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { size: 256 << 20, seed: 1, share: 1.0 / 600.0, event_size: None, objects: false }
    }
}

/// The description of a corpus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The digest of its sources: [`Kinds::digest`].
    pub kinds: String,
    /// The corpus that was wanted.
    pub settings: Settings,
    /// The number of events.
    pub events: u64,
    /// The number of bytes, line ends included.
    pub bytes: u64,
    /// The number of events that the pack finds something in.
    pub interesting: u64,
    /// The number of events that only look like it.
    pub near: u64,
    /// The number of objects.
    pub objects: u64,
    /// Their bytes, compressed.
    pub compressed: u64,
    /// The rules that are expected to agree with others: slug and id.
    pub rules: BTreeMap<String, String>,
}

/// One made event.
#[derive(Debug)]
pub struct Event<'a> {
    /// The record, without a line end.
    pub record: &'a [u8],
    /// Its `eventID`.
    pub id: String,
    /// Its time in seconds since 1970.
    pub time: i64,
    /// The slugs of the rules that fire on it.
    pub rules: &'a [String],
    /// Whether it only looks interesting.
    pub near: bool,
}

/// Makes the events of a corpus, in the order of their times.
pub fn events(
    kinds: &Kinds,
    settings: &Settings,
    mut visit: impl FnMut(&Event<'_>) -> Result<()>,
) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(settings.seed);
    let (mut interesting, mut near, mut written) =
        (Share::new(settings.share), Share::new(settings.share.min(NEAR)), 0);
    let mut record = Vec::new();
    while written < settings.size {
        let time = START + (SPAN as f64 * written as f64 / settings.size as f64) as i64;
        record.clear();
        let mut pick = |count: usize| random.usize(..count);
        let (template, rules, near): (_, &[String], _) = if interesting.next() {
            let (template, rules) = &kinds.interesting[pick(kinds.interesting.len())];
            (template, rules, false)
        } else if near.next() {
            (&kinds.near[pick(kinds.near.len())], &[], true)
        } else {
            (&kinds.quiet[pick(kinds.quiet.len())], &[], false)
        };
        let id = template.write(time, &mut random, &mut record);
        if let Some(size) = settings.event_size {
            fill(&mut record, size, &mut random);
        }
        written += record.len() as u64 + 1;
        visit(&Event { record: &record, id, time, rules, near })?;
    }
    Ok(())
}

/// Writes a corpus to a folder, unless it is there already.
pub fn write(root: &Path, folder: &Path, settings: &Settings) -> Result<Manifest> {
    ensure!((0.0..=1.0).contains(&settings.share), "a share is from 0 to 1: {}", settings.share);
    let kinds = Kinds::read(root)?;
    let known = fs::read(folder.join(parts::MANIFEST)).ok();
    let known = known.and_then(|json| serde_json::from_slice::<Manifest>(&json).ok());
    if let Some(known) = known
        && (&known.kinds, &known.settings) == (&kinds.digest, settings)
    {
        return Ok(known);
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let create = || {
        fs::create_dir_all(folder)?;
        let file = |name| File::create(folder.join(name)).map(BufWriter::new);
        Ok::<_, std::io::Error>((file(parts::EVENTS)?, file(parts::EXPECTED)?))
    };
    let (mut lines, mut expected) =
        create().with_context(|| format!("cannot make a corpus in {}", folder.display()))?;
    let mut objects = settings.objects.then(|| Objects::new(folder, settings.seed));
    let mut manifest = Manifest {
        kinds: kinds.digest.clone(),
        settings: settings.clone(),
        events: 0,
        bytes: 0,
        interesting: 0,
        near: 0,
        objects: 0,
        compressed: 0,
        rules: stateless(),
    };
    events(&kinds, settings, |event| {
        lines.write_all(event.record)?;
        lines.write_all(b"\n")?;
        if !event.rules.is_empty() {
            let line = serde_json::json!({"event": event.id, "rules": event.rules});
            writeln!(expected, "{line}")?;
        }
        if let Some(objects) = &mut objects {
            objects.add(event)?;
        }
        manifest.events += 1;
        manifest.bytes += event.record.len() as u64 + 1;
        manifest.interesting += u64::from(!event.rules.is_empty());
        manifest.near += u64::from(event.near);
        Ok(())
    })?;
    lines.flush()?;
    expected.flush()?;
    if let Some(objects) = objects {
        (manifest.objects, manifest.compressed) = objects.finish()?;
    }
    // Last: a corpus without it is half written, and is written again.
    fs::write(folder.join(parts::MANIFEST), serde_json::to_string_pretty(&manifest)?)?;
    Ok(manifest)
}

/// The root of the checkout that this was compiled in.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Says yes so often, evenly spread.
struct Share {
    share: f64,
    count: f64,
}

impl Share {
    fn new(share: f64) -> Self {
        Share { share, count: 0.0 }
    }

    fn next(&mut self) -> bool {
        self.count += 1.0;
        (self.count * self.share).floor() > ((self.count - 1.0) * self.share).floor()
    }
}

/// Makes a record about as long as wanted, by a list in it such as large responses have.
fn fill(record: &mut Vec<u8>, size: usize, random: &mut fastrand::Rng) {
    const OPEN: &[u8] = br#","additionalEventData":{"items":["#;
    if record.len() + OPEN.len() >= size || record.pop() != Some(b'}') {
        return;
    }
    record.extend_from_slice(OPEN);
    loop {
        let item = format!(
            r#"{{"instanceId":"i-{:017x}","state":{{"code":{},"name":"running"}}}}"#,
            random.u64(..) >> 4,
            random.u8(..),
        );
        record.extend_from_slice(item.as_bytes());
        if record.len() >= size {
            break;
        }
        record.push(b',');
    }
    record.extend_from_slice(b"]}}");
}

#[cfg(test)]
mod tests;
