//! Documents into events.
//!
//! A stream of JSON documents, each over as many lines as it likes, becomes one event a line. The
//! elements of an array at the top, and of `Records` and `Events`, are events; any other document
//! is one, and so is a record that has such a list besides. Memory is bounded by the longest event,
//! however long the documents.
//!
//! A line that begins with something else than JSON, as those of syslog do, is passed on as it is if there may
//! be JSON in it.
//!
//! A document that breaks off does not take the next one with it. Reading goes on at the next line
//! that starts with a brace or bracket and is indented no further than the broken event; that line
//! may be inside what had been taken for the event.

use memchr::{memchr, memchr3};

use super::cursor::Cursor;
use super::grammar::{Frame, Grammar, Step};
use super::pending::{PendingDocument, PendingEvent};
use super::{Batch, MOST_UNREADABLE};

/// The keys of a document whose elements are events.
pub(super) const LISTS: &[&[u8]] = &[b"Records", b"Events"];

/// The same, where no element may hide another: `logEvents` of CloudWatch Logs, too.
pub(super) const INNER_LISTS: &[&[u8]] = &[b"Records", b"Events", b"logEvents"];

const LONGEST_KEY: usize = 16;

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

/// What is done about lines that are broken JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// They are reported, and left out.
    Reported,
    /// They are passed on as they are if they may hold a record: the guest reads what can be read around the
    /// damage, and says what cannot.
    MayHoldRecords,
    /// They are passed on as they are, every byte of them.
    #[cfg(feature = "serve")]
    PassedOn,
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

