//! Problems of a rule file, and where they stand in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;

use saphyr_parser::{Event, Parser, ScanError, Span};
use serde::de::DeserializeOwned;

/// The path of the YAML node that a problem is about, and its text.
type Told = BTreeMap<Vec<String>, String>;

/// The problems of a document: those for which it is refused, and warnings.
#[derive(Debug, Default)]
pub(super) struct Problems {
    refused: RefCell<Told>,
    warned: RefCell<Told>,
}

impl Problems {
    /// The document's root.
    pub(super) fn root(&self) -> Node<'_> {
        Node { path: Vec::new(), problems: self }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.refused.borrow().is_empty()
    }

    /// The problems and the warnings.
    pub(super) fn into_inner(self) -> (Told, Told) {
        (self.refused.into_inner(), self.warned.into_inner())
    }
}

/// A node of a YAML document, about which problems can be reported. It need not be there: what is
/// missing has a path, too.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    path: Vec<String>,
    problems: &'a Problems,
}

impl Node<'_> {
    /// The value of a key of this mapping, or an element of this list by its index.
    pub(super) fn at(&self, key: impl Display) -> Self {
        let mut path = self.path.clone();
        path.push(key.to_string());
        Node { path, problems: self.problems }
    }

    /// Reports a problem. One is enough for a node: what comes later follows from the first.
    pub(super) fn refuse(&self, problem: impl Display) {
        let mut problems = self.problems.refused.borrow_mut();
        problems.entry(self.path.clone()).or_insert_with(|| problem.to_string());
    }

    /// Tells of something for which nothing is refused.
    pub(super) fn warn(&self, warning: impl Display) {
        let mut warnings = self.problems.warned.borrow_mut();
        warnings.entry(self.path.clone()).or_insert_with(|| warning.to_string());
    }

    /// The value of a result; an error is reported.
    pub(super) fn accept<T, E: Display>(&self, result: Result<T, E>) -> Option<T> {
        result.map_err(|problem| self.refuse(problem)).ok()
    }

    /// Reads a YAML value; one of another type is reported, and the default stands for it.
    pub(super) fn read<T: DeserializeOwned + Default>(&self, value: &yaml_serde::Value) -> T {
        let key = self.path.join(".");
        let read = yaml_serde::from_value(value.clone());
        self.accept(read.map_err(|error| format!("{key}: {error}"))).unwrap_or_default()
    }
}

/// All values, if every one is there. Each is asked for, so that each reports its problem.
pub(super) fn all<T>(values: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    values.collect::<Vec<_>>().into_iter().collect()
}

/// A place in a file, counted from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub line: usize,
    pub column: usize,
}

/// The place of every node of a YAML document, by its path: that of the key for a value of a mapping.
#[derive(Debug, Default)]
pub(super) struct Positions(BTreeMap<Vec<String>, Position>);

/// The places of all documents of a file.
#[derive(Debug, Default)]
pub(super) struct FilePositions(Vec<Positions>);

impl FilePositions {
    /// Reads as far as the text is YAML.
    pub(super) fn of(yaml: &str) -> Self {
        let mut parser = Parser::new_from_str(yaml);
        let mut documents = Vec::new();
        while let Some(positions) = Positions::next(&mut parser) {
            documents.push(positions);
        }
        FilePositions(documents)
    }

    /// The place of a node of a document that is made of these of the file, its own first: where it is
    /// there, or else that of the nearest one above it.
    pub(super) fn at(&self, path: &[String], made_of: &[usize]) -> Position {
        let documents = || made_of.iter().filter_map(|number| self.0.get(*number));
        let exact = documents().find_map(|positions| positions.0.get(path)).copied();
        let nearest = || documents().next().map(|positions| positions.at(path));
        exact.or_else(nearest).unwrap_or(Position { line: 1, column: 1 })
    }
}

/// A list or a mapping that has begun, and the path of its current element.
enum Open {
    List { path: Vec<String>, next: usize },
    Mapping { path: Vec<String>, key: Option<String> },
}

/// The bound on mappings and lists in one another. No rule has so many, and the paths below would be as
/// long.
const MAX_DEPTH: usize = 64;

