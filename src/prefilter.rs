//! The first look at bytes: almost every event is decided here, without parsing.
//!
//! A line is rejected when it has an `eventName` and none of its `eventName`s is one that a rule
//! names. The look is sound, not clever: nested `eventName`s, white space, JSON inside text and
//! escapes may let a line pass that no rule matches, never stop one that a rule would.

mod forms;
mod frame;
mod interpreter;
mod rare_byte;

use memchr::memmem;

use crate::envelope::{Companion, Form};
use forms::FormKeys;
use frame::{Frame, frame, is_ascii};
use rare_byte::RareByteFinder;

/// The key that every CloudTrail record carries, and where its rarest byte stands.
const KEY: &[u8; 9] = b"eventName";
const RARE: usize = 5;

/// The prefilter's verdict on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing but white space.
    Blank,
    /// Not JSON: why.
    Unreadable(&'static str),
    /// Packed data, which a host has to unpack.
    Packed,
    /// So many things that are not CloudTrail, and the companion of its records that they are.
    Foreign(u64, Option<Companion>),
    /// No rule names its events; their number, and the form they are in if it is not CloudTrail's own.
    Rejected(u64, Option<Form>),
    /// A rule may match.
    Candidate,
}

/// Why a line is unreadable that begins with something else than JSON, as a line of syslog does.
const HEADER: &str = "not JSON";

/// What an `eventName` names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    /// An event that a rule wants, or something that may be one.
    Wanted,
    /// No call of a service: notifications of S3 have a colon in it.
    Notification,
    Other,
}

/// A line of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: u32,
    /// Where it begins in the batch.
    pub offset: usize,
    /// Its bytes, without the line end.
    pub bytes: &'a [u8],
}

/// The event names that rules want.
#[derive(Debug)]
pub struct Prefilter {
    /// In lower case, in the slot of their hash or the next free one after it.
    table: Vec<Option<Box<[u8]>>>,
    longest: usize,
    /// For each length, the first letters of the names that are so long: a bit for each, from `a`.
    initials: Vec<u32>,
    heads: interpreter::NamePrefixFilter,
    forms: FormKeys,
    /// A rule wants every event, so that nothing may be rejected.
    everything: bool,
}

impl Prefilter {
    /// For rules that want these event names each; one that wants none by name wants all.
    pub fn new<'a>(rules: impl Iterator<Item = &'a [String]>) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut everything = false;
        for wanted in rules {
            everything |= wanted.is_empty();
            names.extend(wanted.iter().map(String::as_str));
        }
        names.sort_unstable();
        names.dedup();
        let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
        let mut filter = Prefilter {
            table: vec![None; (names.len() * 4).next_power_of_two()],
            longest,
            initials: vec![0; longest + 1],
            heads: interpreter::NamePrefixFilter::new(&names),
            forms: FormKeys::new(),
            everything,
        };
        for name in names {
            filter.initials[name.len()] |= initial(name.as_bytes());
            let mut slot = filter.slot(name.as_bytes());
            while filter.table[slot].is_some() {
                slot = (slot + 1) & (filter.table.len() - 1);
            }
            filter.table[slot] = Some(name.as_bytes().into());
        }
        filter
    }

    /// Whether it rejects anything at all.
    pub fn is_off(&self) -> bool {
        self.everything
    }

    /// Looks at every line of a batch, in order.
    ///
    /// Three searches run over the whole batch side by side, for line ends, for the key and for
    /// escaped letters; each byte is seen by each once, whatever the length of lines.
    pub fn lines<'a>(&self, batch: &'a [u8], mut visit: impl FnMut(Line<'a>, Verdict)) {
        let ascii = is_ascii(batch);
        let mut keys = RareByteFinder::new(batch, KEY, RARE).peekable();
        let mut escapes = EscapedLetters::new(batch);
        let mut offset = 0;
        let mut number = 0;
        while offset < batch.len() {
            let end = memchr::memchr(b'\n', &batch[offset..]).map_or(batch.len(), |n| offset + n);
            let bytes = &batch[offset..end];
            number += 1;
            let mut names = Names::default();
            while let Some(key) = keys.next_if(|key| *key < end) {
                names.add(self.name_behind(&bytes[key - offset + KEY.len()..]));
            }
            names.wanted |= escapes.before(end);
            visit(Line { number, offset, bytes }, self.verdict(bytes, ascii, names));
            offset = end + 1;
        }
    }

    /// Looks at one event, which may stand on several lines.
    pub fn document(&self, event: &[u8]) -> Verdict {
        let mut names = Names::default();
        for key in memmem::find_iter(event, KEY) {
            names.add(self.name_behind(&event[key + KEY.len()..]));
        }
        names.wanted |= EscapedLetters::new(event).before(event.len());
        self.verdict(event, false, names)
    }

    /// The verdict on a line with these names in it.
    fn verdict(&self, line: &[u8], ascii: bool, names: Names) -> Verdict {
        let frame = frame(line, ascii);
        let broken = match frame {
            Frame::Blank => return Verdict::Blank,
            Frame::NotUtf8 => return Verdict::Unreadable("not UTF-8"),
            Frame::Whole => None,
            Frame::Endless => Some("JSON that does not end"),
            Frame::Other => Some(HEADER),
        };
        if names.wanted || self.everything && names.events > 0 {
            return Verdict::Candidate;
        }
        let form = if forms::is_plain(line) { None } else { self.other_form(line) };
        match (form, broken) {
            (Some(Verdict::Candidate), _) => Verdict::Candidate,
            _ if names.notifications > 0 && names.notifications == names.events => {
                Verdict::Foreign(names.events, Some(Companion::Notification))
            }
            // JSON behind a header.
            (_, None | Some(HEADER)) if names.events > 0 => Verdict::Rejected(names.events, None),
            (Some(rejected), None | Some(HEADER)) => rejected,
            (None, None) if forms::is_packed(line) => Verdict::Packed,
            (_, broken) => match (forms::companion(line), broken) {
                (None, Some(reason)) => Verdict::Unreadable(reason),
                (companion, _) => Verdict::Foreign(1, companion),
            },
        }
    }

    /// The verdict on a line that may have records in other forms than CloudTrail's own, if it has.
    fn other_form(&self, line: &[u8]) -> Option<Verdict> {
        let wants = |rest: &[u8]| self.name_behind(rest) == Name::Wanted;
        let named = self.forms.look(line, wants);
        if named.wanted || self.everything && named.events.is_some() {
            return Some(Verdict::Candidate);
        }
        named.events.map(|(form, events)| Verdict::Rejected(events, Some(form)))
    }

    /// What the value behind a key names; a list is looked into for its first.
    fn name_behind(&self, rest: &[u8]) -> Name {
        let value = || {
            let rest = space(quote(rest)?)?.strip_prefix(b":").ok_or(false)?;
            let rest = space(rest)?;
            quote(rest.strip_prefix(b"[").map_or(Ok(rest), space)?)
        };
        match value() {
            Ok(value) => self.name(value),
            Err(true) => Name::Wanted,
            Err(false) => Name::Other,
        }
    }

    /// What text beginning here names, up to its quote.
    fn name(&self, value: &[u8]) -> Name {
        let wanted = |is_wanted: bool| if is_wanted { Name::Wanted } else { Name::Other };
        let window = &value[..value.len().min(self.longest + 1)];
        for (length, byte) in window.iter().enumerate() {
            match byte {
                b'"' => return wanted(self.contains(&value[..length])),
                b':' => return Name::Notification,
                // The quote of JSON inside text ends the name; any other escape is part of it.
                b'\\' => {
                    let escaped = quote(&value[length..]).is_err();
                    return wanted(escaped || self.contains(&value[..length]));
                }
                // Lower case is more than ASCII: the Kelvin sign is a k.
                0x80.. => return Name::Wanted,
                _ => {}
            }
        }
        Name::Other
    }

    /// Whether a rule wants events of this name.
    pub fn wants(&self, name: &str) -> bool {
        self.everything || !name.is_ascii() || self.contains(name.as_bytes())
    }

    fn contains(&self, name: &[u8]) -> bool {
        if self.initials.get(name.len()).is_none_or(|initials| initials & initial(name) == 0) {
            return false;
        }
        let mut slot = self.slot(name);
        while let Some(known) = &self.table[slot] {
            if known.eq_ignore_ascii_case(name) {
                return true;
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
        false
    }

    /// FNV-1a of the name in lower case.
    fn slot(&self, name: &[u8]) -> usize {
        let hash = name.iter().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
        });
        (hash ^ (hash >> 15)) as usize & (self.table.len() - 1)
    }
}

