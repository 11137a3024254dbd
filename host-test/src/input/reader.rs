//! One file into batches.

mod first_line;

use memchr::{memchr, memrchr};

use super::batch::Lines;
use super::bytes::Bytes;
use super::document::{Document, MAX_DOCUMENT};
use super::lines::{first_line, whole_lines};
use super::splitter::{Broken, LISTS, Splitter};
use super::unpack::{Later, unpack};
use super::{BATCH, Batch, Error, LONG_LINE, Limits, ReadProgress, Screen, Source};

/// Reads one file, batch by batch.
///
/// Whether it holds an event a line or documents is told by its first line that is not blank: one
/// that is an object by itself is followed by more of them.
pub struct Reader {
    bytes: Bytes,
    /// Bytes read that are in no batch yet.
    rest: Vec<u8>,
    /// Whether there may be more after it.
    more: bool,
    failed: Option<Error>,
    form: Form,
    /// The line of the file that `rest` starts with, while lines are counted here.
    line: u64,
    /// Lines that became too much for a batch.
    later: Option<Later>,
}

enum Form {
    Unknown,
    /// An event a line.
    Lines,
    /// Text that is not, or not known to be, an event a line.
    Text(Text),
}

struct Text {
    until: Until,
    /// The splitter that takes it apart, once it is known that a rule may match something in it.
    splitter: Option<Box<Splitter>>,
    /// How much of `rest` has been taken apart.
    read: usize,
}

/// Where text ends, after which there is an event a line again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// With the line, which is a long one.
    Line,
    /// With the document, which is on several lines among others that are an event each.
    Document,
    /// With the file.
    End,
}

impl Form {
    fn text(until: Until) -> Form {
        Form::Text(Text { until, splitter: None, read: 0 })
    }
}

/// Text is read in pieces of this size.
const PIECE: usize = 256 << 10;

impl Reader {
    /// Opens a file. Bytes read are added to the progress.
    pub fn open(source: &Source, limits: &Limits, progress: &ReadProgress) -> Result<Self, Error> {
        Ok(Self::new(Bytes::open(source, limits, progress)?))
    }

    /// Reads what is no file of this machine, such as one that a browser was given.
    pub fn of(
        input: Box<dyn std::io::Read + Send>,
        limits: &Limits,
        progress: &ReadProgress,
    ) -> Self {
        progress.add_file();
        Self::new(Bytes::new(input, false, limits, progress))
    }

    /// Goes on with a plain file of an event a line, from line `line`.
    #[cfg(feature = "scan")]
    pub(super) fn of_lines(
        file: std::fs::File,
        line: u64,
        limits: &Limits,
        progress: &ReadProgress,
    ) -> Self {
        let bytes = Bytes::plain(file, limits, progress);
        Reader { form: Form::Lines, line, ..Self::new(bytes) }
    }

    /// What is still to be read of a long plain file of an event a line, as pieces, and the number of its
    /// first line. Nothing more is to be read here then.
    #[cfg(feature = "scan")]
    pub(crate) fn pieces(&self) -> Option<(super::Pieces, u64)> {
        if !matches!(self.form, Form::Lines) || self.later.is_some() || !self.more {
            return None;
        }
        let (file, given) = self.bytes.plain_file()?;
        let from = given.checked_sub(self.rest.len() as u64)?;
        let (limits, progress) = (self.bytes.limits(), self.bytes.progress().clone());
        let pieces = super::Pieces::new(file.try_clone().ok()?, from, limits, progress)?;
        Some((pieces, self.line))
    }

    fn new(bytes: Bytes) -> Self {
        let form = Form::Unknown;
        Reader { bytes, rest: Vec::new(), more: true, failed: None, form, line: 1, later: None }
    }

    /// Adds a part to the batch. False, once everything has been delivered.
    ///
    /// Fails once where the file cannot be read any further; all that came before it has been
    /// delivered by then.
    pub fn next(&mut self, batch: &mut Batch, screen: &mut Screen<'_>) -> Result<bool, Error> {
        if let Some(Later { bytes, lines }) = self.later.take() {
            batch.begin_at(lines);
            batch.bytes.extend(bytes);
            self.later = unpack(batch, self.bytes.allowance());
            return Ok(true);
        }
        batch.begin_at(Lines::From(self.line));
        if matches!(self.form, Form::Unknown) {
            self.form = self.recognise(batch);
        }
        let filled = match self.form {
            Form::Lines | Form::Unknown => self.next_lines(batch, screen),
            Form::Text(_) => self.next_text(batch, screen),
        };
        if filled {
            self.later = unpack(batch, self.bytes.allowance());
            return Ok(true);
        }
        self.failed.take().map_or(Ok(false), Err)
    }

