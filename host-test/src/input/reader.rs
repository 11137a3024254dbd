//! One file into batches.

use memchr::{memchr, memchr_iter, memmem, memrchr};
use serde::de::IgnoredAny;

use super::batch::Lines;
use super::bytes::Bytes;
use super::splitter::{LISTS, Splitter};
use super::{BATCH, Batch, Error, Limits, MAX_LINE, Source, awslogs};

/// Reads one file, batch by batch.
///
/// Whether it holds an event a line or documents is told by its first line that is not blank: one
/// that is an object by itself is followed by more of them.
pub struct Reader {
    bytes: Bytes,
    /// What was read and is in no batch yet.
    rest: Vec<u8>,
    /// Whether there may be more after it.
    more: bool,
    failed: Option<Error>,
    form: Form,
    /// The line of the file that `rest` starts with, while lines are counted here.
    line: u64,
}

enum Form {
    Unknown,
    /// An event a line.
    Lines,
    /// Documents.
    Documents(Box<Splitter>),
    /// A line longer than a line may be, unless it is a list of events.
    LongLine(Box<Splitter>),
}

/// Documents are read in pieces of this size.
const PIECE: usize = 256 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Reader {
    /// Opens a file.
    pub fn open(source: &Source, limits: &Limits) -> Result<Self, Error> {
        Ok(Self::new(Bytes::open(source, limits)?))
    }

    fn new(bytes: Bytes) -> Self {
        let form = Form::Unknown;
        Reader { bytes, rest: Vec::new(), more: true, failed: None, form, line: 1 }
    }

    /// Fills the batch. False, once everything has been delivered.
    ///
    /// Fails once where the file cannot be read any further; all that came before it has been
    /// delivered by then.
    pub fn next(&mut self, batch: &mut Batch) -> Result<bool, Error> {
        if matches!(self.form, Form::Unknown) {
            self.form = self.recognise();
        }
        let filled = match self.form {
            Form::Lines | Form::Unknown => self.next_lines(batch),
            Form::Documents(_) | Form::LongLine(_) => self.next_documents(batch),
        };
        if filled {
            awslogs::unpack(batch, self.bytes.left());
            return Ok(true);
        }
        self.failed.take().map_or(Ok(false), Err)
    }

    /// Reads more into `to`. An error ends the file; it is told when all else has been.
    fn fill(&mut self, to: &mut Vec<u8>, want: usize) {
        match self.bytes.fill(to, want) {
            Ok(more) => self.more = more,
            Err(err) => {
                self.more = false;
                self.failed = Some(err);
            }
        }
    }

    fn fill_rest(&mut self, want: usize) {
        let mut rest = std::mem::take(&mut self.rest);
        self.fill(&mut rest, want);
        self.rest = rest;
    }

    /// Reads the first line, and tells what it is the first of.
    fn recognise(&mut self) -> Form {
        loop {
            self.fill_rest(BATCH);
            if self.rest.starts_with(BYTE_ORDER_MARK) {
                self.rest.drain(..BYTE_ORDER_MARK.len());
            }
            let blank = self.rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if blank == self.rest.len() && self.more {
                // Looked at once: there may be gigabytes of it.
                self.line += memchr_iter(b'\n', &self.rest).count() as u64;
                self.rest.clear();
                continue;
            }
            let start = &self.rest[blank..];
            let line = memchr(b'\n', start).map(|end| &start[..end]);
            let line = match line {
                Some(line) => line,
                None if !self.more => start,
                // A line as long as this is a document.
                None if start.len() >= BATCH => b"",
                None => continue,
            };
            if line.is_empty() && start.is_empty() || is_object(line.trim_ascii_end()) {
                return Form::Lines;
            }
            return Form::Documents(Box::new(Splitter::new(self.line, LISTS)));
        }
    }

    fn next_lines(&mut self, batch: &mut Batch) -> bool {
        batch.clear(Lines::From(self.line));
        // The batch takes what is left over, and leaves its memory for what will be.
        std::mem::swap(&mut batch.bytes, &mut self.rest);
        let mut searched = 0;
        let end = loop {
            let end = memrchr(b'\n', &batch.bytes[searched..]).map(|at| searched + at + 1);
            // Only the first line can be so long: before another, the batch would have been full.
            if batch.bytes.len() > MAX_LINE && first_line(&batch.bytes) > MAX_LINE {
                std::mem::swap(&mut batch.bytes, &mut self.rest);
                self.form = Form::LongLine(Box::new(Splitter::new(self.line, LISTS)));
                return self.next_documents(batch);
            }
            let enough = batch.bytes.len() >= BATCH || self.bytes.is_live();
            if let Some(end) = end.filter(|_| enough) {
                break end;
            }
            if !self.more {
                break batch.bytes.len();
            }
            // What has been searched ends in a newline, which is to be found again, or has none.
            searched = end.map_or(batch.bytes.len(), |end| end - 1);
            let want = BATCH.saturating_sub(batch.bytes.len()).max(PIECE);
            self.fill(&mut batch.bytes, want);
        };
        self.rest.extend_from_slice(&batch.bytes[end..]);
        batch.bytes.truncate(end);
        self.line += memchr_iter(b'\n', &batch.bytes).count() as u64;
        !batch.bytes.is_empty()
    }

    fn next_documents(&mut self, batch: &mut Batch) -> bool {
        batch.clear(Lines::Each(Vec::new()));
        loop {
            let (splitter, line) = match &mut self.form {
                Form::Documents(splitter) => (splitter, false),
                Form::LongLine(splitter) => (splitter, true),
                Form::Lines | Form::Unknown => return self.next_lines(batch),
            };
            let end = if line { memchr(b'\n', &self.rest) } else { None };
            let length = end.unwrap_or(self.rest.len());
            let read = splitter.feed(&self.rest[..length], batch, BATCH);
            self.rest.drain(..read);
            let full = batch.is_full(BATCH) && !splitter.in_event();
            if full {
                return true;
            }
            if read < length {
                continue;
            }
            if end.is_none() && self.more {
                // What is there of a stream that is still being written should not wait.
                if self.bytes.is_live() && !splitter.in_event() && batch.len() > 0 {
                    return true;
                }
                self.fill_rest(PIECE);
                continue;
            }
            if !splitter.finish(batch, BATCH) {
                return true;
            }
            if line {
                self.form = Form::Lines;
            }
            if batch.len() > 0 || !batch.unreadable.is_empty() {
                return true;
            }
            if !line {
                return false;
            }
        }
    }
}

/// How long the first line is.
fn first_line(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).unwrap_or(bytes.len())
}

/// Whether a line is one object, not several without anything between them, as Firehose writes.
fn is_object(line: &[u8]) -> bool {
    if !line.starts_with(b"{") || !line.ends_with(b"}") {
        return false;
    }
    // Looking into the line is rarely needed: what would part two objects is rarely in it.
    let mut parts = memmem::find_iter(line, b"}{").chain(memmem::find_iter(line, b"} "));
    if parts.next().is_none() {
        return true;
    }
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<IgnoredAny>();
    let first = values.next();
    !matches!(first, Some(Ok(_))) || values.byte_offset() == line.len()
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
