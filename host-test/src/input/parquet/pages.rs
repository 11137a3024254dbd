//! The pages of a Parquet file, decompressed within bounds.
//!
//! The library decompresses a page without a bound, and so it is told that nothing is compressed, and
//! the pages are decompressed here.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

use super::super::layers::FILE_WINDOW_LOG;
use super::chunks::{Chunks, MOST_PAGE, wrong};
use super::lists::Lists;

/// The most bytes of pages that are in memory at a time: of each column one, and its dictionary.
const MOST_HELD: u64 = 1 << 30;
/// The most values in lists that [`WINDOW`](super::lists::WINDOW) rows have, in all columns together.
const MOST_LISTED: u64 = 4 << 20;
/// What the columns of a row group take together.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Bytes that were decompressed.
    pub(super) decompressed: AtomicU64,
    held: AtomicU64,
    listed: AtomicU64,
}

/// The pages of a column.
pub(super) struct Pages {
    inner: SerializedPageReader<Chunks>,
    compression: Compression,
    max_rep: i16,
    counts: Arc<Counts>,
    /// How many bytes the dictionary has, and the current page.
    dictionary: u64,
    page: u64,
    /// The longest page, as its bytes are, that may still be decompressed to.
    most: u64,
    lists: Lists,
}

impl Pages {
    pub(super) fn new(
        chunks: &Arc<Chunks>,
        group: &RowGroupMetaData,
        column: usize,
        counts: &Arc<Counts>,
        most: u64,
    ) -> Result<Self> {
        let chunk = group.column(column);
        let compression = chunk.compression();
        let inside = [chunk.data_page_offset(), chunk.compressed_size(), chunk.num_values()]
            .into_iter()
            .chain(chunk.dictionary_page_offset())
            .all(|number| number >= 0);
        if !inside {
            return Err(wrong("a column is outside of the file"));
        }
        let rows = usize::try_from(group.num_rows()).map_err(|_| wrong("no number of rows"))?;
        let plain = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED);
        let inner = SerializedPageReader::new(Arc::clone(chunks), &plain.build()?, rows, None)?;
        let descriptor: &ColumnDescriptor = chunk.column_descr();
        Ok(Pages {
            inner,
            compression,
            max_rep: descriptor.max_rep_level(),
            counts: Arc::clone(counts),
            dictionary: 0,
            page: 0,
            most,
            lists: Lists::default(),
        })
    }

    fn decompress(&self, bytes: &Bytes, plain: usize) -> Result<Bytes> {
        let spent = self.counts.decompressed.load(Relaxed);
        // One byte more tells what is too long.
        let most = MOST_PAGE.min(self.most.saturating_sub(spent)) + 1;
        let (levels, bytes) =
            bytes.split_at_checked(plain).ok_or_else(|| wrong("a page is damaged"))?;
        let mut out = levels.to_vec();
        let read = match self.compression {
            _ if bytes.is_empty() => Ok(0),
            Compression::GZIP(_) => {
                flate2::bufread::MultiGzDecoder::new(bytes).take(most).read_to_end(&mut out)
            }
            Compression::ZSTD(_) => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
                decoder.window_log_max(FILE_WINDOW_LOG)?;
                decoder.take(most).read_to_end(&mut out)
            }
            Compression::SNAPPY => {
                let length =
                    snap::raw::decompress_len(bytes).map_err(|err| wrong(err.to_string()))?;
                // Snappy makes nothing more than some twenty times as short.
                if length as u64 >= most || length / 64 > bytes.len() {
                    return Err(self.too_long());
                }
                let plain = snap::raw::Decoder::new().decompress_vec(bytes);
                out.extend(plain.map_err(|err| wrong(err.to_string()))?);
                Ok(length)
            }
            other => return Err(wrong(format!("compressed with {other}, which is not read"))),
        };
        read.map_err(|err| wrong(format!("a page is damaged: {err}")))?;
        if out.len() as u64 >= most + plain as u64 {
            return Err(self.too_long());
        }
        Ok(out.into())
    }

    fn too_long(&self) -> ParquetError {
        // Whoever reads the rows tells a limit of the user's by this.
        let spent = self.counts.decompressed.load(Relaxed);
        if self.most.saturating_sub(spent) < MOST_PAGE {
            self.counts.decompressed.store(u64::MAX, Relaxed);
        }
        wrong("a page decompresses to too many bytes")
    }

    /// Looks at a page before it is decoded.
    fn admit(&mut self, page: Page) -> Result<Page> {
        let mut page = page;
        let uncompressed = self.compression == Compression::UNCOMPRESSED;
        let levels = match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                if !uncompressed {
                    *buf = self.decompress(buf, 0)?;
                }
                None
            }
            Page::DataPageV2 {
                buf,
                is_compressed,
                rep_levels_byte_len,
                def_levels_byte_len,
                ..
            } => {
                let (rep, def) = (*rep_levels_byte_len as usize, *def_levels_byte_len as usize);
                if *is_compressed && !uncompressed {
                    *buf = self.decompress(buf, rep.saturating_add(def))?;
                    *is_compressed = false;
                }
                let levels = buf.get(..rep).ok_or_else(|| wrong("a page is damaged"))?;
                Some(levels.to_vec())
            }
        };
        check(&page)?;
        let mut length = page.buffer().len() as u64;
        self.counts.decompressed.fetch_add(length, Relaxed);
        if let Page::DictionaryPage { num_values, .. } = page {
            // Each of its values is found by where it is.
            length += u64::from(num_values) * 32;
        }
        let held = if page.is_dictionary_page() { &mut self.dictionary } else { &mut self.page };
        let before = std::mem::replace(held, length);
        let all = self.counts.held.fetch_add(length, Relaxed) + length;
        self.counts.held.fetch_sub(before, Relaxed);
        if all.saturating_sub(before) > MOST_HELD {
            return Err(wrong("its pages take too much memory"));
        }
        if self.max_rep > 0 && page.is_data_page() {
            self.count_lists(&page, levels)?;
        }
        Ok(page)
    }

    fn count_lists(&mut self, page: &Page, levels: Option<Vec<u8>>) -> Result<()> {
        let levels = match (page, levels) {
            (_, Some(levels)) => levels,
            (Page::DataPage { buf, rep_level_encoding: Encoding::RLE, .. }, _) => {
                let length = buf.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize);
                let levels = length.and_then(|length| buf.get(4..)?.get(..length));
                levels.ok_or_else(|| wrong("a page is damaged"))?.to_vec()
            }
            _ => return Err(wrong("its lists are written in an old form that is not read")),
        };
        let before = self.lists.longest;
        let width = (i16::BITS - self.max_rep.leading_zeros()) as usize;
        self.lists.count(&levels, width, u64::from(page.num_values()));
        let more = self.lists.longest - before;
        if self.counts.listed.fetch_add(more, Relaxed) + more > MOST_LISTED {
            return Err(wrong("its lists are too long"));
        }
        Ok(())
    }
}

/// Refuses what the library would take at its word.
fn check(page: &Page) -> Result<()> {
    match page {
        Page::DictionaryPage { buf, num_values, .. } if *num_values as usize > buf.len() => {
            Err(wrong("a dictionary is damaged"))
        }
        Page::DictionaryPage { .. } => Ok(()),
        Page::DataPage { encoding, .. } | Page::DataPageV2 { encoding, .. } => match encoding {
            #[allow(deprecated, reason = "older writers use it")]
            Encoding::PLAIN_DICTIONARY => Ok(()),
            Encoding::PLAIN | Encoding::RLE_DICTIONARY | Encoding::RLE => Ok(()),
            // A few bytes of these may stand for any number of values, or for very long ones.
            other => Err(wrong(format!("a column is encoded as {other}, which is not read"))),
        },
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.inner.get_next_page()?.map(|page| self.admit(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.counts.held.fetch_sub(self.dictionary + self.page, Relaxed);
    }
}
