//! From one byte to the next: where events and lists of them begin and end.

use memchr::{memchr, memchr3};
use orgwatch::json::is_separator;

use super::super::grammar::{Frame, Grammar, Step};
use super::super::pending::PendingEvent;
use super::super::{BYTE_ORDER_MARK, Batch};
use super::{Splitter, Stop, is_full};

/// How much of a key is kept, to be compared.
const LONGEST_KEY: usize = 16;

/// The thing that a value starts.
enum Starts {
    Event,
    /// A list of events.
    List,
    Other,
}

impl Splitter {
    pub(super) fn step(&mut self, input: &[u8], batch: &mut Batch, target: usize) -> (usize, Stop) {
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
                        } else if self.aside.as_ref().is_none_or(|aside| aside.is_list) {
                            let list = PendingEvent::new(self.cursor, depth, batch);
                            self.aside = Some(list.set_aside_as_list(at, batch));
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
                            self.aside.take_if(|aside| !aside.admits(&event, batch));
                            let before = (batch.events(), event.start());
                            self.may_be_header &= self.scalar.is_none();
                            let is_scalar = step == Step::EndedBefore && self.is_behind_bracket();
                            self.scalar = (is_scalar && self.may_be_header).then_some(before);
                            let is_json = step == Step::Ends || event.is_json(batch);
                            event.complete(batch);
                            if !is_json && self.may_be_header && self.is_behind_bracket() {
                                let reason = self.explain("expected a value");
                                self.go_on_behind_bracket(reason, batch);
                                (at, copied) = (end, end);
                                continue;
                            }
                        }
                        self.prose = false;
                        if step == Step::Ends {
                            self.cursor.pass(byte);
                        }
                        if self.scalar.is_none() && is_full(batch, target) {
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
                    if depth == 0 {
                        self.scalar = None;
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
                    if byte != b'\n' && self.is_behind_bracket() {
                        self.go_on_behind_bracket(reason, batch);
                        copied = at;
                        continue;
                    }
                    return (at, Stop::Broken(self.broken(&reason, batch)));
                }
            }
            if byte == b'\n' {
                self.scalar = None;
            }
            self.cursor.pass(byte);
            at += 1;
        }
        self.copy(&input[copied.min(at)..at], batch);
        (at, Stop::End)
    }

    /// A value starts: what of?
    fn starts(&mut self, byte: u8, depth: usize, top: Option<Frame>) -> Starts {
        self.may_be_header &= !matches!(byte, b'{' | b'"');
        if depth == 0 {
            self.document_line = self.cursor.line;
            (self.may_be_header, self.scalar) = (byte == b'[', None);
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

    /// Whether a byte between documents means nothing.
    fn is_between(&self, byte: u8) -> bool {
        is_separator(byte)
            || BYTE_ORDER_MARK.contains(&byte)
            || (self.damaged && matches!(byte, b']' | b'}'))
    }
}