/// The thing that a value starts.
enum Starts {
    Event,
    /// A list of events.
    List,
    Other,
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
        self.event.is_some() || self.aside.is_some()
    }

    /// Makes events of the elements of a list without waiting for the end of the document.
    pub(super) fn settle(&mut self) {
        self.aside = None;
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
                self.aside = None;
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

    fn step(&mut self, input: &[u8], batch: &mut Batch, target: usize) -> (usize, Stop) {
        let mut at = 0;
        // From where on the event is not in the batch yet.
        let mut copied = 0;
        while at < input.len() {
            if self.raw {
                let rest = &input[at..];
                let length = memchr(b'\n', rest).unwrap_or(rest.len());
                self.copy(&input[copied.min(at)..at + length], batch);
                (at, copied) = (at + length, at + length);
                self.cursor.blank = false;
                if length < rest.len() {
                    self.end_line(batch);
                    if is_full(batch, target) {
                        return (at, Stop::Full);
                    }
                }
                continue;
            }
            if self.skipping.is_some() {
                at = self.skip(input, at, batch);
                copied = at;
                continue;
            }
            if let Some(key) = self.grammar.in_string() {
                let rest = &input[at..];
                let plain = memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
                if key {
                    let room = LONGEST_KEY.saturating_sub(self.key.len());
                    // The backslash of an escape, so that the key reads as none that is looked for.
                    let end = plain + usize::from(rest.get(plain) == Some(&b'\\'));
                    self.key.extend_from_slice(&rest[..end.min(room)]);
                }
                at += plain;
                if at == input.len() {
                    break;
                }
            }
            let byte = input[at];
            let (depth, top) = (self.grammar.depth(), self.grammar.top());
            if depth == 0 && self.event.is_none() && self.is_between(byte) {
                self.cursor.pass(byte);
                at += 1;
                continue;
            }
            let is_blank = byte.is_ascii_whitespace();
            if depth == 0
                && self.event.is_none()
                && !is_blank
                && !matches!(byte, b'{' | b'[' | b'"')
            {
                if let Some(reason) = self.other_encoding(&input[at..]) {
                    return (at, Stop::Broken(self.broken(reason, batch)));
                }
                self.raw = true;
                self.event = Some(PendingEvent::new(self.cursor, depth, batch));
                copied = at;
                continue;
            }
            match self.grammar.step(byte) {
                Ok(Step::Inside) => {
                    // A key starts: forget the one before.
                    if byte == b'"' && self.grammar.in_string() == Some(true) {
                        self.key.clear();
                    }
                }
                Ok(Step::Starts) => match self.starts(byte, depth, top) {
                    Starts::Event => {
                        self.event = Some(PendingEvent::new(self.cursor, depth, batch));
                        copied = at;
                    }
                    Starts::List => {
                        self.grammar.make_list();
                        self.copy(&input[copied.min(at)..at], batch);
                        if let Some(document) = self.event.take() {
                            self.aside = Some(document.set_aside(at, batch));
                        }
                    }
                    Starts::Other => {}
                },
                Ok(step @ (Step::Ends | Step::EndedBefore)) => {
                    let end = if step == Step::Ends { at + 1 } else { at };
                    let depth = self.grammar.depth();
                    if self.event.as_ref().is_some_and(|event| event.depth == depth) {
                        self.copy(&input[copied..end], batch);
                        if let Some(event) = self.event.take() {
                            event.complete(batch);
                        }
                        self.prose = false;
                        if step == Step::Ends {
                            self.cursor.pass(byte);
                        }
                        if is_full(batch, target) {
                            return (end, Stop::Full);
                        }
                        at = end;
                        continue;
                    }
                    if let Some(mut aside) = self.aside.take_if(|aside| aside.event.depth == depth)
                        && aside.push(&input[..end])
                    {
                        aside.complete(batch);
                    }
                    if step == Step::EndedBefore {
                        continue;
                    }
                    // Only between documents: the next one may be set aside, too.
                    if depth == 0 && is_full(batch, target) {
                        self.cursor.pass(byte);
                        return (end, Stop::Full);
                    }
                }
                Err(reason) => {
                    self.copy(&input[copied.min(at)..at], batch);
                    let reason = self.explain(reason);
                    if byte != b'\n' && self.may_be_passed_on() {
                        (self.grammar, self.aside) = (Grammar::new(), None);
                        (self.raw, self.damaged, copied) = (true, true, at);
                        self.raw_reason = Some(reason);
                        continue;
                    }
                    return (at, Stop::Broken(self.broken(&reason, batch)));
                }
            }
            self.cursor.pass(byte);
            at += 1;
        }
        self.copy(&input[copied.min(at)..at], batch);
        (at, Stop::End)
    }

    /// A value starts: what of?
    fn starts(&mut self, byte: u8, depth: usize, top: Option<Frame>) -> Starts {
        if depth == 0 {
            self.document_line = self.cursor.line;
        }
        let event = self.event.as_mut().or(self.aside.as_mut().map(|aside| &mut aside.event));
        let outer = event.filter(|event| top == Some(Frame::Object) && depth == event.depth + 1);
        if byte == b'"'
            && let Some(outer) = outer
        {
            outer.keys.note(&self.key);
            return Starts::Other;
        }
        let is_record = outer.is_some_and(|outer| outer.keys.are_complete());
        let named = top == Some(Frame::Object) && self.lists.contains(&&self.key[..]);
        let starts_list = byte == b'[' && named && !is_record;
        match &self.event {
            // A document's list: the document is no event, its elements are.
            Some(event) if starts_list && depth == event.depth + 1 => Starts::List,
            Some(_) => Starts::Other,
            // A list in a list is more of the same.
            None if starts_list || byte == b'[' && (depth == 0 || top == Some(Frame::List)) => {
                Starts::List
            }
            None if depth == 0 || top == Some(Frame::List) => Starts::Event,
            // What else is in a document with a list.
            None => Starts::Other,
        }
    }

    fn copy(&mut self, bytes: &[u8], batch: &mut Batch) {
        if let Some(event) = &mut self.event {
            event.push(bytes, batch);
        }
    }

    /// Whether the event, which is broken on the line that it began on, may be passed on with the rest of the
    /// line.
    fn may_be_passed_on(&self) -> bool {
        let on_its_line = |event: &PendingEvent| event.from.line == self.cursor.line;
        self.broken != Broken::Reported && self.event.as_ref().is_some_and(on_its_line)
    }

    fn is_passed_on(&self, event: &PendingEvent, batch: &Batch) -> bool {
        match self.broken {
            Broken::Reported => false,
            Broken::MayHoldRecords => event.has(b"eventName", batch),
            #[cfg(feature = "serve")]
            Broken::PassedOn => true,
        }
    }

    /// Whether every byte is passed on.
    fn is_lossless(&self) -> bool {
        !matches!(self.broken, Broken::Reported | Broken::MayHoldRecords)
    }

    /// Ends a line that is passed on as it stands. Prose that has no JSON in it is reported, once.
    fn end_line(&mut self, batch: &mut Batch) {
        self.raw = false;
        let reason = self.raw_reason.take();
        let Some(event) = self.event.take() else { return };
        let passed_on = match reason {
            Some(_) => self.is_passed_on(&event, batch),
            None => self.is_lossless() || event.has(b"{", batch),
        };
        if passed_on {
            self.prose = false;
            return event.complete(batch);
        }
        let from = event.from;
        event.take_back(batch, 0);
        match reason {
            Some(reason) => {
                batch.unreadable(from.line, reason);
                self.skipping = Some(from.indent);
            }
            None if std::mem::replace(&mut self.prose, true) => {}
            None => batch.unreadable(from.line, "not JSON"),
        }
    }

    /// Reports what is broken, and returns what of it is to be read again.
    fn broken(&mut self, reason: &str, batch: &mut Batch) -> Vec<u8> {
        self.grammar = Grammar::new();
        self.aside = None;
        self.damaged = true;
        let mut reason = reason.to_owned();
        let at = self.cursor.line;
        let Some(event) = self.event.take() else {
            self.skipping = Some(usize::MAX);
            batch.unreadable(at, reason);
            return Vec::new();
        };
        let from = event.from;
        if at != from.line {
            reason.push_str(&format!(" (line {at})"));
        }
        self.skipping = Some(from.indent);
        let again = if self.is_passed_on(&event, batch) {
            event.complete_first(batch, self.credit)
        } else {
            batch.unreadable(from.line, reason);
            event.take_back(batch, self.credit)
        };
        if !again.is_empty() {
            self.credit -= again.len();
            self.cursor = Cursor::at(from.line + 1);
        }
        again
    }

    /// Goes on to a line to go on at. Returns how far it got.
    fn skip(&mut self, input: &[u8], at: usize, batch: &mut Batch) -> usize {
        if self.is_lossless() && self.cursor.blank && !input[at].is_ascii_whitespace() {
            self.skipping = None;
            if !matches!(input[at], b'{' | b'[') {
                self.raw = true;
                self.event = Some(PendingEvent::new(self.cursor, 0, batch));
            }
            return at;
        }
        if !self.cursor.blank {
            let Some(end) = memchr(b'\n', &input[at..]) else {
                return input.len();
            };
            self.cursor.pass(b'\n');
            return at + end + 1;
        }
        let enough = self.skipping.is_some_and(|most| self.cursor.indent <= most);
        if matches!(input[at], b'{' | b'[') && enough {
            self.skipping = None;
            return at;
        }
        self.cursor.pass(input[at]);
        at + 1
    }

    /// Bytes between documents that mean nothing: byte order marks, record separators, commas, and the zeros
    /// of a file that was preallocated.
    fn is_between(&self, byte: u8) -> bool {
        matches!(byte, 0xef | 0xbb | 0xbf | 0x1e | 0 | b',')
            || (self.damaged && matches!(byte, b',' | b']' | b'}'))
    }

    /// The encoding of a file that is no UTF-8, by its mark.
    fn other_encoding(&self, rest: &[u8]) -> Option<&'static str> {
        let marked = matches!(rest, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        (self.cursor.line == 1 && marked).then_some("UTF-16: convert it to UTF-8")
    }

    fn explain(&self, reason: &str) -> String {
        if self.event.is_some() || self.grammar.depth() > 0 {
            return format!("broken JSON: {reason}");
        }
        reason.into()
    }
}

#[cfg(test)]
#[path = "splitter_tests.rs"]
mod tests;