impl Positions {
    /// Reads the next document, as far as it is YAML.
    fn next<'input>(
        parser: &mut impl Iterator<Item = Result<(Event<'input>, Span), ScanError>>,
    ) -> Option<Self> {
        let mut positions = Positions::default();
        let mut open: Vec<Open> = Vec::new();
        loop {
            let (event, span) = parser.next()?.ok()?;
            if open.len() > MAX_DEPTH {
                return None;
            }
            let column = span.start.col().saturating_add(1);
            let here = Position { line: span.start.line(), column };
            match event {
                Event::Scalar(text, ..) => match open.last_mut() {
                    Some(Open::Mapping { path, key: key @ None }) => {
                        positions.add(below(path, &text), here);
                        *key = Some(text.into_owned());
                    }
                    _ => drop(positions.value(&mut open, here)),
                },
                Event::Alias(_) => drop(positions.value(&mut open, here)),
                Event::SequenceStart(..) => {
                    let path = positions.value(&mut open, here);
                    open.push(Open::List { path, next: 0 });
                }
                Event::MappingStart(..) => {
                    let path = positions.value(&mut open, here);
                    open.push(Open::Mapping { path, key: None });
                }
                Event::SequenceEnd | Event::MappingEnd => drop(open.pop()),
                Event::DocumentStart(_) => {
                    positions.add(Vec::new(), here);
                }
                Event::DocumentEnd => return Some(positions),
                _ => {}
            }
        }
    }

    /// The place of a node, or of the nearest one above it that is there.
    pub(super) fn at(&self, path: &[String]) -> Position {
        let prefixes = (0..=path.len()).rev().filter_map(|length| path.get(..length));
        let above = prefixes.filter_map(|path| self.0.get(path));
        above.copied().next().unwrap_or(Position { line: 1, column: 1 })
    }

    /// Takes up the place of a value that begins, and gives its path.
    fn value(&mut self, open: &mut [Open], here: Position) -> Vec<String> {
        match open.last_mut() {
            None => Vec::new(),
            Some(Open::List { path, next }) => {
                let path = below(path, &next.to_string());
                *next = next.saturating_add(1);
                self.add(path.clone(), here);
                path
            }
            Some(Open::Mapping { path, key }) => below(path, &key.take().unwrap_or_default()),
        }
    }

    /// A field with modifiers, `eventName|contains`, is found under its name alone, too: the parser of
    /// Sigma keeps the two apart.
    fn add(&mut self, path: Vec<String>, here: Position) {
        if path.iter().any(|key| key.contains('|')) {
            let name = |key: &String| key.split('|').next().unwrap_or_default().to_owned();
            self.0.entry(path.iter().map(name).collect()).or_insert(here);
        }
        self.0.entry(path).or_insert(here);
    }
}

fn below(path: &[String], key: &str) -> Vec<String> {
    path.iter().cloned().chain([key.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_its_place_and_a_missing_one_that_above_it() {
        let positions = FilePositions::of(
            "title: t\ndetection:\n  selection:\n    eventName|contains: [a, b]\n    user.arn: x\n\
             orgwatch:\n  severity:\n    - level: low\n      when: {a: b}\n",
        );
        for (path, line, column) in [
            ("title", 1, 1),
            ("detection/selection", 3, 3),
            ("detection/selection/eventName|contains", 4, 5),
            ("detection/selection/eventName", 4, 5),
            ("detection/selection/eventName|contains/1", 4, 29),
            ("detection/selection/eventName/1", 4, 29),
            ("detection/selection/user.arn", 5, 5),
            ("orgwatch/severity/0", 8, 7),
            ("orgwatch/severity/0/when/a", 9, 14),
            ("orgwatch/severity/0/else", 8, 7),
            ("orgwatch/summary", 6, 1),
            ("level", 1, 1),
        ] {
            let path: Vec<_> = path.split('/').map(str::to_owned).collect();
            assert_eq!(positions.at(&path, &[0]), Position { line, column }, "{path:?}");
        }
        FilePositions::of(&"[".repeat(1000));
    }
}
