//! `fields: {event.action: eventName}`: the names that a user's rules have for fields of CloudTrail.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Problem;
use super::check::{Check, FIELD, NAME, below};

/// The setting `fields` of a document: for what compiles rules, which opens no detector.
pub fn renamed(document: &Value) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let mut check = Check::default();
    let renamed = read(document.get("fields").unwrap_or(&Value::Null), &mut check);
    if check.problems.is_empty() { Ok(renamed) } else { Err(check.problems) }
}

pub(super) fn read(value: &Value, check: &mut Check) -> BTreeMap<String, String> {
    let map = value.as_object();
    if !value.is_null() && map.is_none_or(|map| map.len() > MAX_RENAMED) {
        check.wrong(
            "fields",
            value,
            &format!("names of rules and fields of CloudTrail, {MAX_RENAMED} at most"),
        );
        return BTreeMap::new();
    }
    let mut renamed = BTreeMap::new();
    for (name, field) in map.into_iter().flatten() {
        let path = below("fields", name);
        if (NAME.valid)(name) {
            renamed.extend(check.text(&path, field, FIELD).map(|field| (name.clone(), field)));
        } else {
            check.wrong(&path, &Value::from(name.as_str()), NAME.allowed);
        }
    }
    renamed
}

/// The most fields that have other names.
const MAX_RENAMED: usize = 1000;
