//! Events, one a line, and where they came from.

use memchr::memchr_iter;

use super::{BATCH, MOST_UNREADABLE};

/// A batch is read up to its size and ends with its last whole line: one that is nearly as long is full, and
/// has no room for another piece.
const FULL: usize = BATCH - BATCH / 8;

/// Newline-delimited events, from one file or from several small ones.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) bytes: Vec<u8>,
    /// Bytes of before, to be overwritten.
    #[cfg(feature = "scan")]
    pub(super) kept: Vec<u8>,
    /// In the order of their bytes; one is begun before anything is added.
    parts: Vec<Part>,
}

/// What in a batch one call of [`Reader::next`](super::Reader::next) put there: all from one file.
#[derive(Debug, Default)]
pub struct Part {
    /// Where in the batch its bytes start.
    pub start: usize,
    /// How many lines of the batch are before it.
    pub before: u32,
    lines: Lines,
    /// Input that could not be made into an event. It is not in [`Batch::bytes`].
    pub unreadable: Vec<Unreadable>,
    /// How many events were in documents that were rejected whole: they are not in the batch.
    pub rejected: u64,
    /// How many bytes those documents had.
    pub rejected_bytes: u64,
}

/// Something in a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line of the file on which it starts, from 1.
    pub line: u64,
    /// The problem.
    pub reason: String,
}

#[derive(Debug)]
pub(super) enum Lines {
    /// The lines of the file, from this one on.
    From(u64),
    /// For each line, the line of the file on which its event starts.
    Each(Vec<u64>),
}

impl Default for Lines {
    fn default() -> Self {
        Lines::From(1)
    }
}

impl Part {
    /// The line of the file on which an event starts, both from 1. The event's line is that in the
    /// batch.
    pub fn line(&self, line: u32) -> u64 {
        let index = u64::from(line.saturating_sub(self.before).max(1)) - 1;
        match &self.lines {
            Lines::From(first) => first.saturating_add(index),
            Lines::Each(lines) => {
                let known = usize::try_from(index).ok().and_then(|index| lines.get(index));
                known.or(lines.last()).copied().unwrap_or(1)
            }
        }
    }
}

impl Batch {
    /// One with room for as much as is usually put into one.
    pub fn new() -> Self {
        Batch { bytes: Vec::with_capacity(BATCH + BATCH / 8), ..Batch::default() }
    }

    /// The events, each followed by a newline.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The events, to be overwritten once they were looked at.
    #[cfg(feature = "scan")]
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Takes the events out of it, in the memory that they are in.
    #[cfg(feature = "scan")]
    pub(crate) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// What is from which call, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The bytes of a part.
    pub fn of(&self, part: usize) -> &[u8] {
        let end = self.parts.get(part + 1).map_or(self.bytes.len(), |next| next.start);
        &self.bytes[self.parts[part].start..end]
    }

    /// Whether it should be examined before more is put into it.
    pub fn is_full(&self) -> bool {
        // Unreadable parts take no bytes of the batch, but they take memory.
        self.bytes.len() >= FULL
            || self.parts.len() >= MOST_UNREADABLE
            || self.parts.last().is_some_and(|part| part.unreadable.len() >= MOST_UNREADABLE)
    }

    /// Empties it and keeps its memory, unless it is more than usual.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(2 * BATCH);
        self.parts.clear();
    }

    /// Empties it, and keeps its bytes to be overwritten.
    #[cfg(feature = "scan")]
    pub(crate) fn keep(&mut self) {
        self.kept = std::mem::take(&mut self.bytes);
        self.kept.truncate(2 * BATCH);
        self.clear();
    }

    /// Leaves nothing in the part after so many, which may be half done or not even begun.
    #[cfg(feature = "scan")]
    pub(crate) fn abandon(&mut self, parts: usize) {
        if let Some(part) = self.parts.get(parts) {
            self.bytes.truncate(part.start);
            self.parts.truncate(parts);
        }
        self.begin();
    }

    /// Begins an empty part.
    pub fn begin(&mut self) {
        self.begin_at(Lines::From(1));
    }

    pub(super) fn begin_at(&mut self, lines: Lines) {
        let before = match self.parts.len().checked_sub(1) {
            Some(last) => self.parts[last].before.saturating_add(self.lines_of(last)),
            None => 0,
        };
        let start = self.bytes.len();
        self.parts.push(Part { start, before, lines, ..Part::default() });
    }

    /// Has the last part, to which nothing was added yet, start on another line.
    pub(super) fn restart(&mut self, lines: Lines) {
        self.last().lines = lines;
    }

    /// The part that was begun last.
    pub(super) fn last(&mut self) -> &mut Part {
        if self.parts.is_empty() {
            self.begin();
        }
        let last = self.parts.len() - 1;
        &mut self.parts[last]
    }

    /// How many lines a part has.
    fn lines_of(&self, part: usize) -> u32 {
        let lines = match &self.parts[part].lines {
            Lines::From(_) => memchr_iter(b'\n', self.of(part)).count(),
            Lines::Each(lines) => lines.len(),
        };
        u32::try_from(lines).unwrap_or(u32::MAX)
    }

    pub(super) fn unreadable(&mut self, line: u64, reason: impl Into<String>) {
        self.last().unreadable.push(Unreadable { line, reason: reason.into() });
    }

    /// Ends the event at the end of the bytes, which started on this line.
    pub(super) fn end_event(&mut self, line: u64) {
        self.bytes.push(b'\n');
        match &mut self.last().lines {
            Lines::Each(lines) => lines.push(line),
            other @ Lines::From(_) => *other = Lines::Each(vec![line]),
        }
    }

    /// Ends the last part after so many of its lines. The lines of the file that the others are.
    pub(super) fn split_lines(&mut self, count: u32) -> Lines {
        match &mut self.last().lines {
            Lines::From(first) => Lines::From(first.saturating_add(u64::from(count))),
            Lines::Each(lines) => Lines::Each(lines.split_off(lines.len().min(count as usize))),
        }
    }

    /// How many events were added to the last part one by one.
    pub(super) fn events(&self) -> usize {
        match self.parts.last().map(|part| &part.lines) {
            Some(Lines::Each(lines)) => lines.len(),
            _ => 0,
        }
    }

    /// Takes the events from this one on out of the last part, which ends before this byte then.
    pub(super) fn take_back(&mut self, event: usize, byte: usize) {
        self.bytes.truncate(byte);
        if let Lines::Each(lines) = &mut self.last().lines {
            lines.truncate(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_batch_are_lines_of_the_file() {
        let mut batch = Batch::default();
        batch.begin_at(Lines::From(100));
        let line = |batch: &Batch, part: usize, line| batch.parts()[part].line(line);
        assert_eq!((line(&batch, 0, 0), line(&batch, 0, 1), line(&batch, 0, 7)), (100, 100, 106));
        batch.bytes.extend(b"a\nb\n");
        batch.begin_at(Lines::Each(Vec::new()));
        assert_eq!(line(&batch, 1, 3), 1);
        batch.end_event(5);
        batch.end_event(9);
        // A guest may say anything.
        let lines = [1, 3, 4, u32::MAX].map(|number| line(&batch, 1, number));
        assert_eq!(lines, [5, 5, 9, 9]);
        batch.begin_at(Lines::From(1));
        batch.bytes.extend(b"c\n");
        assert_eq!(
            (batch.parts()[2].before, batch.of(0), batch.of(2)),
            (4, &b"a\nb\n"[..], &b"c\n"[..])
        );
    }
}
