//! Where JSON may begin in a text.

use memchr::{memchr3_iter, memmem};

use crate::json::is_separator;

/// The keys whose values name an event, in CloudTrail's records and in other forms of them.
const NAMING_KEYS: &[&str] =
    &["eventName", "eventname", "EVENTNAME", "EventName", "action", "operation", "VarCharValue"];

/// How often a part of a text may be read again, behind something that looked like JSON.
pub(super) const READ_AGAIN: usize = 4;

/// How much of a text is looked at to tell that it is JSON: braces, and the escapes of texts in one another.
const MAX_START: usize = 64;

/// Whether bytes are worth reading: they have an object or a list, and a key that names an event. Escaped
/// letters may hide the key.
pub fn may_hold_record(bytes: &[u8]) -> bool {
    memchr::memchr2(b'{', b'[', bytes).is_some()
        && (memmem::find(bytes, b"\\u00").is_some()
            || NAMING_KEYS.iter().any(|key| memmem::find(bytes, key.as_bytes()).is_some()))
}

/// The places where values begin in a text that should hold JSON: at its start, behind a value, and,
/// where something else stands there, at the next brace or bracket that looks like JSON.
#[derive(Debug)]
pub(super) struct Starts<'a> {
    text: &'a str,
    at: usize,
    /// Only what looks like JSON is a start: prose stands here, or something broken.
    doubtful: bool,
    /// The last place where a value began.
    start: usize,
    /// How many bytes may still be read again, so that no text takes more than a multiple of its length.
    credit: usize,
}

impl<'a> Starts<'a> {
    pub(super) fn new(text: &'a str) -> Starts<'a> {
        Starts {
            text,
            at: 0,
            start: 0,
            doubtful: false,
            credit: text.len().saturating_mul(READ_AGAIN),
        }
    }

    /// Whether the text begins with JSON, and not with a header in front of it.
    pub(super) fn is_framed(&self) -> bool {
        let rest = self.text.trim_start_matches(is_between);
        rest.starts_with(['{', '[', '"'])
    }

    /// The next place, if there is one.
    pub(super) fn next(&mut self) -> Option<usize> {
        let rest = self.text.get(self.at..)?;
        let blank = rest.find(|character| !is_between(character)).unwrap_or(rest.len());
        let here = self.at.saturating_add(blank);
        let rest = self.text.get(here..)?;
        if rest.starts_with(['{', '[']) && !self.doubtful || rest.starts_with('"') && here == blank
        {
            self.start = here;
            return Some(here);
        }
        self.doubtful = true;
        let bytes = rest.as_bytes();
        let found = memchr3_iter(b'{', b'[', b'"', bytes).find(|at| match bytes.get(*at) {
            Some(b'"') => self.looks_like_text(here.saturating_add(*at)),
            _ => looks_like_json(rest, *at),
        })?;
        self.start = here.saturating_add(found);
        Some(self.start)
    }

    /// A value was read up to here. A quote in prose may as well end a text as begin one: if nothing was found
    /// behind it, what it is read as does not hide what follows.
    pub(super) fn read_to(&mut self, end: usize, found: bool, of_all: &mut usize) {
        let is_text = self.text.as_bytes().get(self.start) == Some(&b'"');
        if is_text && self.doubtful && !found {
            return self.broken(self.start, end, false, of_all);
        }
        self.at = end;
        self.doubtful = false;
    }

    /// Whether a text that holds JSON, or another such text, begins at this quote: escapes are behind it, and then
    /// a brace or a bracket, or the other way around. No quote that is escaped begins one, so that each is read once.
    fn looks_like_text(&self, quote: usize) -> bool {
        let bytes = self.text.as_bytes();
        let (before, after) = bytes.split_at_checked(quote).unwrap_or_default();
        let opens = |byte: &u8| matches!(byte, b'{' | b'[');
        let escapes = |byte: &u8| matches!(byte, b'\\' | b'"' | b'n' | b'r' | b't' | b' ');
        let start = after.get(1..).unwrap_or_default().trim_ascii_start().iter().take(MAX_START);
        let start = start.take_while(|byte| opens(byte) || escapes(byte));
        !before.ends_with(b"\\")
            && start.clone().next().is_some_and(|byte| opens(byte) || *byte == b'\\')
            && start.clone().any(opens)
            && start.clone().any(|byte| *byte == b'\\')
    }

    /// What began here is broken there. Reading goes on behind the start, or, where something was found in
    /// what is broken, behind the place that is.
    ///
    /// Texts in one another are read again with what they stand in, so that all have one credit, too.
    pub(super) fn broken(&mut self, start: usize, offset: usize, found: bool, of_all: &mut usize) {
        let length = offset.saturating_sub(start);
        self.doubtful = true;
        self.at = start.saturating_add(1);
        match (self.credit.checked_sub(length), of_all.checked_sub(length)) {
            (Some(credit), Some(left)) if !found => (self.credit, *of_all) = (credit, left),
            _ => self.at = self.at.max(offset),
        }
        while !self.text.is_char_boundary(self.at) {
            self.at = self.at.saturating_add(1);
        }
    }
}

/// Whether a character may stand between values and means nothing.
fn is_between(character: char) -> bool {
    let is_separator = || u8::try_from(character).is_ok_and(is_separator);
    character.is_ascii_whitespace() || character == '\u{feff}' || is_separator()
}

/// Whether an object with a key, or a list of objects, begins here.
fn looks_like_json(text: &str, at: usize) -> bool {
    let Some(rest) = text.get(at..) else { return false };
    let mut rest = rest.chars().filter(|character| !character.is_ascii_whitespace());
    matches!((rest.next(), rest.next()), (Some('{'), Some('"')) | (Some('['), Some('{')))
}
