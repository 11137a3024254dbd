//! Going on where a document is broken, and lines that are no JSON.

use memchr::memchr;

use super::super::Batch;
use super::super::cursor::Cursor;
use super::super::grammar::{Frame, Grammar};
use super::super::pending::PendingEvent;
use super::Splitter;

/// What is done about lines that are broken JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Broken {
    /// They are reported, and left out.
    Reported,
    /// They are passed on as they are if they may hold a record: the guest reads what can be read around the
    /// damage, and says what cannot.
    MayHoldRecords,
    /// They are passed on as they are, every byte of them.
    #[cfg(feature = "serve")]
    PassedOn,
}

impl Splitter {
    /// Whether the event, which is broken on the line that it began on, may be passed on with the rest of the
    /// line.
    pub(super) fn may_be_passed_on(&self) -> bool {
        let on_its_line = |event: &PendingEvent| event.from.line == self.cursor.line;
        self.broken != Broken::Reported && self.event.as_ref().is_some_and(on_its_line)
    }

    /// Whether a bracket on this very line, which looked like a list of events, is broken between its elements.
    pub(super) fn is_behind_bracket(&self) -> bool {
        self.broken == Broken::MayHoldRecords
            && self.event.is_none()
            && self.grammar.top() == Some(Frame::List)
            && self.document_line == self.cursor.line
    }

    /// Goes on with the rest of such a line as it stands. A number in front of it is a part of the header.
    pub(super) fn go_on_behind_bracket(&mut self, reason: String, batch: &mut Batch) {
        if let Some((events, byte)) = self.scalar.take() {
            batch.take_back(events, byte);
        }
        (self.grammar, self.aside) = (Grammar::new(), None);
        (self.raw, self.damaged, self.behind_bracket) = (true, true, true);
        self.raw_reason = Some(reason);
        // The next line may be indented as it likes.
        let from = Cursor { indent: usize::MAX, ..self.cursor };
        self.event = Some(PendingEvent::new(from, 0, batch));
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
    pub(super) fn end_line(&mut self, batch: &mut Batch) {
        self.raw = false;
        let behind_bracket = std::mem::take(&mut self.behind_bracket);
        let reason = self.raw_reason.take();
        let Some(event) = self.event.take() else { return };
        let passed_on = match reason {
            Some(_) if !behind_bracket => self.is_passed_on(&event, batch),
            _ => self.is_lossless() || event.has(b"{", batch),
        };
        if passed_on {
            self.prose = false;
            if let Some(reason) = reason.filter(|_| behind_bracket && !self.may_be_header) {
                batch.unreadable(event.from.line, reason);
            }
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
    pub(super) fn broken(&mut self, reason: &str, batch: &mut Batch) -> Vec<u8> {
        self.grammar = Grammar::new();
        (self.aside, self.scalar) = (None, None);
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
    pub(super) fn skip(&mut self, input: &[u8], at: usize, batch: &mut Batch) -> usize {
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

    /// The encoding of a file that is no UTF-8, by its mark.
    pub(super) fn other_encoding(&self, rest: &[u8]) -> Option<&'static str> {
        let marked = matches!(rest, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        (self.cursor.line == 1 && marked).then_some("UTF-16: convert it to UTF-8")
    }

    pub(super) fn explain(&self, reason: &str) -> String {
        if self.event.is_some() || self.grammar.depth() > 0 {
            return format!("broken JSON: {reason}");
        }
        reason.into()
    }
}
