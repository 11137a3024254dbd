//! A document as the parser of Sigma reads it, and what that parser refuses in it.

use rsigma_parser::{CorrelationRule, SigmaCollection, SigmaRule};
use yaml_serde::{Mapping, Value};

use super::extension::Extension;
use super::problem::Node;
use super::{condition, detection};

/// A document that is read.
#[derive(Debug, Clone)]
pub(super) enum Document {
    Rule(Box<SigmaRule>),
    Correlation(Box<CorrelationRule>),
}

impl Document {
    pub(super) fn title(&self) -> &str {
        match self {
            Document::Rule(rule) => &rule.title,
            Document::Correlation(chain) => &chain.title,
        }
    }

    /// The keys that name it, and their values.
    pub(super) fn names(&self) -> [(&'static str, &Option<String>); 2] {
        match self {
            Document::Rule(rule) => [("name", &rule.name), ("id", &rule.id)],
            Document::Correlation(chain) => [("name", &chain.name), ("id", &chain.id)],
        }
    }

    /// Its name and its id.
    pub(super) fn names_mut(&mut self) -> [&mut Option<String>; 2] {
        match self {
            Document::Rule(rule) => [&mut rule.name, &mut rule.id],
            Document::Correlation(chain) => [&mut chain.name, &mut chain.id],
        }
    }
}

/// Reads a document. Where the parser stops at its first error, what it does not refuse is read all the
/// same, with something in place of the rest, so that further problems are reported with it.
pub(super) fn read(map: &Mapping, at: &Node<'_>) -> Option<Document> {
    if map.contains_key("filter") {
        at.at("filter").refuse("filter: filters of other rules are not supported");
        return None;
    }
    let inside = map.get("detection").and_then(Value::as_mapping);
    if inside.is_none_or(|inside| detection::check(inside, &at.at("detection"))) {
        let mut collection = parsed(map, at)?;
        let errors = std::mem::take(&mut collection.errors);
        if let Some(document) = only(&mut collection) {
            errors.iter().for_each(|error| refuse(error, at));
            return Some(document);
        }
        if map.contains_key("correlation") {
            errors.iter().for_each(|error| refuse(error, at));
            Extension::of(map.get("orgwatch"), &at.at("orgwatch"));
            return None;
        }
        if !detection_refused(map, &at.at("detection")) {
            errors.iter().for_each(|error| refuse(error, at));
        }
    } else if map.contains_key("correlation") {
        return None;
    }
    let mut collection = parsed(&without_refused(map.clone()), at)?;
    collection.errors.iter().for_each(|error| refuse(error, at));
    only(&mut collection)
}

fn parsed(map: &Mapping, at: &Node<'_>) -> Option<SigmaCollection> {
    let yaml = at.accept(yaml_serde::to_string(map))?;
    at.accept(rsigma_parser::parse_sigma_yaml(&yaml))
}

fn only(collection: &mut SigmaCollection) -> Option<Document> {
    match (collection.len(), collection.rules.pop(), collection.correlations.pop()) {
        (1, Some(rule), None) => Some(Document::Rule(Box::new(rule))),
        (1, None, Some(chain)) => Some(Document::Correlation(Box::new(chain))),
        _ => None,
    }
}

/// Reports what the parser refuses in a rule's detections and conditions, and whether that was anything.
fn detection_refused(map: &Mapping, at: &Node<'_>) -> bool {
    let Some(detections) = map.get("detection").and_then(Value::as_mapping) else { return false };
    let mut found = false;
    for (key, value) in detections {
        let key = key.as_str().unwrap_or_default();
        let at = at.at(key);
        match key {
            "timeframe" => {}
            "condition" => {
                let conditions =
                    value.as_sequence().map_or(std::slice::from_ref(value), Vec::as_slice);
                for condition in conditions.iter().filter_map(Value::as_str) {
                    if let Err(error) = rsigma_parser::parse_condition(condition) {
                        at.refuse(error);
                        found = true;
                    }
                }
            }
            _ => found |= condition::refused(value, &at),
        }
    }
    found
}

/// A rule with a detection and a title that the parser takes.
fn without_refused(mut map: Mapping) -> Mapping {
    let text = |text: &str| Value::from(text);
    let source = [(text("eventSource"), text("none"))].into_iter().collect();
    let detection =
        [(text("condition"), text("it")), (text("it"), Value::Mapping(source))].into_iter();
    map.insert(text("detection"), Value::Mapping(detection.collect()));
    if !map.get("title").is_some_and(Value::is_string) {
        map.insert(text("title"), text("none"));
    }
    map
}

/// Reports an error of the parser at the key that it is about. It says so in words only.
fn refuse(error: &str, at: &Node<'_>) {
    for metadata in ["status", "related"] {
        if error.contains(&format!("{metadata}["))
            || error.starts_with(&format!("invalid {metadata}:"))
        {
            at.at(metadata).warn(error);
            return;
        }
    }
    let quoted = |before: &str| error.split_once(before)?.1.split_once('\'').map(|(key, _)| key);
    let at = if let Some(key) = quoted("Missing required field '") {
        if key == "condition" { at.at("detection").at(key) } else { at.at(key) }
    } else if let Some((key, _)) = error.strip_prefix("invalid ").and_then(|e| e.split_once(':')) {
        at.at(key)
    } else if error.starts_with("Condition") {
        at.at("detection").at("condition")
    } else if error.contains("timespan") || error.contains("timeframe") {
        at.at("correlation").at("timespan")
    } else if error.contains("correlation type") {
        at.at("correlation").at("type")
    } else if error.contains("orrelation") {
        at.at("correlation")
    } else if error.contains("etection") {
        at.at("detection")
    } else {
        at.clone()
    };
    at.refuse(error);
}
