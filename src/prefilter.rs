//! The first look at bytes: almost every event is decided here, without parsing.
//!
//! A line is rejected when it has an `eventName` and none of its `eventName`s is one that a rule
//! names. The look is sound, not clever: nested `eventName`s, white space, JSON inside text and
//! escapes may let a line pass that no rule matches, never stop one that a rule would.

mod interpreter;
mod name_prefix;
mod rare_byte;

use hashbrown::HashTable;
use memchr::memmem;

use name_prefix::NamePrefixFilter;
use rare_byte::RareByteFinder;

/// The key that every CloudTrail record carries, and the place of its rarest byte.
const KEY: &[u8; 9] = b"eventName";
const RARE: usize = 5;

/// The prefilter's verdict on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing but white space.
    Blank,
    /// Not JSON: why.
    Unreadable(&'static str),
    /// `awslogs` data, which a host has to unpack.
    Packed,
    /// It has no `eventName`: not CloudTrail.
    Foreign,
    /// No rule names its events; their number.
    Rejected(u64),
    /// A rule may match.
    Candidate,
}

/// A line of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: u32,
    /// Its offset in the batch.
    pub offset: usize,
    /// Its bytes, without the line end.
    pub bytes: &'a [u8],
}

/// The event names that rules want.
#[derive(Debug)]
pub struct Prefilter {
    /// In lower case.
    names: HashTable<Box<[u8]>>,
    /// For each length up to the longest, the first letters of the names that are so long: a bit for
    /// each.
    initials: Vec<u32>,
    prefixes: NamePrefixFilter,
    /// A rule wants every event, so that nothing may be rejected.
    everything: bool,
}

impl Prefilter {
    /// For rules that want these event names each; one that wants none by name wants all.
    pub fn new<'a>(rules: impl Iterator<Item = &'a [String]>) -> Self {
        let mut wanted: Vec<&str> = Vec::new();
        let mut everything = false;
        for rule in rules {
            everything |= rule.is_empty();
            wanted.extend(rule.iter().map(String::as_str));
        }
        wanted.sort_unstable();
        wanted.dedup();
        let longest = wanted.iter().map(|name| name.len()).max().unwrap_or(0);
        let mut names = HashTable::with_capacity(wanted.len());
        let mut initials = vec![0; longest.saturating_add(1)];
        for name in wanted.iter().map(|name| name.as_bytes()) {
            if let Some(initials) = initials.get_mut(name.len()) {
                *initials |= initial(name);
            }
            names.insert_unique(hash(name), Box::<[u8]>::from(name), |name| hash(name));
        }
        Prefilter { names, initials, prefixes: NamePrefixFilter::new(&wanted), everything }
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
        let mut number: u32 = 0;
        while let Some(rest) = batch.get(offset..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let bytes = rest.get(..length).unwrap_or_default();
            let end = offset.saturating_add(length);
            number = number.saturating_add(1);
            let mut events: u64 = 0;
            let mut wanted = false;
            while let Some(key) = keys.next_if(|key| *key < end) {
                events = events.saturating_add(1);
                let value = batch.get(key.saturating_add(KEY.len())..end);
                wanted |= self.wants_value(value.unwrap_or_default());
            }
            let escaped = escapes.before(end);
            let verdict = frame(bytes, ascii)
                .unwrap_or_else(|| self.verdict(bytes, events, wanted || escaped));
            visit(Line { number, offset, bytes }, verdict);
            offset = end.saturating_add(1);
        }
    }

    /// Looks at one event, which may stand on several lines.
    pub fn document(&self, event: &[u8]) -> Verdict {
        frame(event, false).unwrap_or_else(|| {
            let mut events: u64 = 0;
            let mut wanted = EscapedLetters::new(event).before(event.len());
            for key in memmem::find_iter(event, KEY) {
                events = events.saturating_add(1);
                let value = event.get(key.saturating_add(KEY.len())..);
                wanted |= self.wants_value(value.unwrap_or_default());
            }
            self.verdict(event, events, wanted)
        })
    }

    /// The verdict on JSON with this number of `eventName`s.
    fn verdict(&self, json: &[u8], events: u64, wanted: bool) -> Verdict {
        match events {
            _ if wanted || (self.everything && events > 0) => Verdict::Candidate,
            0 if memmem::find(json, b"\"awslogs\"").is_some() => Verdict::Packed,
            0 => Verdict::Foreign,
            events => Verdict::Rejected(events),
        }
    }

    /// Whether the text behind an `eventName` may be the value that a rule wants.
    fn wants_value(&self, rest: &[u8]) -> bool {
        let value = || {
            let rest = space(quote(rest)?)?.strip_prefix(b":").ok_or(false)?;
            quote(space(rest)?)
        };
        value().map_or_else(|wanted| wanted, |value| self.wants_name(value))
    }

    /// Whether text beginning here, up to its quote, is a wanted name.
    fn wants_name(&self, value: &[u8]) -> bool {
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0x80..);
        let longest = self.initials.len();
        let end = value.iter().take(longest).position(ends);
        let Some((name, rest)) = end.and_then(|end| value.split_at_checked(end)) else {
            return false;
        };
        match rest.first() {
            Some(b'"') => self.contains(name),
            // The quote of JSON inside text ends the name; any other escape is part of it.
            Some(b'\\') => quote(rest).is_err() || self.contains(name),
            // Lower case is more than ASCII: the Kelvin sign is a k.
            _ => true,
        }
    }

    fn contains(&self, name: &[u8]) -> bool {
        // Most names are told from those wanted by their length and first letter.
        self.initials.get(name.len()).is_some_and(|initials| initials & initial(name) != 0)
            && self.names.find(hash(name), |known| known.eq_ignore_ascii_case(name)).is_some()
    }
}

