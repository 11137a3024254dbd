//! The search for records in a value.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::companion::Companion;
use super::forms;
use super::reach::{Reach, is_known, is_list};
use super::starts::{READ_AGAIN, Starts, may_hold_record};
use super::{Content, Located, Origin, PACKED, TapePool, Visit};
use crate::json::{Kind, Value};
use crate::text::shortened;

/// How many texts that are JSON may stand in one another; of real ones at most 4 do. Each is read once more.
const MAX_TEXTS: usize = 6;

/// How many events that something foreign names are told, and how long their names may be.
const MAX_NAMES: usize = 16;
const MAX_NAME: usize = 128;

/// How many keys of a place are told, the innermost of them, and how much of each: every record below has them.
const MAX_KEYS: usize = 16;
const MAX_KEY: usize = 100;

/// How many texts of an object are compared for being the same one again.
const MAX_COMPARED: usize = 8;

/// Visits what a line holds.
pub(super) fn line(text: &str, reach: &Reach, tapes: &mut TapePool, visit: Visit<'_>) {
    let outer = Outer { keys: Vec::new(), texts: 0, known: true, inside: false, rest: None };
    Search::new(text, reach, visit).text(text, &outer, tapes);
}

/// Visits what a value holds, which is parsed already.
pub(super) fn value(value: Value<'_>, reach: &Reach, tapes: &mut TapePool, visit: Visit<'_>) {
    let outer = Outer { keys: Vec::new(), texts: 0, known: true, inside: false, rest: None };
    Search::new(value.raw(), reach, visit).value(value, &outer, tapes);
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

/// A path of the settings, by its number, and how much of it led to a text.
type Rest = (usize, usize);

/// A key that led to a value, and the entry of the key before it, from 1.
type Step<'a> = (u32, Cow<'a, str>);

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
                        self.value(Value::root(tape, text), outer, tapes);
                        starts.read_to(end);
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
        let mut steps: Vec<Step<'_>> = Vec::new();
        let top =
            Node { value, step: 0, known: outer.known, inside: outer.inside, rest: outer.rest };
        let mut pending = vec![Pending::Value(top)];
        // The texts of the event that is looked into: the same one again, which Elastic has under two keys, is
        // no second record.
        let mut texts: Vec<&str> = Vec::new();
        // Several paths of the settings may lead to one place, and on from there: without this, to it as often
        // as there are ways.
        let mut looked = HashSet::with_hasher(FixedState::default());
        let has_paths = !self.reach.paths().is_empty();
        // Depth first and in order, without recursion: what a value wraps takes its place.
        while let Some(next) = pending.pop() {
            match next {
                Pending::Looked(before) if self.seen == before => self.foreign(tapes),
                Pending::Looked(_) => {}
                Pending::Value(node) => {
                    let place = (node.value.position(), node.known, node.rest);
                    if has_paths && !looked.insert(place) {
                        continue;
                    }
                    if !node.inside {
                        texts.clear();
                    } else if node.value.kind() == Kind::Text {
                        let text = node.value.raw();
                        if texts.contains(&text) {
                            continue;
                        }
                        if texts.len() < MAX_COMPARED {
                            texts.push(text);
                        }
                    }
                    self.node(node, outer, &mut steps, &mut pending, tapes);
                }
            }
        }
    }

    fn node<'a>(
        &mut self,
        node: Node<'a>,
        outer: &Outer,
        steps: &mut Vec<Step<'a>>,
        pending: &mut Vec<Pending<'a>>,
        tapes: &mut TapePool,
    ) {
        let value = node.value;
        match value.kind() {
            Kind::Text => {
                let Some(text) = value.text().filter(|text| may_hold_record(text)) else {
                    if !node.inside {
                        self.foreign(tapes);
                    }
                    return;
                };
                let keys = keys(outer, steps, node.step);
                let texts = outer.texts.saturating_add(1);
                let outer =
                    Outer { keys, texts, known: node.known, inside: node.inside, rest: node.rest };
                let before = self.seen;
                self.text(&text, &outer, tapes);
                if self.seen == before && !node.inside {
                    self.foreign(tapes);
                }
            }
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
                        if is_packed(value, steps, node.step) {
                            self.visit(tapes, Content::Unreadable(PACKED.into()));
                        }
                    }
                }
            }
            _ if node.inside => {}
            _ => self.foreign(tapes),
        }
    }

    /// Visits a value that is a record, in whatever form. Whether it is.
    fn record(
        &mut self,
        node: Node<'_>,
        outer: &Outer,
        steps: &[Step<'_>],
        tapes: &mut TapePool,
    ) -> bool {
        let source = node.value;
        let is_record = is_record(source, node.known);
        let form = match is_record && !forms::has_text_identity(source) {
            true => None,
            false => forms::of(source),
        };
        let keys = || keys(outer, steps, node.step);
        match form {
            Some((form, text)) => tapes.with(|tapes, tape| {
                if tape.parse(&text).is_err() {
                    // It was written here, of values that were read.
                    debug_assert!(false, "{text}");
                    let reason = format!("{form} that cannot be mapped");
                    return self.visit(tapes, Content::Unreadable(reason));
                }
                let origin = Origin { keys: keys(), form: Some(form) };
                let record = Value::root(tape, &text);
                self.visit(tapes, Content::Record(Located { record, source, origin }));
            }),
            None if is_record => {
                let origin = Origin { keys: keys(), form: None };
                self.visit(tapes, Content::Record(Located { record: source, source, origin }));
            }
            None => return false,
        }
        true
    }

    /// Has what a container holds looked into, as far as the search reaches.
    fn open<'a>(
        &mut self,
        node: Node<'a>,
        steps: &mut Vec<Step<'a>>,
        pending: &mut Vec<Pending<'a>>,
    ) {
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
            let step = if is_list { node.step } else { step(steps, node.step, name) };
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

impl Search<'_, '_> {
    /// Adds what stands at the paths of the settings, and at the rest of one that led to a text.
    fn at_paths<'a>(&self, node: Node<'a>, steps: &mut Vec<Step<'a>>, found: &mut Vec<Node<'a>>) {
        let paths = (0..self.reach.paths().len()).map(|number| (number, 0));
        for (number, from) in paths.chain(node.rest) {
            let path = self.reach.paths().get(number).and_then(|path| path.get(from..));
            let Some(path) = path else { continue };
            at(node.value, path, |value, rest| {
                let read = path.len().saturating_sub(rest.len());
                let keys = path.get(..read).unwrap_or(path).trim_end_matches('.');
                let step = step(steps, node.step, Cow::Owned(keys.to_owned()));
                let rest = (!rest.is_empty()).then_some((number, from.saturating_add(read)));
                found.push(Node { value, step, known: true, inside: true, rest });
            });
        }
    }
}

