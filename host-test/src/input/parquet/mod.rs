//! Parquet files, as Amazon Security Lake and Athena write them: a line of JSON for each row.
//!
//! Memory is bounded by the pages that are read at a time, however many rows there are. The file may
//! have been written by anyone: its counts are checked before the library reserves memory by them.

mod chunks;
mod columns;
mod kinds;
mod lists;
mod pages;
mod rows;
mod scalar;
mod thrift;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use parquet::errors::Result;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::allowance::Allowance;
use super::{Error, ReadProgress};
use crate::native;
pub(super) use chunks::ChunkSource;
#[allow(unused_imports, reason = "the page names it")]
pub(super) use chunks::ReadAt;
use chunks::{Chunks, wrong};
use columns::Column;
use lists::WINDOW;
use pages::Counts;
use rows::Node;

/// The longest metadata.
const MOST_METADATA: usize = 16 << 20;
/// About as many values are in memory at a time.
const MOST_VALUES: usize = 200_000;

/// Reads the rows of a file.
pub(super) struct Rows {
    chunks: Arc<Chunks>,
    metadata: ParquetMetaData,
    root: Node,
    /// The next row group.
    group: usize,
    columns: Vec<Column>,
    counts: Arc<Counts>,
    /// How many rows the group has that were not read, and how many were read that were not written.
    unread: usize,
    waiting: usize,
    written: u64,
}

impl Rows {
    pub(super) fn open(source: ChunkSource, progress: &ReadProgress) -> Result<Self, Error> {
        let open = || {
            let length = match &source {
                #[cfg(unix)]
                ChunkSource::File(file) => file.metadata()?.len(),
                ChunkSource::Elsewhere { length, .. } => *length,
                ChunkSource::Memory(bytes) => bytes.len() as u64,
            };
            Self::new(Chunks { source, length, progress: progress.clone() })
        };
        caught(0, open)
    }

    fn new(chunks: Chunks) -> Result<Self> {
        let tail = chunks.at(chunks.length.saturating_sub(8), 8)?;
        let length = match *tail {
            [a, b, c, d, b'P', b'A', b'R', b'1'] => u32::from_le_bytes([a, b, c, d]) as usize,
            [.., b'P', b'A', b'R', b'E'] => return Err(wrong("it is encrypted")),
            _ => return Err(wrong("its end is missing")),
        };
        let start = chunks.length.checked_sub(8 + length as u64);
        let start = start.filter(|_| length <= MOST_METADATA);
        let footer = chunks.at(start.ok_or_else(|| wrong("its metadata are damaged"))?, length)?;
        thrift::check_footer(&footer)
            .map_err(|_| wrong("its metadata are damaged, or larger than any log's"))?;
        let metadata = ParquetMetaDataReader::decode_metadata(&footer)?;
        let root = Node::root(metadata.file_metadata().schema());
        let (chunks, counts) = (Arc::new(chunks), Arc::default());
        let (group, unread, waiting, written) = (0, 0, 0, 0);
        let columns = Vec::new();
        Ok(Rows { chunks, metadata, root, group, columns, counts, unread, waiting, written })
    }

    /// Appends lines, about `want` bytes. Whether there may be more.
    pub(super) fn fill(
        &mut self,
        to: &mut Vec<u8>,
        want: usize,
        allowance: &mut Allowance,
    ) -> Result<bool, Error> {
        let start = to.len();
        while to.len() - start < want {
            let before = to.len();
            let row = caught(self.written, || self.row(to, allowance.left()));
            let spent = self.counts.decompressed.swap(0, Relaxed);
            if !matches!(row, Ok(true)) {
                to.truncate(before);
                if spent > allowance.left() {
                    return Err(allowance.exceeded());
                }
                return row;
            }
            self.written += 1;
            // A row of nulls takes time, too.
            let spent = spent.saturating_add((to.len() - before + self.root.columns()) as u64);
            if spent > allowance.left() {
                to.truncate(before);
                return Err(allowance.exceeded());
            }
            allowance.spend(spent);
        }
        Ok(true)
    }

    /// Appends a line, if there is another row.
    fn row(&mut self, to: &mut Vec<u8>, most: u64) -> Result<bool> {
        while self.waiting == 0 {
            if self.unread == 0 {
                if self.group == self.metadata.num_row_groups() {
                    return Ok(false);
                }
                self.next_group(most)?;
                continue;
            }
            let most = (MOST_VALUES / self.root.columns().max(1)).clamp(1, WINDOW);
            let rows = self.unread.min(most);
            self.columns.iter_mut().try_for_each(|column| column.read(rows))?;
            self.unread -= rows;
            self.waiting = rows;
        }
        let most = rows::longest_line(to.len());
        if !self.root.write(&mut self.columns, to, most)? {
            to.extend_from_slice(b"{}");
        }
        rows::fits(to, most)?;
        to.push(b'\n');
        if !self.columns.iter().all(Column::is_between) {
            return Err(wrong("its columns are of different lengths"));
        }
        self.waiting -= 1;
        Ok(true)
    }

    fn next_group(&mut self, most: u64) -> Result<()> {
        self.columns.clear();
        let group = self.metadata.row_group(self.group);
        self.group += 1;
        self.unread = usize::try_from(group.num_rows()).map_err(|_| wrong("no number of rows"))?;
        if self.root.columns() == 0 || group.num_columns() != self.root.columns() {
            return Err(wrong("a row group has not the columns of the file"));
        }
        self.counts = Arc::default();
        for number in 0..group.num_columns() {
            self.columns.push(Column::new(&self.chunks, group, number, &self.counts, most)?);
        }
        Ok(())
    }
}

/// Runs what the library may panic in.
fn caught<T>(rows: u64, run: impl FnOnce() -> Result<T>) -> Result<T, Error> {
    let reason = match native::parse(&[], run) {
        Some(Ok(value)) => return Ok(value),
        Some(Err(err)) => err.to_string(),
        None => "it is damaged".to_owned(),
    };
    Err(Error::Parquet { rows, reason })
}

#[cfg(test)]
mod tests;
