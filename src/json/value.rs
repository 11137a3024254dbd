//! Looking into a tape.

use std::borrow::Cow;
use std::ops::Range;

pub use orgwatch_sigma::ValueKind as Kind;

use super::tape::{Node, Shape, Tape};
use crate::text::same;

/// A value of a parsed document, borrowed from it.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    tape: &'a Tape,
    source: &'a str,
    index: u32,
}

/// The node of a value that a document does not have: of one that was never read.
const MISSING: &Node = &Node { shape: Shape::Null, start: 0, end: 0, next: u32::MAX };

impl<'a> Value<'a> {
    /// The whole document. `source` is the text that `tape` was parsed from.
    pub fn root(tape: &'a Tape, source: &'a str) -> Self {
        Value { tape, source, index: 0 }
    }

    /// The text of the whole document that it stands in.
    pub fn document(&self) -> &'a str {
        self.source
    }

    #[inline(always)]
    fn node(&self) -> &'a Node {
        self.tape.nodes.get(self.index as usize).unwrap_or(MISSING)
    }

    /// Whether it is a container that is broken, of which only what comes before that is here.
    pub fn is_broken(&self) -> bool {
        self.tape.is_broken(self.index)
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self.node().shape {
            Shape::Object => Kind::Object,
            Shape::Array => Kind::Array,
            Shape::Plain | Shape::Escaped => Kind::Text,
            Shape::Number => Kind::Number,
            Shape::True => Kind::Bool(true),
            Shape::False => Kind::Bool(false),
            Shape::Null => Kind::Null,
        }
    }

    /// Its bytes in the source; for text, those between the quotes, still escaped.
    #[inline(always)]
    fn bytes(&self) -> &'a str {
        let node = self.node();
        self.source.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// The JSON that it was read from.
    pub fn raw(&self) -> &'a str {
        self.source.get(self.span()).unwrap_or_default()
    }

    /// The place of that JSON in the document.
    pub(crate) fn span(&self) -> Range<usize> {
        let node = self.node();
        let (start, end) = (node.start as usize, node.end as usize);
        match node.shape {
            Shape::Plain | Shape::Escaped => start.saturating_sub(1)..end.saturating_add(1),
            _ => start..end,
        }
    }

    /// The text, if it is text.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self.node().shape {
            Shape::Plain => Some(Cow::Borrowed(self.bytes())),
            Shape::Escaped => Some(Cow::Owned(unescape(self.bytes()))),
            _ => None,
        }
    }

    /// Its place among the values of its document.
    pub(crate) fn position(&self) -> u32 {
        self.index
    }

    /// The entry of this object whose key has this position.
    pub(super) fn entry_at(&self, position: u32) -> (Value<'a>, Value<'a>) {
        (Value { index: position, ..*self }, Value { index: position.saturating_add(1), ..*self })
    }

    /// Whether it is this text.
    pub(super) fn reads(&self, text: &str) -> bool {
        match self.node().shape {
            Shape::Plain => same(self.bytes(), text),
            Shape::Escaped => reads_as(self.bytes(), text),
            _ => false,
        }
    }

    /// The text, if it is text without escapes.
    pub(super) fn plain(&self) -> Option<&'a str> {
        (self.node().shape == Shape::Plain).then(|| self.bytes())
    }

    /// Text, number or boolean as text.
    pub fn scalar(&self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::Text => self.text(),
            Kind::Number => {
                let raw = self.bytes();
                match raw.contains(['.', 'e', 'E']).then(|| raw.parse::<f64>()) {
                    // As every reader of JSON shows it: 1.0 and 1 are one number.
                    Some(Ok(number)) => Some(Cow::Owned(number.to_string())),
                    _ => Some(Cow::Borrowed(raw)),
                }
            }
            Kind::Bool(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
            Kind::Object | Kind::Array | Kind::Null => None,
        }
    }

    /// The value of a key of an object. Of several with the same key the last counts, as it does
    /// for most readers of JSON.
    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let object = self.node();
        if object.shape != Shape::Object {
            return None;
        }
        let mut found = None;
        let mut index = self.index.saturating_add(1);
        // A loop of its own: rules ask for fields by the hundred, and most keys differ in length.
        while index < object.next {
            let (name, value) = self.entry_at(index);
            let node = name.node();
            let is_it = match node.shape {
                Shape::Plain => {
                    node.end.wrapping_sub(node.start) as usize == key.len()
                        && same(name.bytes(), key)
                }
                _ => reads_as(name.bytes(), key),
            };
            if is_it {
                found = Some(value);
            }
            index = value.node().next;
        }
        found
    }

    /// Whether a test holds for any text in it, at any depth, keys aside.
    pub fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        // The containers that are open: their ends, and whether what comes next in one is a key.
        let mut open: Vec<(u32, Option<bool>)> = Vec::new();
        let mut index = self.index;
        loop {
            while open.last().is_some_and(|(end, _)| index >= *end) {
                open.pop();
            }
            let is_key = open.last_mut().and_then(|(_, key)| key.as_mut());
            let skip = is_key.is_some_and(|key| std::mem::replace(key, !*key));
            let value = Value { index, ..*self };
            let node = value.node();
            if !skip {
                match node.shape {
                    Shape::Object => open.push((node.next, Some(true))),
                    Shape::Array => open.push((node.next, None)),
                    _ if value.text().is_some_and(|text| test(&text)) => return true,
                    _ => {}
                }
            }
            index = index.saturating_add(1);
            if open.is_empty() || index as usize >= self.tape.nodes.len() {
                return false;
            }
        }
    }

    /// Keys and values of an object, in the order of the source; nothing for anything else.
    pub fn entries(&self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> + use<'a> {
        let this = *self;
        let mut children = this.children(Shape::Object);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The elements of an array; nothing for anything else.
    pub fn items(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        self.children(Shape::Array)
    }

    fn children(&self, of: Shape) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (this, node) = (*self, self.node());
        let end = if node.shape == of { node.next } else { 0 };
        let mut index = this.index.saturating_add(1);
        std::iter::from_fn(move || {
            if index >= end {
                return None;
            }
            let value = Value { index, ..this };
            index = value.node().next;
            Some(value)
        })
    }
}