/// Adds a step.
fn step<'a>(steps: &mut Vec<Step<'a>>, before: u32, key: Cow<'a, str>) -> u32 {
    steps.push((before, key));
    u32::try_from(steps.len()).unwrap_or(0)
}

/// The keys that lead to a step.
fn keys(outer: &Outer, steps: &[Step<'_>], mut step: u32) -> Vec<String> {
    let mut own = Vec::new();
    while let Some((before, key)) = (step as usize).checked_sub(1).and_then(|at| steps.get(at))
        && own.len() < MAX_KEYS
    {
        own.push(shortened(key, MAX_KEY).into_owned());
        step = *before;
    }
    let left = MAX_KEYS.saturating_sub(own.len());
    let more = outer.keys.len().saturating_sub(left);
    outer.keys.iter().skip(more).cloned().chain(own.into_iter().rev()).collect()
}

/// Whether an object is a record. Where records are known to stand, old and odd ones are taken too.
fn is_record(value: Value<'_>, known: bool) -> bool {
    let text = |key: &str| value.get(key).filter(|inner| inner.kind() == Kind::Text);
    let has = |key: &str| value.get(key).is_some_and(|inner| inner.kind() != Kind::Null);
    value.kind() == Kind::Object
        && text("eventName").is_some()
        && text("eventSource")
            .and_then(|source| source.text())
            .is_some_and(|s| !s.starts_with("aws:"))
        && (known || has("eventTime") && (has("userIdentity") || has("recipientAccountId")))
}

/// Whether an object holds what a host has to unpack: the data of CloudWatch Logs, Kinesis or Firehose.
fn is_packed(value: Value<'_>, steps: &[Step<'_>], step: u32) -> bool {
    const CARRIERS: &[&str] = &["awslogs", "kinesis"];
    const BESIDE: &[&str] = &["recordId", "partitionKey", "approximateArrivalTimestamp"];
    let Some(data) = value.get("data").and_then(|data| data.text()) else { return false };
    let key = (step as usize).checked_sub(1).and_then(|at| steps.get(at));
    let carried = key.is_some_and(|(_, key)| CARRIERS.contains(&&**key));
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    (carried || BESIDE.iter().any(|key| value.get(key).is_some()))
        && !data.is_empty()
        && data.bytes().all(is_base64)
}

/// The event that an object names, if it does.
fn name(value: Value<'_>) -> Option<String> {
    let keys = ["eventName", "eventname", "event.action", "action", "operation"];
    let named = keys.iter().find_map(|key| value.get(key)?.text());
    named.filter(|name| name.len() <= MAX_NAME).map(Cow::into_owned)
}

/// Visits the values at a path of keys, which may be flattened, and of which arrays are passed through; and the
/// texts on the way, with the rest of the path.
fn at<'a, 'p>(value: Value<'a>, path: &'p str, mut visit: impl FnMut(Value<'a>, &'p str)) {
    let mut pending = vec![(value, path)];
    while let Some((value, path)) = pending.pop() {
        if value.kind() == Kind::Array {
            let items: Vec<_> = value.items().map(|item| (item, path)).collect();
            pending.extend(items.into_iter().rev());
        } else if value.kind() == Kind::Text {
            visit(value, path);
        } else if let Some(whole) = value.get(path) {
            visit(whole, "");
        } else if let Some((key, rest)) = path.split_once('.')
            && let Some(inner) = value.get(key)
        {
            pending.push((inner, rest));
        }
    }
}
