//! A long plain file of an event a line, in pieces that several threads read side by side.
//!
//! A piece is told by its place in the file, and holds the lines that start there. What is no line by itself
//! ends the pieces: from there on the file is read in order.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::mem;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use memchr::memchr;

use super::allowance::Allowance;
use super::lines::whole_lines;
use super::survey::Survey;
use super::unpack::unpack;
use super::{BATCH, Batch, LONG_LINE, Limits, ReadProgress, Reader};

/// A shorter rest of a file is read in order.
const LEAST: u64 = 4 * BATCH as u64;

/// As much is read at once to find the end of a line.
const PROBE: usize = 4 << 10;

/// The rest of a file, which starts with a line. Clones are of the same file.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    file: Arc<File>,
    progress: ReadProgress,
    limits: Limits,
    /// Where the next piece starts.
    next: u64,
    end: u64,
    given_up: Arc<AtomicBool>,
}

/// The lines of a file that start in one range of its bytes.
#[derive(Debug)]
pub(crate) struct Piece {
    of: Pieces,
    from: u64,
    to: u64,
}

/// The lines that a piece held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) lines: u64,
    /// Where in the file they end.
    pub(crate) end: u64,
}

impl Pieces {
    /// None if the rest of the file is too short to be shared.
    pub(super) fn new(
        file: File,
        from: u64,
        limits: Limits,
        progress: ReadProgress,
    ) -> Option<Self> {
        let end = file.metadata().ok()?.len();
        (from > 0 && end.saturating_sub(from) >= LEAST).then(|| Pieces {
            file: Arc::new(file),
            progress,
            limits,
            next: from,
            end,
            given_up: Arc::default(),
        })
    }

    /// Where they start.
    pub(crate) fn start(&self) -> u64 {
        self.next
    }

    /// No more pieces are wanted, by whichever clone.
    pub(crate) fn give_up(&self) {
        self.given_up.store(true, Relaxed);
    }

    pub(crate) fn are_given_up(&self) -> bool {
        self.given_up.load(Relaxed)
    }

    /// Reads on from there in order, which is line `line` of the file.
    pub(crate) fn read_on(&self, from: u64, line: u64) -> io::Result<Reader> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(from))?;
        Ok(Reader::of_lines(file, line, &self.limits, &self.progress))
    }

    /// Where the first line starts that does so at this place or behind it. None at the end of the file, and
    /// if that is far away.
    fn line_start(&self, from: u64) -> io::Result<Option<u64>> {
        let mut at = from.saturating_sub(1);
        let mut bytes = [0; PROBE];
        while at < from + LONG_LINE as u64 {
            let read = self.file.read_at(&mut bytes, at)?;
            if read == 0 {
                break;
            }
            if let Some(end) = memchr(b'\n', &bytes[..read]) {
                return Ok(Some(at + end as u64 + 1));
            }
            at += read as u64;
        }
        Ok(None)
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    /// What is left behind the last one is read in order: there the file may have grown.
    fn next(&mut self) -> Option<Piece> {
        let (from, to) = (self.next, self.next + BATCH as u64);
        if to > self.end || self.are_given_up() {
            return None;
        }
        self.next = to;
        Some(Piece { of: self.clone(), from, to })
    }
}

impl Piece {
    /// Adds a part with its lines to the batch, numbered from 1, and says where in the file they are. None if it
    /// cannot be read by itself: the file is to be read in order from there on, whatever is in the batch.
    pub(crate) fn read(&self, batch: &mut Batch) -> Option<Range<u64>> {
        if self.of.are_given_up() {
            return None;
        }
        let start = self.of.line_start(self.from).ok()??;
        // A line that is longer than a piece leaves some empty.
        let end = self.of.line_start(self.to).ok()??.max(start);
        batch.begin();
        // What it held is overwritten: making room again would cost as much as reading.
        let mut bytes = mem::take(&mut batch.kept);
        bytes.resize((end - start) as usize, 0);
        self.of.file.read_exact_at(&mut bytes, start).ok()?;
        batch.bytes = bytes;
        Some(start..end)
    }

    /// Unpacks what is packed in the lines that were read, where screening does not say that nothing is. How many
    /// lines they are, and whether something may have been packed. None as for [`read`](Self::read).
    pub(crate) fn unpack(&self, batch: &mut Batch) -> Option<(u64, bool)> {
        let survey = Survey::of(&batch.bytes);
        if !survey.are_objects && whole_lines(&batch.bytes).1.is_some() {
            return None;
        }
        let mut allowance = Allowance::new(self.of.limits.max_decompressed, false);
        if survey.has_data && unpack(batch, &mut allowance).is_some() {
            return None;
        }
        Some((survey.breaks, survey.has_data))
    }

    /// Passes over so many lines, which are here in the file.
    pub(crate) fn pass(&self, lines: u64, read: &Range<u64>) -> Stretch {
        self.of.progress.add_bytes((read.end - read.start) as usize);
        Stretch { lines, end: read.end }
    }
}
