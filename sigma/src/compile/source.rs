//! The documents of a file, with the actions of a collection carried out: `global`, `reset` and
//! `repeat`.

use serde::Deserialize;
use yaml_serde::{Mapping, Value};

use super::limits::{MAX_EXPANDED, MAX_NESTING, VALUE};

/// A document as it is after the actions.
#[derive(Debug)]
pub(super) struct Source {
    /// Its keys and values.
    pub map: Mapping,
    /// The numbers of the documents of the file that it is made of, its own first.
    pub made_of: Vec<usize>,
}

/// A problem of a file, and where: in a document by its number, or at a line and column.
#[derive(Debug)]
pub(super) enum Wrong {
    Document(usize, String),
    Place(usize, usize, String),
}

/// The documents of a text that is within the bounds. A document that is empty is none, and a text that is no
/// YAML has none: what was read of it may be half of one.
pub(super) fn documents(yaml: &str) -> (Vec<Source>, Vec<Wrong>) {
    let (mut sources, mut wrong) = (Vec::new(), Vec::new());
    let mut global: Option<Source> = None;
    let mut previous: Option<(Mapping, Vec<usize>)> = None;
    let mut left = 4 * MAX_EXPANDED;
    for (n, document) in yaml_serde::Deserializer::from_str(yaml).enumerate() {
        let value = match Value::deserialize(document) {
            Ok(value) => value,
            Err(error) => {
                let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
                return (Vec::new(), vec![Wrong::Place(line, column, error.to_string())]);
            }
        };
        let mut map = match value {
            Value::Null => continue,
            Value::Mapping(map) => map,
            _ => {
                let problem = "a document is a rule or a correlation, and this is neither";
                wrong.push(Wrong::Document(n, problem.into()));
                continue;
            }
        };
        let action = map.remove("action");
        let (base, made_of) = match (action.as_ref().map(|action| action.as_str()), &previous) {
            (None, _) => (None, vec![n]),
            (Some(Some("global")), _) => {
                global = Some(Source { map, made_of: vec![n] });
                continue;
            }
            (Some(Some("reset")), _) => {
                global = None;
                continue;
            }
            (Some(Some("repeat")), Some((before, of))) => {
                (Some(before), [n].into_iter().chain(of.iter().copied()).collect())
            }
            (Some(Some("repeat")), None) => {
                wrong.push(Wrong::Document(n, "action: there is nothing to repeat".into()));
                continue;
            }
            _ => {
                let problem = "action: only global, reset and repeat are known";
                wrong.push(Wrong::Document(n, problem.into()));
                continue;
            }
        };
        let parts = [global.as_ref().map(|global| &global.map), base, Some(&map)];
        let size: usize = parts.into_iter().flatten().map(|map| weight_of(map, 0)).sum();
        let Some(rest) = left.checked_sub(size) else {
            let problem = "action: what is repeated in this file is larger than 16 MiB";
            wrong.push(Wrong::Document(n, problem.into()));
            break;
        };
        left = rest;
        let mut merged = global.as_ref().map(|global| global.map.clone()).unwrap_or_default();
        if let Some(base) = base {
            merge(&mut merged, base.clone(), 0);
        }
        merge(&mut merged, map, 0);
        let globals = global.iter().flat_map(|global| global.made_of.iter().copied());
        let made_of: Vec<usize> = made_of.into_iter().chain(globals).collect();
        previous = Some((merged.clone(), made_of.clone()));
        sources.push(Source { map: merged, made_of });
    }
    (sources, wrong)
}

/// Puts what a mapping says over what another does, key by key.
fn merge(under: &mut Mapping, over: Mapping, depth: usize) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Mapping(inner)), Value::Mapping(value)) if depth < MAX_NESTING => {
                merge(inner, value, depth.saturating_add(1));
            }
            (Some(there), value) => *there = value,
            (None, value) => drop(under.insert(key, value)),
        }
    }
}

fn weight_of(map: &Mapping, depth: usize) -> usize {
    map.iter().map(|(key, value)| weight(key, depth).saturating_add(weight(value, depth))).sum()
}

/// The size of a value, as [`MAX_EXPANDED`] counts it. The text was within the bound on nesting.
fn weight(value: &Value, depth: usize) -> usize {
    let inner = match value {
        Value::String(text) => text.len(),
        Value::Sequence(list) if depth <= MAX_NESTING => {
            list.iter().map(|value| weight(value, depth.saturating_add(1))).sum()
        }
        Value::Mapping(map) if depth <= MAX_NESTING => weight_of(map, depth.saturating_add(1)),
        _ => 0,
    };
    inner.saturating_add(VALUE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(yaml: &str) -> (Vec<(String, Vec<usize>)>, usize) {
        let (sources, wrong) = documents(yaml);
        let text = |source: &Source| {
            yaml_serde::to_string(&source.map).unwrap().trim().replace('\n', ", ")
        };
        let sources = sources.iter().map(|source| (text(source), source.made_of.clone()));
        (sources.collect(), wrong.len())
    }

    #[test]
    fn actions_are_carried_out() {
        let yaml = "---\naction: global\na: 1\n---\nb: 2\n---\naction: repeat\nb: 3\n---\n\
                    action: reset\n---\nc: 4\n---\naction: other\n---\n[1]\n---\n";
        let (sources, wrong) = titles(yaml);
        let expected =
            [("a: 1, b: 2", vec![1, 0]), ("a: 1, b: 3", vec![2, 1, 0, 0]), ("c: 4", vec![4])];
        assert_eq!(sources, expected.map(|(text, of)| (text.to_owned(), of)));
        assert_eq!(wrong, 2);
        assert_eq!(titles("action: repeat\na: 1\n").1, 1);
        assert_eq!(titles("").0.len(), 0);
    }

    #[test]
    fn what_is_repeated_is_bounded() {
        let large = "x".repeat(500_000);
        let yaml = format!("action: global\na: {large}\n{}", "---\nb: 1\n".repeat(1000));
        let (sources, wrong) = documents(&yaml);
        assert!(sources.len() < 50 && wrong.len() == 1, "{}", sources.len());
    }
}
