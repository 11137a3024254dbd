//! What the rules of orgwatch's own pack must have beside what Sigma asks for.

use yaml_serde::{Mapping, Value};

use super::problem::Node;
use super::{Attack, one_line};

/// Refuses a document that lacks something.
pub(super) fn check(map: &Mapping, attack: &Attack, at: &Node<'_>) {
    let ours = at.at("orgwatch");
    let Some(extension) = map.get("orgwatch").and_then(Value::as_mapping) else {
        ours.refuse("the key orgwatch is missing, or no mapping: see docs/rules.md");
        return;
    };
    for key in ["name", "id", "description", "level"] {
        if map.get(key).and_then(Value::as_str).is_none_or(|value| value.trim().is_empty()) {
            at.at(key).refuse(format_args!("{key} is missing"));
        }
    }
    let internal = extension.get("internal").and_then(Value::as_bool).unwrap_or(false);
    let texts = [
        (at.at("falsepositives"), "falsepositives", map.get("falsepositives"), false),
        (ours.at("why"), "why", extension.get("why"), false),
        (ours.at("summary"), "summary", extension.get("summary"), true),
        (ours.at("triage"), "triage", extension.get("triage"), true),
    ];
    for (at, key, value, template) in texts {
        let text = value.map(text).unwrap_or_default();
        if text.trim().is_empty() && !internal {
            at.refuse(format_args!("{key} must say something"));
        }
        if !template && text.contains('{') {
            at.refuse(format_args!("{key} is not a template: no {{ can stand in it"));
        }
    }
    let tags = map.get("tags").and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default();
    for (n, tag) in tags.iter().enumerate() {
        if let Some(name) = tag.as_str().and_then(|tag| tag.strip_prefix("attack."))
            && !attack.knows(name)
        {
            let version = attack.version();
            at.at("tags").at(n).refuse(format_args!(
                "tags: attack.{name} is not in the list of ATT&CK {version} ids"
            ));
        }
    }
}

/// A text, or those of a list.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => one_line(text),
        Value::Sequence(list) => list.iter().filter_map(Value::as_str).map(one_line).collect(),
        _ => String::new(),
    }
}
