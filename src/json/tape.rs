//! A document as a flat list of nodes, which simdjson calls its tape.
//!
//! The parser keeps its own stack of open containers, so that nesting costs heap and never call
//! depth: an interpreter with a stack of a few kilobytes reads what a browser reads. A tape is
//! reused from one event to the next.

use std::fmt;

use super::bytes::quote_or_backslash;
use super::number::is_number;

/// The bound on arrays and objects in one another. Real records stay below 20.
pub const MAX_DEPTH: usize = 1000;

/// Why a text is not JSON, and where (a byte offset).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// The problem.
    pub reason: &'static str,
    /// The byte at which it was found.
    pub offset: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.reason, self.offset)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
    /// Text without a backslash: the source's own bytes.
    Plain,
    /// Text with escapes.
    Escaped,
    Number,
    True,
    False,
    Null,
}

/// A value, or an object's key (which stands before its value).
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) shape: Shape,
    /// The source bytes; for text, those between the quotes.
    pub(super) start: u32,
    pub(super) end: u32,
    /// The node after this one and all that it contains.
    pub(super) next: u32,
}

/// The nodes of one document.
#[derive(Debug, Default)]
pub struct Tape {
    pub(super) nodes: Vec<Node>,
    open: Vec<u32>,
}

/// The part of the grammar that the parser expects next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    /// A value, or the end of an array just opened.
    ValueOrEnd,
    /// A key, or the end of an object just opened.
    KeyOrEnd,
    Key,
    /// A comma, or the end of the container, behind a value.
    After,
}

impl Tape {
    /// Reads one document, replacing what the tape held. Everything in `text` must belong to it.
    ///
    /// Accepts what RFC 8259 accepts, and two things that logs contain in spite of it: control
    /// characters inside text, and lone surrogates in `\u` escapes.
    pub fn parse(&mut self, text: &str) -> Result<(), Malformed> {
        let end = skip_space(text.as_bytes(), self.parse_value(text, 0)?);
        if end < text.len() {
            return Err(Malformed { reason: "more than one value", offset: end });
        }
        Ok(())
    }

    /// Reads the value that begins here, replacing what the tape held, and says where it ends; more may
    /// follow. Of one that is broken the tape has what comes before that, in containers that say that they
    /// [are broken](Value::is_broken).
    pub fn parse_value(&mut self, text: &str, start: usize) -> Result<usize, Malformed> {
        self.nodes.clear();
        self.open.clear();
        if u32::try_from(text.len()).is_err() {
            return Err(Malformed { reason: "larger than 4 GiB", offset: 0 });
        }
        let read = self.read(text.as_bytes(), start);
        if let Err(malformed) = &read {
            self.end_broken(malformed.offset.min(text.len()));
        }
        read
    }

    /// Whether it has no value at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Ends the containers that are open where a document is broken. They stay on the list of open ones.
    fn end_broken(&mut self, end: usize) {
        // A key without its value goes.
        if let Some(&container) = self.open.last()
            && self.nodes.get(container as usize).is_some_and(|node| node.shape == Shape::Object)
        {
            let mut index = container.saturating_add(1);
            let mut is_key = true;
            let mut last = index;
            while let Some(node) = self.nodes.get(index as usize) {
                (last, index, is_key) = (index, node.next, !is_key);
            }
            if !is_key {
                self.nodes.truncate(last as usize);
            }
        }
        let after = self.nodes.len() as u32;
        for index in &self.open {
            if let Some(node) = self.nodes.get_mut(*index as usize) {
                (node.end, node.next) = (end as u32, after);
            }
        }
    }

    /// Whether the container at this index is broken.
    pub(super) fn is_broken(&self, index: u32) -> bool {
        self.open.binary_search(&index).is_ok()
    }