/// FNV-1a of a name in lower case. Only names of rules are held, so that nobody can choose them for
/// their hashes.
fn hash(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The bit of a name's first letter; that of every letter, if it begins with something else.
fn initial(name: &[u8]) -> u32 {
    match name.first() {
        // Its lower bits are its number in the alphabet, in both cases.
        Some(letter) if letter.is_ascii_alphabetic() => 1_u32.wrapping_shl((*letter).into()),
        _ => u32::MAX,
    }
}

/// The rest of a text, or else whether to look closer: `Err(true)` where an escape may stand for anything.
type Rest<'a> = Result<&'a [u8], bool>;

/// Skips a quote, behind any number of backslashes.
fn quote(text: &[u8]) -> Rest<'_> {
    let (slashes, rest) = backslashes(text);
    rest.strip_prefix(b"\"").ok_or(slashes > 0)
}

/// Skips white space, be it as it is or as escapes in text.
fn space(mut text: &[u8]) -> Rest<'_> {
    loop {
        text = match text {
            [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] => rest,
            [b'\\', ..] => match backslashes(text).1 {
                [b'n' | b't' | b'r', rest @ ..] => rest,
                rest @ [b'"', ..] => return Ok(rest),
                _ => return Err(true),
            },
            _ => return Ok(text),
        }
    }
}

/// The number of backslashes that a text begins with, and the rest of it.
fn backslashes(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| **byte == b'\\').count();
    (count, text.get(count..).unwrap_or_default())
}

/// The cheap checks: a line that claims to be JSON begins and ends like it, and is UTF-8.
fn frame(line: &[u8], ascii: bool) -> Option<Verdict> {
    let (first, last) = match (line.first(), line.last()) {
        (Some(b'{'), Some(b'}')) => (b'{', b'}'),
        _ => match line.trim_ascii() {
            [] => return Some(Verdict::Blank),
            [only] => (*only, *only),
            [first, .., last] => (*first, *last),
        },
    };
    match (first, last) {
        (b'{', b'}') | (b'[', b']') => {}
        (b'{' | b'[', _) => return Some(Verdict::Unreadable("JSON that does not end")),
        _ => return Some(Verdict::Unreadable("not JSON")),
    }
    if !ascii && !is_ascii(line) && std::str::from_utf8(line).is_err() {
        return Some(Verdict::Unreadable("not UTF-8"));
    }
    None
}

/// `<[u8]>::is_ascii` stops at the first byte that is not, which takes a branch a word; nearly
/// everything is ASCII, so look at many words before asking. They are written out: the guest is
/// compiled for size, and a loop of its host's has to look at the clock each time around.
fn is_ascii(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<64>();
    let ascii = |block: &[u8; 64]| {
        let (words, _) = block.as_chunks::<8>();
        let &[a, b, c, d, e, f, g, h] = words else { return block.is_ascii() };
        let word = |bytes: [u8; 8]| u64::from_ne_bytes(bytes);
        let all = word(a) | word(b) | word(c) | word(d) | word(e) | word(f) | word(g) | word(h);
        all & 0x8080_8080_8080_8080 == 0
    };
    blocks.iter().all(ascii) && rest.iter().all(u8::is_ascii)
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
        self.next = self
            .found
            .by_ref()
            .find(|at| matches!(self.batch.get(at.saturating_add(4)), Some(b'4'..=b'7')));
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