/// Text as its escapes mean it. The parser has checked them; a lone surrogate, which no `String`
/// can hold, becomes U+FFFD.
fn unescape(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let (character, taken) = escaped(after);
        text.push(character);
        rest = after.get(taken..).unwrap_or("");
    }
    text.push_str(rest);
    text
}

/// Whether a source with escapes reads as this text. Keys are compared so for every field that a
/// rule asks for: neither a copy nor more of a long key than can be the text.
fn reads_as(source: &str, mut text: &str) -> bool {
    // An escape takes more bytes than what it stands for, at most six for one.
    if source.len() <= text.len() || source.len() > text.len().saturating_mul(6) {
        return false;
    }
    let mut rest = source;
    while let Some((before, after)) = rest.split_once('\\') {
        let (character, taken) = escaped(after);
        let Some(left) = text.strip_prefix(before).and_then(|text| text.strip_prefix(character))
        else {
            return false;
        };
        text = left;
        rest = after.get(taken..).unwrap_or("");
    }
    rest == text
}

/// The character of an escape, from behind its backslash on, and how many bytes it took.
fn escaped(escape: &str) -> (char, usize) {
    match escape.bytes().next().unwrap_or(b'\\') {
        b'n' => ('\n', 1),
        b't' => ('\t', 1),
        b'r' => ('\r', 1),
        b'b' => ('\u{8}', 1),
        b'f' => ('\u{c}', 1),
        b'u' => unicode(escape),
        other => (char::from(other), 1),
    }
}

/// The character of a `\u` escape, from its `u` on, and how many bytes it took.
fn unicode(escape: &str) -> (char, usize) {
    let unit = |digits: Option<&str>| u16::from_str_radix(digits?, 16).ok();
    let first = unit(escape.get(1..5)).unwrap_or(0xfffd);
    if let Some(character) = char::from_u32(first.into()) {
        return (character, 5);
    }
    let second = if escape.get(5..7) == Some("\\u") { unit(escape.get(7..11)) } else { None };
    match second.and_then(|second| char::decode_utf16([first, second]).next()) {
        Some(Ok(character)) => (character, 11),
        _ => ('\u{fffd}', 5),
    }
}
