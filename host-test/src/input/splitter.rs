//! Documents into events.
//!
//! A stream of JSON documents, each over as many lines as it likes, becomes one event a line. The
//! elements of an array at the top, and of `Records` and `Events`, are events; any other document
//! is one, and so is a record that has such a list besides. Memory is bounded by the longest event,
//! however long the documents.
//!
//! A line that begins with something else than JSON, as those of syslog do, is passed on as it is if there may
//! be JSON in it. So is the rest of a line behind a bracket that begins no list.
//!
//! A document that breaks off does not take the next one with it. Reading goes on at the next line
//! that starts with a brace or bracket and is indented no further than the broken event; that line
//! may be inside what had been taken for the event.

mod damage;
mod step;

use super::cursor::Cursor;
use super::grammar::Grammar;
use super::pending::{PendingDocument, PendingEvent};
use super::{Batch, MOST_UNREADABLE};
pub(super) use damage::Broken;

/// The keys of a document whose elements are events.
pub(super) const LISTS: &[&[u8]] = &[b"Records", b"Events"];

/// The same, where no element may hide another: `logEvents` of CloudWatch Logs, too.
pub(super) const INNER_LISTS: &[&[u8]] = &[b"Records", b"Events", b"logEvents"];

/// Splits one stream. Fed in pieces, it gives the same events as fed at once.
pub(super) struct Splitter {
    lists: &'static [&'static [u8]],
    grammar: Grammar,
    event: Option<PendingEvent>,
    /// The document that the elements of a list are in.
    aside: Option<PendingDocument>,
    /// The last key of a document, cut off beyond what it is compared with.
    key: Vec<u8>,
    cursor: Cursor,
    /// Set while looking for a line to go on at, to the deepest indentation that will do.
    skipping: Option<usize>,
    /// Whether the event is a line as it stands, up to its end.
    raw: bool,
    /// Why that line is broken JSON; none for one that begins with something else.
    raw_reason: Option<String>,
    /// Whether the document began with a bracket, and a number or a literal at most is behind it so far, as in the
    /// headers of many programs.
    may_be_header: bool,
    /// How many events and bytes of the batch are before that number.
    scalar: Option<(usize, usize)>,
    /// Whether the line that is passed on is the rest of one that is broken inside a list.
    behind_bracket: bool,
    broken: Broken,
    /// Whether the last line was prose, which is reported once.
    prose: bool,
    /// Whether something has broken: the closing brackets that follow belong to what is lost.
    damaged: bool,
    /// Where the document began, of which only lists of events are kept.
    document_line: u64,
    /// Input to read again, and the position to read it from.
    again: Vec<u8>,
    again_at: usize,
    /// How many bytes may be read again. Input made to break at its very end, over and over, would
    /// otherwise be read as often as it has lines.
    credit: usize,
}

/// Why reading stopped.
enum Stop {
    /// All of it was read.
    End,
    /// The batch is full.
    Full,
    /// An event is broken. Its lines but the first are to be read again.
    Broken(Vec<u8>),
}

/// Whether there is enough in a batch. What is unreadable takes no bytes of it, but it takes memory.
fn is_full(batch: &mut Batch, target: usize) -> bool {
    batch.bytes.len() >= target || batch.last().unreadable.len() >= MOST_UNREADABLE
}

impl Splitter {
    /// For a stream that starts on a line of a file.
    pub(super) fn new(line: u64, lists: &'static [&'static [u8]]) -> Self {
        Splitter {
            lists,
            grammar: Grammar::new(),
            event: None,
            aside: None,
            key: Vec::new(),
            cursor: Cursor::at(line),
            skipping: None,
            raw: false,
            raw_reason: None,
            may_be_header: false,
            behind_bracket: false,
            scalar: None,
            broken: Broken::Reported,
            prose: false,
            damaged: false,
            document_line: line,
            again: Vec::new(),
            again_at: 0,
            credit: 1 << 20,
        }
    }

    /// The same, with something else done about what is broken.
    pub(super) fn with(self, broken: Broken) -> Self {
        Splitter { broken, ..self }
    }

    /// The line of the file that comes next.
    pub(super) fn line(&self) -> u64 {
        self.cursor.line
    }

    /// Whether all that was read is events or reported, so that anything may follow.
    pub(super) fn is_between_documents(&self) -> bool {
        let Splitter { event, aside, skipping, again, grammar, .. } = self;
        event.is_none()
            && aside.is_none()
            && skipping.is_none()
            && again.is_empty()
            && grammar.depth() == 0
    }

    /// Whether an event is being read, the first part of which is at the end of the batch, or a
    /// document that may take the place of its elements there.
    pub(super) fn in_event(&self) -> bool {
        self.event.is_some() || self.aside.is_some() || self.scalar.is_some()
    }

    /// Makes events of the elements of a list without waiting for the end of the document.
    pub(super) fn settle(&mut self) {
        (self.aside, self.scalar) = (None, None);
    }

    /// Reads on, until the batch is full or all is read. Returns how much of `input` was.
    pub(super) fn feed(&mut self, input: &[u8], batch: &mut Batch, target: usize) -> usize {
        let mut read = 0;
        loop {
            if !self.read_again(batch, target) {
                return read;
            }
            let (length, stop) = self.run(&input[read..], batch, target);
            read += length;
            self.credit = self.credit.saturating_add(2 * length);
            match stop {
                Stop::End | Stop::Full => return read,
                Stop::Broken(again) => {
                    (self.again, self.again_at) = (again, 0);
                    if is_full(batch, target) {
                        return read;
                    }
                }
            }
        }
    }

    /// Tells the end of the stream. Returns whether everything is in the batch now: otherwise it is
    /// full, and this wants to be called again.
    pub(super) fn finish(&mut self, batch: &mut Batch, target: usize) -> bool {
        loop {
            if !self.read_again(batch, target) {
                return false;
            }
            if self.raw {
                self.end_line(batch);
            } else if self.may_be_passed_on() {
                (self.grammar, self.aside) = (Grammar::new(), None);
                (self.raw, self.raw_reason) = (true, Some("ends before it is complete".into()));
            } else if self.event.is_some() {
                self.again = self.broken("ends before it is complete", batch);
                self.again_at = 0;
            } else if self.grammar.depth() > 0 {
                batch.unreadable(self.document_line, "the document ends before it is complete");
                self.grammar = Grammar::new();
                (self.aside, self.scalar) = (None, None);
            } else {
                return true;
            }
        }
    }

    /// Reads again what has to be. False, if the batch is full before that is done.
    fn read_again(&mut self, batch: &mut Batch, target: usize) -> bool {
        while self.again_at < self.again.len() {
            let again = std::mem::take(&mut self.again);
            let (length, stop) = self.run(&again[self.again_at..], batch, target);
            self.again = again;
            self.again_at += length;
            match stop {
                Stop::End => {}
                Stop::Full => return false,
                Stop::Broken(tail) => {
                    // These bytes are the ones just read: the event did not start before them.
                    self.again_at -= tail.len();
                    if is_full(batch, target) {
                        return false;
                    }
                }
            }
        }
        self.again.clear();
        self.again_at = 0;
        true
    }

    fn run(&mut self, input: &[u8], batch: &mut Batch, target: usize) -> (usize, Stop) {
        let (length, stop) = self.step(input, batch, target);
        if self.aside.as_mut().is_some_and(|aside| !aside.push(&input[..length])) {
            self.aside = None;
        }
        (length, stop)
    }
}

#[cfg(test)]
#[path = "splitter_tests.rs"]
mod tests;
