//! The bytes of a Parquet file, read where they are wanted.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, Cursor};
#[cfg(unix)]
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::super::ReadProgress;
use super::thrift::{self, Refused};

/// A page is not longer, compressed or not. Usually it is of about 1 MiB.
pub(super) const MOST_PAGE: u64 = 256 << 20;

pub(super) fn wrong(text: impl Into<String>) -> ParquetError {
    ParquetError::General(text.into())
}

/// The bytes of the file.
pub(super) struct Chunks {
    pub(super) source: ChunkSource,
    pub(super) length: u64,
    pub(super) progress: ReadProgress,
}

/// Fills bytes from a place in a file.
pub(in super::super) type ReadAt = Box<dyn Fn(u64, &mut [u8]) -> io::Result<()> + Send + Sync>;

pub(in super::super) enum ChunkSource {
    #[cfg(unix)]
    File(File),
    Memory(Bytes),
    /// What is no file of this machine: its length, and what fills bytes from a place in it.
    #[cfg_attr(unix, allow(dead_code, reason = "the page reads files of a browser so"))]
    Elsewhere {
        length: u64,
        read: ReadAt,
    },
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = Cursor<Bytes>;

    /// Only headers of pages are read so: exactly one is given, once it was looked at.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        for most in [1 << 10, 64 << 10, 4 << 20] {
            let left = self.length.saturating_sub(start).min(most);
            let bytes = self.at(start, left as usize)?;
            match thrift::length(&bytes) {
                Ok(length) => return Ok(Cursor::new(bytes.slice(..length))),
                Err(Refused::Short) if left == most => {}
                Err(_) => break,
            }
        }
        Err(wrong("the header of a page is damaged"))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if length as u64 > MOST_PAGE {
            return Err(wrong("a page is too long"));
        }
        let bytes = self.at(start, length)?;
        self.progress.add_bytes(length);
        Ok(bytes)
    }
}

impl Chunks {
    pub(super) fn at(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.length);
        let end = end.ok_or_else(|| wrong("it is cut off"))?;
        match &self.source {
            ChunkSource::Memory(bytes) => Ok(bytes.slice(start as usize..end as usize)),
            #[cfg(unix)]
            ChunkSource::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start)?;
                Ok(bytes.into())
            }
            ChunkSource::Elsewhere { read, .. } => {
                let mut bytes = vec![0; length];
                read(start, &mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}
