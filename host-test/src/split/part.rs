//! A file that is being written.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use memchr::memchr_iter;
use sha2::{Digest as _, Sha256};

use super::note::hex;

/// Bytes and their digest.
#[derive(Debug, Default)]
pub(super) struct Summed {
    bytes: u64,
    sha256: Sha256,
}

impl Summed {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
    }

    /// The number of bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// In hexadecimal.
    pub(super) fn digest(&self) -> String {
        hex(&self.sha256.clone().finalize())
    }
}

/// The events of a source that are new, on their way to a file.
#[derive(Debug)]
pub(super) struct Part {
    file: BufWriter<File>,
    /// The number of events at the beginning that are in files already.
    skip: u64,
    events: u64,
    bytes: u64,
    /// All that came.
    all: Summed,
}

impl Part {
    /// Replaces what may be left of a run that was killed.
    pub(super) fn create(path: &Path, skip: u64) -> io::Result<Self> {
        let file = BufWriter::with_capacity(256 << 10, File::create(path)?);
        Ok(Part { file, skip, events: 0, bytes: 0, all: Summed::default() })
    }

    /// Adds events, one a line.
    pub(super) fn add(&mut self, events: &[u8]) -> io::Result<()> {
        self.all.add(events);
        let skip = usize::try_from(self.skip).map_or(events.len(), |skip| skip.min(events.len()));
        self.skip -= skip as u64;
        let new = &events[skip..];
        self.events += memchr_iter(b'\n', new).count() as u64;
        self.bytes += new.len() as u64;
        self.file.write_all(new)
    }

    /// The new events and bytes.
    pub(super) fn written(&self) -> (u64, u64) {
        (self.events, self.bytes)
    }

    /// Returns when all is on the disk; what the source held, old and new.
    pub(super) fn finish(mut self) -> io::Result<Summed> {
        self.file.flush()?;
        if self.bytes > 0 {
            self.file.get_ref().sync_all()?;
        }
        Ok(self.all)
    }
}