    /// Whether what was read should be examined without waiting for more.
    pub fn is_live(&self) -> bool {
        self.bytes.is_live()
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

    fn next_lines(&mut self, batch: &mut Batch, screen: &mut Screen<'_>) -> bool {
        let start = batch.last().start;
        batch.bytes.append(&mut self.rest);
        let mut searched = start;
        let end = loop {
            let end = memrchr(b'\n', &batch.bytes[searched..]).map(|at| searched + at + 1);
            // Only the first line can be so long: before another, the batch would have been full.
            let length = batch.bytes.len() - start;
            if length > LONG_LINE && first_line(&batch.bytes[start..]) > LONG_LINE {
                self.rest = batch.bytes.split_off(start);
                self.form = Form::text(Until::Line);
                return self.next_text(batch, screen);
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
        let (lines, open) = whole_lines(&batch.bytes[start..]);
        self.line += lines;
        let end = match open {
            None => end,
            Some(open) => {
                // A document begins here that goes on in the next lines.
                let mut rest = batch.bytes.split_off(start + open);
                rest.append(&mut self.rest);
                self.rest = rest;
                self.form = Form::text(Until::Document);
                if open == 0 {
                    return self.next_text(batch, screen);
                }
                start + open
            }
        };
        if end > start && batch.bytes[end - 1] != b'\n' {
            batch.bytes.push(b'\n');
        }
        end > start
    }

    fn next_text(&mut self, batch: &mut Batch, screen: &mut Screen<'_>) -> bool {
        batch.restart(Lines::Each(Vec::new()));
        loop {
            let Form::Text(text) = &mut self.form else {
                batch.restart(Lines::From(self.line));
                return self.next_lines(batch, screen);
            };
            let until = text.until;
            let Some(splitter) = &mut text.splitter else {
                if until != Until::Document
                    && let Some(whole) = self.whole(until == Until::Line, screen)
                {
                    self.line += whole.lines;
                    let part = batch.last();
                    part.rejected = whole.events;
                    part.rejected_bytes = whole.length as u64;
                    self.rest.drain(..whole.length);
                    self.form = Form::Lines;
                    return true;
                }
                let splitter = Splitter::new(self.line, LISTS).with(Broken::MayHoldRecords);
                let splitter = Some(Box::new(splitter));
                self.form = Form::Text(Text { until, splitter, read: 0 });
                continue;
            };
            let left = &self.rest[text.read..];
            let end = match until {
                Until::Line => memchr(b'\n', left),
                Until::Document => memchr(b'\n', left).map(|end| end + 1),
                Until::End => None,
            };
            let length = end.unwrap_or(left.len());
            let read = splitter.feed(&left[..length], batch, BATCH);
            text.read += read;
            if self.bytes.is_live() {
                splitter.settle();
            }
            if batch.is_full() && !splitter.in_event() {
                return true;
            }
            if read < length {
                continue;
            }
            if until == Until::Document && end.is_some() && !splitter.is_between_documents() {
                continue;
            }
            if end.is_none() && self.more {
                // What is there of a stream that is still being written should not wait.
                if self.bytes.is_live() && !splitter.in_event() && batch.events() > 0 {
                    return true;
                }
                self.rest.clear();
                // All of a document may have been there.
                self.rest.shrink_to(2 * PIECE);
                text.read = 0;
                self.fill_rest(PIECE);
                continue;
            }
            if !splitter.finish(batch, BATCH) {
                return true;
            }
            let splitter_line = splitter.line();
            self.rest.drain(..text.read);
            text.read = 0;
            if until == Until::Document {
                self.line = splitter_line;
            }
            if until != Until::End {
                self.form = Form::Lines;
            }
            if batch.events() > 0 || !batch.last().unreadable.is_empty() {
                return true;
            }
            if until == Until::End {
                return false;
            }
        }
    }

    /// Reads all of a text, and rejects it if no rule can match anything in it.
    fn whole(&mut self, one_line: bool, screen: &mut Screen<'_>) -> Option<Document> {
        let mut searched = 0;
        let end = loop {
            let end = memchr(b'\n', &self.rest[searched..]).filter(|_| one_line);
            if end.is_some() || !self.more {
                break end.map_or(self.rest.len(), |end| searched + end);
            }
            if self.bytes.is_live() || self.rest.len() > MAX_DOCUMENT {
                return None;
            }
            searched = self.rest.len();
            self.fill_rest(PIECE.max(self.rest.len()).min(MAX_DOCUMENT + 1 - self.rest.len()));
        };
        Document::reject(&self.rest[..end], screen)
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
