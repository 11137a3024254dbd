//! The form of a rule's `detection`, checked in the YAML: the parser of Sigma prints what it does not
//! expect as if it were text.

use yaml_serde::{Mapping, Value};

use super::limits::MAX_CONDITION;
use super::problem::Node;

/// The bound on brackets and on `not` in a row in a condition. Its parser calls itself for each.
const MAX_OPEN: usize = 32;

/// Reports what is no detection, and says whether all of it is one.
pub(super) fn check(map: &Mapping, at: &Node<'_>) -> bool {
    let mut right = true;
    for (key, value) in map {
        let Some(key) = key.as_str() else {
            at.refuse("detection: a name is a text");
            right = false;
            continue;
        };
        let at = at.at(key);
        right &= match key {
            "condition" => conditions(value, &at),
            "timeframe" => {
                at.refuse("timeframe: only a correlation has a time, its timespan");
                false
            }
            _ => named(value, &at),
        };
    }
    right
}

fn conditions(value: &Value, at: &Node<'_>) -> bool {
    let list = value.as_sequence().map_or(std::slice::from_ref(value), Vec::as_slice);
    let mut right = !list.is_empty();
    for condition in list {
        let problem = match condition.as_str() {
            None => Some("condition: it is neither a text nor a list of texts"),
            Some(text) if text.len() > MAX_CONDITION => Some("condition: it is longer than 16 KiB"),
            Some(text) if is_deep(text) => {
                Some("condition: more than 32 operators stand in one another")
            }
            Some(_) => None,
        };
        if let Some(problem) = problem {
            at.refuse(problem);
            right = false;
        }
    }
    if list.is_empty() {
        at.refuse("condition: it says nothing");
    }
    right
}

fn is_deep(condition: &str) -> bool {
    let (mut open, mut nots) = (0_usize, 0_usize);
    let words = condition.split_inclusive(['(', ')', ' ', '\t', '\n', '\r']);
    for word in words {
        match word.trim_end_matches(['(', ')', ' ', '\t', '\n', '\r']) {
            "" => {}
            "not" => nots = nots.saturating_add(1),
            _ => nots = 0,
        }
        match word.chars().next_back() {
            Some('(') => open = open.saturating_add(1),
            Some(')') => open = open.saturating_sub(1),
            _ => {}
        }
        if open.saturating_add(nots) > MAX_OPEN {
            return true;
        }
    }
    false
}

/// A named detection, or a part of one: fields, a list of them, or keywords.
pub(super) fn named(value: &Value, at: &Node<'_>) -> bool {
    match value {
        Value::Mapping(map) if map.is_empty() => told(at, "it asks for nothing"),
        Value::Mapping(map) => map.iter().fold(true, |right, (key, value)| {
            let Some(key) = key.as_str() else { return told(at, "a field is named by a text") };
            field(key, value, &at.at(key)) && right
        }),
        Value::Sequence(list) if list.is_empty() => told(at, "it asks for nothing"),
        Value::Sequence(list) => {
            list.iter().enumerate().fold(true, |right, (n, value)| named(value, &at.at(n)) && right)
        }
        Value::String(text) if text.is_empty() => {
            told(at, "a keyword that is empty is in every event")
        }
        Value::String(_) | Value::Number(_) => true,
        Value::Bool(_) | Value::Null | Value::Tagged(_) => {
            told(at, "it is neither a map of fields, nor a list of them, nor a keyword")
        }
    }
}

fn field(key: &str, value: &Value, at: &Node<'_>) -> bool {
    let name = key.split('|').next().unwrap_or_default();
    if name.contains('[') {
        return told(
            at,
            "a field that selects elements of an array, which Sigma 2.1 does not have",
        );
    }
    if key == "<<" || name == "." || key.is_empty() {
        return told(at, "it names no field");
    }
    match value {
        Value::Sequence(list) if list.is_empty() => told(at, &format!("{key}: it has no value")),
        Value::Sequence(list) => list
            .iter()
            .enumerate()
            .fold(true, |right, (n, value)| scalar(key, value, &at.at(n)) && right),
        value => scalar(key, value, at),
    }
}

fn scalar(key: &str, value: &Value, at: &Node<'_>) -> bool {
    match value {
        Value::Mapping(_) | Value::Sequence(_) | Value::Tagged(_) => {
            told(at, &format!("{key}: a value is a text, a number, true, false or null"))
        }
        _ => true,
    }
}

fn told(at: &Node<'_>, problem: &str) -> bool {
    at.refuse(problem);
    false
}