/// The bit of a name's first letter; that of every letter, if it begins with something else.
fn initial(name: &[u8]) -> u32 {
    match name.first().map(u8::to_ascii_lowercase) {
        Some(letter @ b'a'..=b'z') => 1 << (letter - b'a'),
        _ => u32::MAX,
    }
}

/// What follows, or else whether to look closer: `Err(true)` where an escape may stand for anything.
type Rest<'a> = Result<&'a [u8], bool>;

/// Skips a quote, behind any number of backslashes.
fn quote(text: &[u8]) -> Rest<'_> {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    match text.get(slashes) {
        Some(b'"') => Ok(&text[slashes + 1..]),
        _ => Err(slashes > 0),
    }
}

/// Skips white space, be it as it is or as escapes in text.
fn space(mut text: &[u8]) -> Rest<'_> {
    loop {
        match text.first() {
            Some(b' ' | b'\t' | b'\r' | b'\n') => text = &text[1..],
            Some(b'\\') => {
                let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
                match text.get(slashes) {
                    Some(b'n' | b't' | b'r') => text = &text[slashes + 1..],
                    Some(b'"') => return Ok(text),
                    _ => return Err(true),
                }
            }
            _ => return Ok(text),
        }
    }
}

/// What the `eventName`s of a line name.
#[derive(Default)]
struct Names {
    events: u64,
    notifications: u64,
    wanted: bool,
}

impl Names {
    fn add(&mut self, name: Name) {
        self.events += 1;
        self.notifications += u64::from(name == Name::Notification);
        self.wanted |= name == Name::Wanted;
    }
}

/// Letters written as `\u0041`: a key or a name may hide behind them. Real records escape `=`, `&`
/// and `<` so, which are not letters.
struct EscapedLetters<'a> {
    batch: &'a [u8],
    found: RareByteFinder<'a, 4>,
    next: Option<usize>,
}

impl<'a> EscapedLetters<'a> {
    fn new(batch: &'a [u8]) -> Self {
        let mut letters =
            EscapedLetters { batch, found: RareByteFinder::new(batch, b"\\u00", 0), next: None };
        letters.advance();
        letters
    }

    fn advance(&mut self) {
        self.next =
            self.found.by_ref().find(|at| matches!(self.batch.get(at + 4), Some(b'4'..=b'7')));
    }

    /// Whether there is one before this offset that was not asked for yet.
    fn before(&mut self, end: usize) -> bool {
        let mut any = false;
        while self.next.is_some_and(|at| at < end) {
            any = true;
            self.advance();
        }
        any
    }
}
