//! The search for records in a value.

mod paths;
mod place;
mod shape;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::companion::Companion;
use super::reach::{Reach, is_known, is_list};
use super::starts::{READ_AGAIN, Starts, may_hold_record};
use super::{Content, PACKED, TapePool, Visit};
use crate::json::{Kind, Value};
use place::Steps;
use shape::{is_packed, name};

/// How many texts that are JSON may stand in one another; of real ones at most 4 do. Each is read once more.
const MAX_TEXTS: usize = 6;

/// How many events that something foreign names are told.
const MAX_NAMES: usize = 16;

/// How many texts of an object are compared for being the same one again.
const MAX_COMPARED: usize = 8;

/// Visits what a line holds.
pub(super) fn line(text: &str, reach: &Reach, tapes: &mut TapePool, visit: Visit<'_>) {
    Search::new(text, reach, visit).text(text, &Outer::TOP, tapes);
}

/// Visits what a value holds, which is parsed already.
pub(super) fn value(value: Value<'_>, reach: &Reach, tapes: &mut TapePool, visit: Visit<'_>) {
    Search::new(value.raw(), reach, visit).value(value, &Outer::TOP, tapes);
}

/// What a text stands in.
struct Outer {
    /// The keys that lead to it.
    keys: Vec<String>,
    /// How many texts it is in.
    texts: usize,
    /// Whether only keys of known envelopes, and such that the settings name, led here.
    known: bool,
    /// Whether it is one of many things in an event, so that it need not be anything by itself.
    inside: bool,
    /// The path of the settings that led here and goes on in it.
    rest: Option<Rest>,
}

impl Outer {
    const TOP: Outer = Outer { keys: Vec::new(), texts: 0, known: true, inside: false, rest: None };
}

/// A path of the settings, by its number, and how much of it led to a text.
type Rest = (usize, usize);

/// A value that is still to be looked into.
#[derive(Clone, Copy)]
struct Node<'a> {
    value: Value<'a>,
    /// The step that led here, from 1; 0 at the top.
    step: u32,
    known: bool,
    inside: bool,
    rest: Option<Rest>,
}

enum Pending<'a> {
    Value(Node<'a>),
    /// All that an event holds has been looked into, before which so much was visited.
    Looked(usize),
}

/// Where values stand, whether known keys led there, and the path of the settings.
type Places = HashSet<(u32, bool, Option<Rest>), FixedState>;

/// What has been looked into.
struct Looked<'a> {
    /// The texts of the event that is looked into: the same one again, which Elastic has under two keys, is no
    /// second record.
    texts: Vec<&'a str>,
    /// The places, where the settings have paths. Several may lead to one place, and on from there: without this,
    /// to it as often as there are ways.
    places: Option<Places>,
}

impl<'a> Looked<'a> {
    fn new(reach: &Reach) -> Self {
        let has_paths = !reach.paths().is_empty();
        let places = has_paths.then(|| HashSet::with_hasher(FixedState::default()));
        Looked { texts: Vec::new(), places }
    }

    /// Whether this is looked into for the first time.
    #[inline(never)]
    fn is_first(&mut self, node: &Node<'a>) -> bool {
        let place = (node.value.position(), node.known, node.rest);
        if self.places.as_mut().is_some_and(|places| !places.insert(place)) {
            return false;
        }
        if !node.inside {
            self.texts.clear();
        } else if node.value.kind() == Kind::Text {
            let text = node.value.raw();
            if self.texts.contains(&text) {
                return false;
            }
            if self.texts.len() < MAX_COMPARED {
                self.texts.push(text);
            }
        }
        true
    }
}

/// A search for records.
struct Search<'s, 'v> {
    reach: &'s Reach,
    visit: Visit<'v>,
    /// How much was visited.
    seen: usize,
    /// How many records, and companions of records, that was.
    found: usize,
    /// The events that are named since.
    names: Vec<String>,
    /// How many bytes of texts may still be read again.
    credit: usize,
}

impl<'s, 'v> Search<'s, 'v> {
    fn new(text: &str, reach: &'s Reach, visit: Visit<'v>) -> Self {
        let credit = text.len().saturating_mul(READ_AGAIN).saturating_mul(MAX_TEXTS);
        Search { reach, visit, seen: 0, found: 0, names: Vec::new(), credit }
    }
}

impl Search<'_, '_> {
    fn visit(&mut self, tapes: &mut TapePool, content: Content<'_>) {
        self.seen = self.seen.saturating_add(1);
        let found = matches!(content, Content::Record(_) | Content::Companion(_));
        self.found = self.found.saturating_add(found.into());
        self.names.clear();
        (self.visit)(tapes, content);
    }

    #[inline(never)]
    fn foreign(&mut self, tapes: &mut TapePool) {
        let names = std::mem::take(&mut self.names);
        self.visit(tapes, Content::Foreign(names));
    }