    #[expect(clippy::arithmetic_side_effects, reason = "offsets into a text of less than 4 GiB")]
    fn read(&mut self, bytes: &[u8], start: usize) -> Result<usize, Malformed> {
        let mut at = start;
        let mut expect = Expect::Value;
        loop {
            if expect == Expect::After && self.open.is_empty() {
                return Ok(at);
            }
            at = skip_space(bytes, at);
            let fail = |reason| Err(Malformed { reason, offset: at });
            let Some(&byte) = bytes.get(at) else {
                return fail("ends too early");
            };
            if expect == Expect::After {
                let Some(&container) = self.open.last() else { return Ok(at) };
                let container = self.nodes.get(container as usize);
                let object = container.is_some_and(|node| node.shape == Shape::Object);
                match (byte, object) {
                    (b',', true) => (at, expect) = (at + 1, Expect::Key),
                    (b',', false) => (at, expect) = (at + 1, Expect::Value),
                    (b'}', true) | (b']', false) => {
                        at += 1;
                        self.close(at);
                    }
                    _ => return fail("expected a comma or an end"),
                }
                continue;
            }
            match byte {
                b'"' => {
                    at = self.string(bytes, at)?;
                    if matches!(expect, Expect::Key | Expect::KeyOrEnd) {
                        at = skip_space(bytes, at);
                        if bytes.get(at) != Some(&b':') {
                            return Err(Malformed { reason: "expected a colon", offset: at });
                        }
                        at += 1;
                        expect = Expect::Value;
                    } else {
                        expect = Expect::After;
                    }
                }
                b'}' if expect == Expect::KeyOrEnd => {
                    at += 1;
                    self.close(at);
                    expect = Expect::After;
                }
                b']' if expect == Expect::ValueOrEnd => {
                    at += 1;
                    self.close(at);
                    expect = Expect::After;
                }
                _ if matches!(expect, Expect::Key | Expect::KeyOrEnd) => {
                    return fail("expected a key");
                }
                b'{' | b'[' => {
                    if self.open.len() == MAX_DEPTH {
                        return fail("nested deeper than 1000");
                    }
                    self.open.push(self.nodes.len() as u32);
                    let (shape, next) = match byte {
                        b'{' => (Shape::Object, Expect::KeyOrEnd),
                        _ => (Shape::Array, Expect::ValueOrEnd),
                    };
                    self.push(shape, at, at);
                    at += 1;
                    expect = next;
                }
                _ => {
                    at = self.scalar(bytes, at)?;
                    expect = Expect::After;
                }
            }
        }
    }

    fn push(&mut self, shape: Shape, start: usize, end: usize) {
        let next = (self.nodes.len() as u32).saturating_add(1);
        self.nodes.push(Node { shape, start: start as u32, end: end as u32, next });
    }

    fn close(&mut self, end: usize) {
        let after = self.nodes.len() as u32;
        if let Some(node) = self.open.pop().and_then(|index| self.nodes.get_mut(index as usize)) {
            node.end = end as u32;
            node.next = after;
        }
    }

    /// Reads text from its opening quote; returns the offset after the closing one.
    #[expect(clippy::arithmetic_side_effects, reason = "offsets into a text of less than 4 GiB")]
    fn string(&mut self, bytes: &[u8], open: usize) -> Result<usize, Malformed> {
        let start = open + 1;
        let mut at = start;
        let mut shape = Shape::Plain;
        loop {
            at = quote_or_backslash(bytes, at);
            let Some(&byte) = bytes.get(at) else {
                return Err(Malformed { reason: "text without an end", offset: open });
            };
            if byte == b'"' {
                self.push(shape, start, at);
                return Ok(at + 1);
            }
            shape = Shape::Escaped;
            let wrong = Malformed { reason: "not an escape", offset: at };
            at += match bytes.get(at + 1) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                Some(b'u') => {
                    let digits = bytes.get(at + 2..at + 6).ok_or(wrong)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return Err(wrong);
                    }
                    6
                }
                _ => return Err(wrong),
            };
        }
    }

    fn scalar(&mut self, bytes: &[u8], start: usize) -> Result<usize, Malformed> {
        let rest = bytes.get(start..).unwrap_or_default();
        let ends = |b: &u8| is_space(*b) || matches!(b, b',' | b'}' | b']' | b':' | b'"');
        let scalar = rest.split(ends).next().unwrap_or_default();
        let end = start.saturating_add(scalar.len());
        let shape = match scalar {
            b"true" => Shape::True,
            b"false" => Shape::False,
            b"null" => Shape::Null,
            number if is_number(number) => Shape::Number,
            _ => {
                return Err(Malformed { reason: "expected a value", offset: start });
            }
        };
        self.push(shape, start, end);
        Ok(end)
    }
}

/// The next byte that is no white space; compact JSON has none.
#[inline(always)]
#[expect(clippy::arithmetic_side_effects, reason = "an offset into a text of less than 4 GiB")]
fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_space(*byte)) {
        at += 1;
    }
    at
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests;
