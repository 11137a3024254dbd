//! The keys of a document: none is passed over without a word.

use yaml_serde::{Mapping, Value};

use super::Options;
use super::problem::Node;

/// Keys that every kind of document has, whose values are text.
const TEXTS: &[&str] = &[
    "title",
    "id",
    "name",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "date",
    "modified",
    "level",
];

/// Keys whose values are lists of texts, or one text.
const LISTS: &[&str] = &["references", "tags", "fields", "falsepositives", "scope"];

/// The keys whose values change what a rule finds or says, so that one of the wrong type refuses it.
const WEIGHTY: &[&str] = &["title", "id", "name", "taxonomy", "level"];

/// Keys with a structure of their own, which is read elsewhere.
const OTHERS: &[&str] = &["related", "orgwatch", "custom_attributes", "sigma-version", "filter"];

/// The keys of a detection rule and of a correlation.
const OF_RULES: &[&str] = &["logsource", "detection"];
const OF_CORRELATIONS: &[&str] = &["correlation", "generate"];

/// Reports what is no part of Sigma, or not of the type that Sigma asks for, and what cannot be honoured.
pub(super) fn check(map: &Mapping, options: &Options, at: &Node<'_>) {
    let correlation = map.contains_key("correlation");
    let own = if correlation { OF_CORRELATIONS } else { OF_RULES };
    for (key, value) in map {
        let Some(key) = key.as_str() else {
            at.warn("a key that is no text is passed over");
            continue;
        };
        let at = at.at(key);
        let wrong_type = |expected: &str| {
            let problem = format!("{key}: it is not {expected}");
            if WEIGHTY.contains(&key) {
                at.refuse(problem)
            } else {
                at.warn(problem + ", and is passed over")
            }
        };
        // A key without a value, as editors leave them.
        if value.is_null() && (TEXTS.contains(&key) || LISTS.contains(&key)) {
            continue;
        }
        if TEXTS.contains(&key) {
            if !value.is_string() {
                wrong_type("a text");
            }
        } else if LISTS.contains(&key) {
            let texts = value.as_sequence().is_some_and(|list| list.iter().all(Value::is_string));
            if !texts && !value.is_string() {
                wrong_type("a list of texts");
            }
        } else if OF_RULES.contains(&key) && correlation {
            at.warn(format_args!("{key}: a correlation has none; it is passed over"));
        } else if !own.contains(&key) && !OTHERS.contains(&key) {
            at.warn(format_args!("{key}: Sigma has no such key; it is passed over"));
        }
    }
    if let Some(correlation) = map.get("correlation").and_then(Value::as_mapping) {
        of_correlation(correlation, &at.at("correlation"));
    }
    if map.get("generate").is_some_and(|value| !value.is_bool()) {
        at.at("generate").refuse("generate: it is not true or false");
    }
    if correlation && map.get("fields").is_some_and(|fields| !fields.is_null()) {
        at.at("fields").warn("fields: a correlation has no event of its own to show them of");
    }
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    if let Some(taxonomy) = text("taxonomy")
        && taxonomy != "sigma"
        && options.fields.is_empty()
    {
        at.at("taxonomy").refuse(format_args!(
            "taxonomy: {taxonomy} has other names of fields than CloudTrail: a table of fields says \
             which they are"
        ));
    }
    if let Some(status @ ("deprecated" | "unsupported")) = text("status") {
        at.at("status").warn(format_args!("status: {status}; it is evaluated all the same"));
    }
    if let Some(id) = text("id").filter(|id| !is_uuid(id)) {
        at.at("id").warn(format_args!("id: {id} is not a UUID"));
    }
    version(map.get("sigma-version"), &at.at("sigma-version"));
    if let Some(attributes) = map.get("custom_attributes").and_then(Value::as_mapping) {
        let at = at.at("custom_attributes");
        for key in attributes.keys().filter_map(Value::as_str).filter(|key| *key != "orgwatch") {
            at.at(key).warn(format_args!("custom_attributes: {key} has no meaning here"));
        }
    }
}

/// Refuses what the parser would pass over in a correlation: all of it changes what is found.
fn of_correlation(map: &Mapping, at: &Node<'_>) {
    let is_texts =
        |value: &Value| value.as_sequence().is_some_and(|list| list.iter().all(Value::is_string));
    for (key, value) in map {
        let key = key.as_str().unwrap_or_default();
        let at = at.at(key);
        let expected = match key {
            "type" | "timespan" | "timeframe" | "window" | "gap" => continue,
            "rules" | "group-by" if is_texts(value) || value.is_string() => continue,
            "rules" | "group-by" => "a list of texts",
            "generate" if value.is_bool() => continue,
            "generate" => "true or false",
            "condition" => match value.as_mapping() {
                Some(map) => {
                    of_condition(map, &at);
                    continue;
                }
                None => continue,
            },
            "aliases" => match value.as_mapping() {
                Some(aliases) => {
                    of_aliases(aliases, map.get("rules"), &at);
                    continue;
                }
                None => "a mapping",
            },
            _ => {
                at.refuse(format_args!("{key}: Sigma has no such key in a correlation"));
                continue;
            }
        };
        at.refuse(format_args!("{key}: it is not {expected}"));
    }
}

fn of_condition(map: &Mapping, at: &Node<'_>) {
    for (key, value) in map {
        let key = key.as_str().unwrap_or_default();
        let at = at.at(key);
        match key {
            "gte" | "gt" | "lte" | "lt" | "eq" | "neq" => {
                if value.as_u64().is_none() {
                    at.refuse(format_args!("condition: {key} is not a count"));
                }
            }
            "field" | "percentile" => {}
            _ => at.refuse(format_args!("condition: Sigma has no {key} in it")),
        }
    }
}

/// Refuses fields of rules that are not in the correlation.
fn of_aliases(aliases: &Mapping, rules: Option<&Value>, at: &Node<'_>) {
    let is_named = |name: &str| match rules {
        Some(Value::Sequence(list)) => list.iter().any(|rule| rule.as_str() == Some(name)),
        Some(rule) => rule.as_str() == Some(name),
        None => false,
    };
    for (alias, fields) in aliases {
        let alias = alias.as_str().unwrap_or_default();
        let at = at.at(alias);
        let Some(fields) = fields.as_mapping() else {
            at.refuse(format_args!("aliases: {alias} is no mapping from rules to fields"));
            continue;
        };
        for (rule, field) in fields {
            let rule = rule.as_str().unwrap_or_default();
            if !is_named(rule) {
                at.at(rule).refuse(format_args!("aliases: {rule} is not among the rules"));
            } else if !field.is_string() {
                at.at(rule).refuse(format_args!("aliases: the field of {rule} is no text"));
            }
        }
    }
}

/// Refuses a rule for a newer Sigma: what it says may mean something else there.
fn version(value: Option<&Value>, at: &Node<'_>) {
    let major = match value {
        None => return,
        Some(Value::String(text)) => text.split('.').next().and_then(|major| major.parse().ok()),
        Some(value) => value.as_u64(),
    };
    match major {
        Some(1 | 2) => {}
        Some(major) => at.refuse(format_args!("sigma-version: {major} is not known; 2 is")),
        None => at.refuse("sigma-version: it is not the number of a version"),
    }
}

fn is_uuid(id: &str) -> bool {
    let lengths = id.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && id.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}
