//! Events as a trail delivers them to a bucket: gzip objects of `Records`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::template::{account_number, rfc3339};
use super::{Event, parts};

/// The number of records in an object on average: a few minutes of one account and region.
const RECORDS: usize = 200;

/// The number of accounts that deliver at once.
const ACCOUNTS: usize = 20;

const REGIONS: [&str; 3] = ["us-east-1", "eu-central-1", "ap-southeast-2"];

/// Writes objects below `AWSLogs/<organization>/<account>/CloudTrail/<region>/yyyy/mm/dd/`.
pub(super) struct Objects {
    folder: PathBuf,
    random: fastrand::Rng,
    records: Vec<u8>,
    /// The number of records still to come.
    left: usize,
    count: u64,
    compressed: u64,
}

impl Objects {
    pub(super) fn new(folder: &Path, seed: u64) -> Self {
        Objects {
            folder: folder.join(parts::OBJECTS).join("o-h7k2m9x4qd"),
            random: fastrand::Rng::with_seed(!seed),
            records: Vec::new(),
            left: 0,
            count: 0,
            compressed: 0,
        }
    }

    pub(super) fn add(&mut self, event: &Event<'_>) -> Result<()> {
        if self.records.is_empty() {
            self.records.extend_from_slice(br#"{"Records":["#);
            self.left = self.random.usize(RECORDS / 2..RECORDS * 3 / 2);
        } else {
            self.records.push(b',');
        }
        self.records.extend_from_slice(event.record);
        self.left -= 1;
        if self.left == 0 { self.write(event.time) } else { Ok(()) }
    }

    /// The number of objects, and of bytes.
    pub(super) fn finish(mut self) -> Result<(u64, u64)> {
        if !self.records.is_empty() {
            self.write(super::START + super::SPAN)?;
        }
        Ok((self.count, self.compressed))
    }

    fn write(&mut self, time: i64) -> Result<()> {
        self.records.extend_from_slice(b"]}");
        let account = account_number(self.random.usize(..ACCOUNTS));
        let region = REGIONS[self.random.usize(..REGIONS.len())];
        let minute = rfc3339(time).replace(['-', ':'], "");
        let (year, month, day) = (&minute[..4], &minute[4..6], &minute[6..8]);
        let unique: String = (0..16).map(|_| self.random.alphanumeric()).collect();
        let folder = self.folder.join(&account).join("CloudTrail").join(region);
        let folder = folder.join(year).join(month).join(day);
        let name = format!("{account}_CloudTrail_{region}_{}Z_{unique}.json.gz", &minute[..13]);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&self.records)?;
        let bytes = gzip.finish()?;
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join(name), &bytes))
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        self.count += 1;
        self.compressed += bytes.len() as u64;
        self.records.clear();
        Ok(())
    }
}
