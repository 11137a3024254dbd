//! The first look at bytes: almost every event is decided here, without parsing.
//!
//! A line is rejected when it has an `eventName`, none of its `eventName`s is one that a rule names, and none
//! of the texts stands in it that rules want which name no event. The look is sound, not clever: nested
//! `eventName`s, white space, JSON inside text and escapes may let a line pass that no rule matches, never
//! stop one that a rule would.

mod escapes;
mod forms;
mod frame;
mod interpreter;
mod lines;
mod mentions;
mod name_prefix;
mod names;
mod rare_byte;
mod texts;

use memchr::memmem;
use orgwatch_sigma::{Rule, Witness, rare_names};

use crate::envelope::{Companion, Form};
use crate::heartbeat;
use escapes::{EscapedLetters, quote, space};
use forms::FormKeys;
use frame::{Frame, frame};
use lines::{Found, Lines, Spelling};
use name_prefix::NamePrefixFilter;
use names::{Name, Names, WantedNames};
pub(crate) use texts::Texts;

/// The key that every CloudTrail record carries.
const KEY: &[u8; 9] = b"eventName";

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

/// A line of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Its number, from 1.
    pub number: u32,
    /// Its offset in the batch.
    pub offset: usize,
    /// Its bytes, without the line end.
    pub bytes: &'a [u8],
    /// The key of packed data may be in it.
    pub may_be_packed: bool,
}