    /// Looks into a text that is JSON, or has JSON in it. What can be read around something broken is read.
    fn text(&mut self, text: &str, outer: &Outer, tapes: &mut TapePool) {
        if outer.texts > MAX_TEXTS {
            let reason = "too many envelopes in one another";
            return self.visit(tapes, Content::Unreadable(reason.into()));
        }
        tapes.with(|tapes, tape| {
            let before = self.seen;
            let mut broken = None;
            let mut starts = Starts::new(text);
            let framed = starts.is_framed();
            while let Some(start) = starts.next() {
                match tape.parse_value(text, start) {
                    Ok(end) => {
                        let before = self.found;
                        self.value(Value::root(tape, text), outer, tapes);
                        starts.read_to(end, self.found > before, &mut self.credit);
                    }
                    Err(malformed) => {
                        let before = self.found;
                        if !tape.is_empty() {
                            self.value(Value::root(tape, text), outer, tapes);
                        }
                        let found = self.found > before;
                        starts.broken(start, malformed.offset, found, &mut self.credit);
                        broken.get_or_insert(malformed);
                    }
                }
            }
            // A brace in front of a record is not worth a word.
            match broken {
                Some(malformed) if framed || self.seen == before => {
                    self.visit(tapes, Content::Unreadable(malformed.to_string()));
                }
                None if self.seen == before && outer.texts == 0 => {
                    self.foreign(tapes);
                }
                _ => {}
            }
        });
    }

    /// Looks into a value. Every value is looked at once, however envelopes stand in one another:
    /// a search in what each of them holds would make a deep document take the square of its size.
    fn value(&mut self, value: Value<'_>, outer: &Outer, tapes: &mut TapePool) {
        let mut steps = Steps::default();
        let top =
            Node { value, step: 0, known: outer.known, inside: outer.inside, rest: outer.rest };
        let mut pending = vec![Pending::Value(top)];
        let mut looked = Looked::new(self.reach);
        // Depth first and in order, without recursion: what a value wraps takes its place.
        while let Some(next) = pending.pop() {
            match next {
                Pending::Looked(before) if self.seen == before => self.foreign(tapes),
                Pending::Looked(_) => {}
                Pending::Value(node) => {
                    if looked.is_first(&node) {
                        self.node(node, outer, &mut steps, &mut pending, tapes);
                    }
                }
            }
        }
    }

    fn node<'a>(
        &mut self,
        node: Node<'a>,
        outer: &Outer,
        steps: &mut Steps<'a>,
        pending: &mut Vec<Pending<'a>>,
        tapes: &mut TapePool,
    ) {
        let value = node.value;
        match value.kind() {
            Kind::Text => self.inner(node, outer, steps, tapes),
            Kind::Array | Kind::Object if value.is_broken() => {
                self.open(node, steps, pending);
            }
            Kind::Array | Kind::Object => {
                if self.record(node, outer, steps, tapes) {
                    return;
                }
                match Companion::of(value) {
                    Some(companion) => self.visit(tapes, Content::Companion(companion)),
                    None => {
                        self.open(node, steps, pending);
                        let key = steps.get(node.step).map(|(_, key)| &**key);
                        if is_packed(value, key) {
                            self.visit(tapes, Content::Unreadable(PACKED.into()));
                        }
                    }
                }
            }
            _ if node.inside => {}
            _ => self.foreign(tapes),
        }
    }

    /// Looks into a text that stands in a value.
    #[inline(never)]
    fn inner(&mut self, node: Node<'_>, outer: &Outer, steps: &Steps<'_>, tapes: &mut TapePool) {
        let Some(text) = node.value.text().filter(|text| may_hold_record(text.as_bytes())) else {
            if !node.inside {
                self.foreign(tapes);
            }
            return;
        };
        let keys = steps.keys(&outer.keys, node.step);
        let texts = outer.texts.saturating_add(1);
        let outer = Outer { keys, texts, known: node.known, inside: node.inside, rest: node.rest };
        let before = self.seen;
        self.text(&text, &outer, tapes);
        if self.seen == before && !node.inside {
            self.foreign(tapes);
        }
    }

    /// Has what a container holds looked into, as far as the search reaches. Like all that is not inlined here, a
    /// function of its own because records are examined below the others, and an interpreter has little stack.
    #[inline(never)]
    fn open<'a>(&mut self, node: Node<'a>, steps: &mut Steps<'a>, pending: &mut Vec<Pending<'a>>) {
        if node.value.kind() == Kind::Array {
            let items: Vec<_> = node.value.items().collect();
            let items = items.into_iter().rev();
            return pending.extend(items.map(|value| Pending::Value(Node { value, ..node })));
        }
        // Of something broken it is said that it is.
        if !node.inside && !node.value.is_broken() {
            pending.push(Pending::Looked(self.seen));
        }
        if self.names.len() < MAX_NAMES {
            self.names.extend(name(node.value));
        }
        let mut found: Vec<Node<'a>> = Vec::new();
        for (key, value) in node.value.entries() {
            let Some(name) = key.text() else { continue };
            let (list, known) = (is_list(&name), is_known(&name));
            let holds = matches!(value.kind(), Kind::Object | Kind::Array | Kind::Text);
            if !holds || !(self.reach.is_everywhere() || node.known && (list || known)) {
                continue;
            }
            let is_list = list && value.kind() == Kind::Array && node.known;
            let step = if is_list { node.step } else { steps.push(node.step, name) };
            let inside = !is_list || node.inside;
            let known = node.known && (list || known);
            found.push(Node { value, step, known, inside, rest: None });
        }
        if node.known {
            self.at_paths(node, steps, &mut found);
        }
        pending.extend(found.into_iter().rev().map(Pending::Value));
    }
}
