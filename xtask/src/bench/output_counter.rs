//! The progress of a pipeline: the events in its output files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::PathBuf;

use anyhow::Result;

/// Counts the events in the files of a sink while it writes them.
pub struct OutputCounter {
    folder: PathBuf,
    files: BTreeMap<PathBuf, File>,
    /// The events counted so far.
    pub lines: u64,
    buffer: Vec<u8>,
}

impl OutputCounter {
    /// Starts at none, for the files in this folder.
    pub fn new(folder: PathBuf) -> Self {
        OutputCounter { folder, files: BTreeMap::new(), lines: 0, buffer: vec![0; 1 << 20] }
    }

    /// Counts the events that were written since, and returns how many there are in all.
    pub fn count(&mut self) -> Result<u64> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            // The sink starts a file each day.
            if entry.file_name().to_string_lossy().starts_with("cloudtrail-")
                && !self.files.contains_key(&entry.path())
            {
                self.files.insert(entry.path(), File::open(entry.path())?);
            }
        }
        for file in self.files.values_mut() {
            loop {
                let read = match file.read(&mut self.buffer) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(err) if err.kind() == ErrorKind::Interrupted => continue,
                    Err(err) => return Err(err.into()),
                };
                let ends = self.buffer[..read].iter().filter(|byte| **byte == b'\n').count();
                self.lines += ends as u64;
            }
        }
        Ok(self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_as_they_are_written() {
        let folder = std::env::temp_dir().join(format!("orgwatch-counter-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut counter = OutputCounter::new(folder.clone());
        assert_eq!(counter.count().unwrap(), 0);
        fs::write(folder.join("cloudtrail-2026-01-01.ndjson"), "{}\n{}\n{").unwrap();
        fs::write(folder.join("other"), "{}\n").unwrap();
        assert_eq!(counter.count().unwrap(), 2);
        fs::write(folder.join("cloudtrail-2026-01-02.ndjson"), "{}\n").unwrap();
        assert_eq!((counter.count().unwrap(), counter.count().unwrap()), (3, 3));
        fs::remove_dir_all(folder).unwrap();
    }
}