/// The witnesses of rules.
#[derive(Debug)]
pub struct Prefilter {
    names: WantedNames,
    /// Those of the names that rules want only of records with one of some texts in them, and these texts.
    rare: Vec<(Box<[u8]>, Vec<memmem::Finder<'static>>)>,
    prefixes: NamePrefixFilter,
    forms: FormKeys,
    /// The texts that rules want which name no event.
    texts: Texts,
    /// A rule wants every event, so that nothing may be rejected.
    everything: bool,
    /// Silence is told, for which every event counts.
    hears: bool,
}

impl Prefilter {
    /// For these rules, each by its witness, and for events of these names beside.
    pub fn new<'a>(rules: impl Iterator<Item = &'a Rule> + Clone, names: &'a [&'a str]) -> Self {
        let mut wanted = names.to_vec();
        let (mut texts, mut everything) = (Vec::new(), false);
        for rule in rules.clone() {
            match rule.witness() {
                Witness::Names(names) => wanted.extend(names.iter().map(String::as_str)),
                Witness::Texts(of_rule) | Witness::Wide(of_rule) => texts.extend(of_rule),
                Witness::None => everything = true,
            }
        }
        texts.sort_unstable();
        texts.dedup();
        let filter = Self::of_names(wanted).with_rare(rare_names(rules));
        Prefilter { texts: Texts::new(texts.into_iter().map(String::as_str)), everything, ..filter }
    }

    /// For events of these names, in lower case.
    fn of_names(mut wanted: Vec<&str>) -> Self {
        wanted.sort_unstable();
        wanted.dedup();
        Prefilter {
            names: WantedNames::new(&wanted),
            rare: Vec::new(),
            prefixes: NamePrefixFilter::new(&wanted),
            forms: FormKeys::new(),
            texts: Texts::default(),
            everything: false,
            hears: false,
        }
    }

    /// The same, but of records with some of the names it wants only those with one of these texts in them.
    fn with_rare<'a>(self, rare: impl IntoIterator<Item = (&'a str, Vec<&'a str>)>) -> Self {
        let finders = |texts: Vec<&str>| {
            texts.into_iter().map(|text| memmem::Finder::new(text).into_owned()).collect()
        };
        let rare = rare.into_iter().map(|(name, texts)| (name.as_bytes().into(), finders(texts)));
        Prefilter { rare: rare.collect(), ..self }
    }

    /// The same, but nothing that is an event is rejected if silence is told.
    pub fn hearing(self, hears: bool) -> Self {
        Prefilter { hears, ..self }
    }

    /// Whether an event may be wanted that has a rare name: it has one of the texts that rules look for.
    fn has_rare(&self, event: &[u8]) -> bool {
        // A letter of theirs may be escaped.
        self.has_rare_text(event) || EscapedLetters::new(event).before(event.len())
    }

    /// The same for an event without escaped letters.
    fn has_rare_text(&self, event: &[u8]) -> bool {
        let has = |finder: &memmem::Finder<'_>| finder.find(event).is_some();
        self.rare.iter().any(|(_, finders)| finders.iter().any(has))
    }

    /// Looks at every line of a batch, in order.
    pub fn lines<'a>(&self, batch: &'a [u8], mut visit: impl FnMut(Line<'a>, Verdict)) {
        let mut lines = Lines::new(batch);
        let mut number: u32 = 0;
        while let Some(found) = lines.next() {
            let Found { start, end, keys, has_escaped_letter, may_be_packed, spelling } = found;
            number = number.saturating_add(1);
            let mut names = Names::default();
            for key in keys {
                let value = batch.get(key.saturating_add(KEY.len())..end);
                names.add(self.name_behind(value.unwrap_or_default()));
            }
            names.wanted |= has_escaped_letter;
            let bytes = batch.get(start..end).unwrap_or_default();
            let verdict = self.verdict(bytes, spelling, names);
            visit(Line { number, offset: start, bytes, may_be_packed }, verdict);
        }
    }

    /// Looks at one event, which may stand on several lines.
    pub fn document(&self, event: &[u8]) -> Verdict {
        let mut names = Names::default();
        for key in memmem::find_iter(event, KEY) {
            let value = event.get(key.saturating_add(KEY.len())..);
            names.add(self.name_behind(value.unwrap_or_default()));
        }
        names.wanted |= EscapedLetters::new(event).before(event.len());
        self.verdict(event, Spelling::default(), names)
    }

    /// The verdict on a line with these names in it.
    #[inline]
    fn verdict(&self, line: &[u8], spelling: Spelling, names: Names) -> Verdict {
        // Nearly every line.
        let is_whole = spelling.is_ascii && line.last() == Some(&b'}') && forms::is_plain(line);
        if is_whole && names.are_other() && !self.takes_any(line, spelling) {
            return Verdict::Rejected(names.events, None);
        }
        self.verdict_on_any(line, spelling, names)
    }

    fn verdict_on_any(&self, line: &[u8], spelling: Spelling, names: Names) -> Verdict {
        let frame = frame(line, spelling.is_ascii);
        let broken = match frame {
            Frame::Blank => return Verdict::Blank,
            Frame::NotUtf8 => return Verdict::Unreadable("not UTF-8"),
            Frame::Whole => None,
            Frame::Endless => Some("JSON that does not end"),
            Frame::Other => Some(HEADER),
        };
        // An escaped letter is as good as a wanted name.
        if names.wanted
            || names.rare && self.has_rare_text(line)
            || (names.events > 0 || names.aside) && self.takes_any(line, spelling)
        {
            return Verdict::Candidate;
        }
        if names.events == 0
            && (names.aside && self.mentions(line).is_some() || heartbeat::may_be(line))
        {
            return Verdict::Candidate;
        }
        let may_be_other = line.len() >= forms::SHORTEST && !forms::is_plain(line);
        let form = if may_be_other { self.other_form(line, spelling) } else { None };
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
    fn other_form(&self, line: &[u8], spelling: Spelling) -> Option<Verdict> {
        let wants = |rest: &[u8]| self.may_want(self.name_behind(rest), line);
        let named = self.forms.look(line, wants);
        if named.wanted || named.any && self.takes_any(line, spelling) {
            return Some(Verdict::Candidate);
        }
        named.events.map(|(form, events)| Verdict::Rejected(events, Some(form)))
    }

    /// Whether an event may be wanted whatever its name is.
    fn takes_any(&self, event: &[u8], spelling: Spelling) -> bool {
        self.everything || self.hears || self.texts.may_be_in(event, spelling)
    }

    /// Whether an event with such a name in it may be wanted.
    fn may_want(&self, name: Name, event: &[u8]) -> bool {
        name == Name::Wanted || name == Name::Rare && self.has_rare(event)
    }

    /// What the value behind a key names; a list is looked into for its first.
    fn name_behind(&self, rest: &[u8]) -> Name {
        // As nearly all are written.
        if let Some(value) = rest.strip_prefix(b"\":\"") {
            return self.name(value);
        }
        let value = || {
            let rest = space(quote(rest)?)?.strip_prefix(b":").ok_or(false)?;
            let rest = space(rest)?;
            match rest.strip_prefix(b"[") {
                Some(list) => Ok((quote(space(list)?)?, Name::NoKey)),
                None => Ok((quote(rest)?, Name::Other)),
            }
        };
        match value() {
            Ok((value, other)) => match self.name(value) {
                Name::Other => other,
                name => name,
            },
            Err(true) => Name::Wanted,
            Err(false) => Name::NoKey,
        }
    }

    /// What text beginning here names, up to its quote.
    #[inline]
    fn name(&self, value: &[u8]) -> Name {
        let wanted = |is_wanted: bool| if is_wanted { Name::Wanted } else { Name::Other };
        let known = |name: &[u8]| match self.names.contain(name) {
            true if self.is_rare(name) => Name::Rare,
            known => wanted(known),
        };
        let Some((name, rest)) = self.names.split(value) else { return Name::Other };
        match rest.first() {
            Some(b'"') => known(name),
            Some(b':') => Name::Notification,
            // The quote of JSON inside text ends the name; any other escape is part of it.
            Some(b'\\') if quote(rest).is_err() => Name::Wanted,
            Some(b'\\') => known(name),
            // Lower case is more than ASCII: the Kelvin sign is a k.
            _ => Name::Wanted,
        }
    }

    /// Whether a rule wants events of this name.
    pub fn wants(&self, name: &str) -> bool {
        self.everything || !name.is_ascii() || self.names.contain(name.as_bytes())
    }

    fn is_rare(&self, name: &[u8]) -> bool {
        self.rare.iter().any(|(rare, _)| rare.eq_ignore_ascii_case(name))
    }
}
