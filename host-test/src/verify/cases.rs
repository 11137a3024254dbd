//! Cases run in an artifact.

use orgwatch::finding::Finding;
use orgwatch_artifact::Case;
use serde_json::{Map, Value};

use crate::plugin::{Batch, Error, Plugin};

/// The part of a finding that a case must give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// All of it, as in the artifact's own cases.
    Whole,
    /// The keys that it has; others may be anything: for cases that people write.
    Said,
}

/// The result of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// Why it does not hold; none if it does.
    pub problem: Option<String>,
}

/// Runs cases in a component.
pub(super) fn in_component(plugin: &Plugin, cases: &[Case], fit: Fit) -> Vec<Outcome> {
    let run = |case: &Case| {
        let problem = match found(plugin, case) {
            Ok(found) => differs(case, &found, fit, false),
            Err(err) => Some(err),
        };
        Outcome { name: case.name.clone(), problem }
    };
    cases.iter().map(run).collect()
}

fn found(plugin: &Plugin, case: &Case) -> Result<Vec<Value>, String> {
    let run = || -> Result<Batch, Error> {
        let mut detector = plugin.open(&case.settings.to_string())?;
        detector.detect_batch(case.events.as_bytes())
    };
    let batch = run().map_err(|err| format!("{:#}", anyhow::Error::from(err)))?;
    Ok(batch.findings.iter().map(|located| shown(&located.finding)).collect())
}

/// A finding as a case has it: without the artifact, which is another in each release, and with the
/// mark of one that these events gave before.
pub(crate) fn shown(finding: &Finding) -> Value {
    let mut shown = serde_json::to_value(finding).unwrap_or_default();
    if let Some(keys) = shown.as_object_mut() {
        keys.remove("artifact");
        if finding.repeat {
            keys.insert("repeat".into(), true.into());
        }
    }
    shown
}

/// The difference between what was found and what a case expects, if there is one.
pub(super) fn differs(
    case: &Case,
    found: &[Value],
    fit: Fit,
    without_repeats: bool,
) -> Option<String> {
    let mut expected = Vec::new();
    for (index, line) in case.findings.lines().enumerate() {
        match serde_json::from_str::<Map<String, Value>>(line) {
            Ok(finding) => expected.push(finding),
            Err(err) => return Some(format!("findings.ndjson, line {}: {err}", index + 1)),
        }
    }
    if without_repeats {
        expected.retain(|finding| finding.get("repeat") != Some(&Value::Bool(true)));
    }
    if expected.len() != found.len() {
        let rules = |rules: Vec<&str>| match rules.is_empty() {
            true => "none".to_owned(),
            false => rules.join(", "),
        };
        return Some(format!(
            "expected {} findings ({}), found {} ({})",
            expected.len(),
            rules(expected.iter().map(|one| text(one.get("rule"))).collect()),
            found.len(),
            rules(found.iter().map(|one| text(one.get("rule"))).collect()),
        ));
    }
    let empty = Map::new();
    expected.iter().zip(found).enumerate().find_map(|(index, (expected, found))| {
        let found = found.as_object().unwrap_or(&empty);
        let differing = expected.keys().chain(found.keys()).find(|key| {
            (fit == Fit::Whole || expected.contains_key(*key))
                && expected.get(*key) != found.get(*key)
        })?;
        let value = |from: &Map<String, Value>| {
            from.get(differing).map_or_else(|| "nothing".to_owned(), Value::to_string)
        };
        Some(format!(
            "finding {} ({}): expected {differing} to be {}, found {}",
            index + 1,
            text(found.get("rule")),
            value(expected),
            value(found),
        ))
    })
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or("no rule")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(findings: &[Value]) -> Case {
        Case {
            name: "a".into(),
            about: String::new(),
            settings: json!({}),
            events: String::new(),
            findings: findings.iter().map(|finding| format!("{finding}\n")).collect(),
        }
    }

    #[test]
    fn what_a_person_says_must_be_so_and_no_more() {
        let found = [json!({ "rule": "r", "severity": "high", "account": "1" })];
        let said = case(&[json!({ "rule": "r", "account": "1" })]);
        assert_eq!(differs(&said, &found, Fit::Said, false), None);
        assert_eq!(
            differs(&said, &found, Fit::Whole, false).unwrap(),
            r#"finding 1 (r): expected severity to be nothing, found "high""#
        );
        let wrong = case(&[json!({ "rule": "r", "account": "2" })]);
        assert_eq!(
            differs(&wrong, &found, Fit::Said, false).unwrap(),
            r#"finding 1 (r): expected account to be "2", found "1""#
        );
    }

    #[test]
    fn findings_that_are_missing_or_too_many_are_named() {
        let found = [json!({ "rule": "r" })];
        assert_eq!(
            differs(&case(&[]), &found, Fit::Said, false).unwrap(),
            "expected 0 findings (none), found 1 (r)"
        );
        let twice = case(&[json!({ "rule": "r" }), json!({ "rule": "r", "repeat": true })]);
        assert!(differs(&twice, &found, Fit::Whole, false).is_some());
        assert_eq!(differs(&twice, &found, Fit::Whole, true), None);
    }

    #[test]
    fn what_is_no_finding_is_said() {
        let mut case = case(&[]);
        case.findings = "{}\nnonsense\n".into();
        let problem = differs(&case, &[], Fit::Whole, false).unwrap();
        assert!(problem.starts_with("findings.ndjson, line 2: "), "{problem}");
    }
}
