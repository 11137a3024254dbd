//! One event of a document, while it is being read.

use memchr::memchr;

use super::cursor::Cursor;
use super::{Batch, MAX_LINE, TOO_LONG, Unreadable};

/// The event at the end of the batch. It keeps its line breaks there until it is complete: where it
/// breaks off, its lines are looked at again.
pub(super) struct Unit {
    /// Where it starts in the file.
    pub(super) from: Cursor,
    /// The depth that it stands in.
    pub(super) depth: usize,
    start: usize,
    too_long: bool,
}

impl Unit {
    /// Starts after what is in the batch.
    pub(super) fn new(from: Cursor, depth: usize, batch: &Batch) -> Self {
        Unit { from, depth, start: batch.bytes.len(), too_long: false }
    }

    /// Adds the bytes that come next.
    pub(super) fn push(&mut self, bytes: &[u8], batch: &mut Batch) {
        if self.too_long {
            return;
        }
        if batch.bytes.len() - self.start + bytes.len() > MAX_LINE {
            self.too_long = true;
            batch.bytes.truncate(self.start);
        } else {
            batch.bytes.extend_from_slice(bytes);
        }
    }

    /// Makes a line of it, or reports that it is too long for one.
    pub(super) fn complete(self, batch: &mut Batch) {
        let line = self.from.line;
        if self.too_long {
            let reason = TOO_LONG.into();
            batch.unreadable.push(Unreadable { line, reason });
            return;
        }
        for byte in &mut batch.bytes[self.start..] {
            // None of these is inside a string: there it would have been an error.
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        batch.end_event(line);
    }

    /// Takes it out of the batch.
    pub(super) fn discard(self, batch: &mut Batch) {
        batch.bytes.truncate(self.start);
    }

    /// Takes it out of the batch, and returns its lines but the first, if they are not too many.
    pub(super) fn take_back(self, batch: &mut Batch, most: usize) -> Vec<u8> {
        let mut lines = Vec::new();
        if let Some(end) = memchr(b'\n', &batch.bytes[self.start..]) {
            let second = self.start + end + 1;
            if batch.bytes.len() - second <= most {
                lines = batch.bytes.split_off(second);
            }
        }
        batch.bytes.truncate(self.start);
        lines
    }
}
