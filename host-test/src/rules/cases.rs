//! Cases of a user's rules, run in the component: events in, findings of these rules out.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use orgwatch_artifact::Case;
use serde_json::{Map, Value};

use crate::plugin::{Batch, Error, Plugin};
use crate::verify::cases::shown;

/// The most findings of a case that are compared one by one.
const MOST: usize = 2000;

/// The result of one case.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// The case's name.
    pub name: String,
    /// Why it could not be run, or not all of it.
    pub problem: Option<String>,
    /// The differences of what was found from what was expected, in order.
    pub differences: Vec<Difference>,
    /// The rules that gave a finding.
    pub fired: BTreeSet<String>,
    /// The time that it took.
    pub time: Duration,
}

/// One finding that is on one side alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Expected, as the case has it, and not found.
    Missing(String),
    /// Found, with the keys that the case looks at, and not expected.
    Unexpected(String),
}

impl Outcome {
    /// Whether the case holds.
    pub fn holds(&self) -> bool {
        self.problem.is_none() && self.differences.is_empty()
    }
}

/// Runs one case. Findings of other rules than these are left out: those of the built-in ones are no
/// business of the case.
pub fn run(plugin: &Plugin, case: &Case, slugs: &BTreeSet<String>) -> Outcome {
    let start = Instant::now();
    let mut outcome = Outcome { name: case.name.clone(), ..Outcome::default() };
    match batch(plugin, case) {
        Ok(batch) => {
            if let Some(first) = batch.unreadable.first() {
                outcome.problem =
                    Some(format!("events.ndjson, line {}: {}", first.place.line, first.reason));
            }
            let found = batch.findings.iter().map(|located| &located.finding);
            let found: Vec<Value> =
                found.filter(|finding| slugs.contains(finding.rule.as_str())).map(shown).collect();
            let rules = found.iter().filter_map(|one| one.get("rule").and_then(Value::as_str));
            outcome.fired = rules.map(str::to_owned).collect();
            match expected(case) {
                Ok(expected) => outcome.differences = differences(&expected, &found),
                Err(problem) => outcome.problem = Some(problem),
            }
        }
        Err(err) => outcome.problem = Some(format!("{:#}", anyhow::Error::from(err))),
    }
    outcome.time = start.elapsed();
    outcome
}

fn batch(plugin: &Plugin, case: &Case) -> Result<Batch, Error> {
    plugin.open(&case.settings.to_string())?.detect_batch(case.events.as_bytes())
}

fn expected(case: &Case) -> Result<Vec<Map<String, Value>>, String> {
    let lines = case.findings.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line)
                .map_err(|err| format!("findings.ndjson, line {}: {err}", index + 1))
        })
        .collect()
}

/// The findings that are on one side alone, by the longest sequence that both have.
fn differences(expected: &[Map<String, Value>], found: &[Value]) -> Vec<Difference> {
    let missing =
        |one: &Map<String, Value>| Difference::Missing(Value::Object(one.clone()).to_string());
    let keys: BTreeSet<&str> = expected.iter().flat_map(Map::keys).map(String::as_str).collect();
    let unexpected = |one: &Value| Difference::Unexpected(excerpt(one, &keys));
    if expected.len() > MOST || found.len() > MOST {
        let pairs = expected.iter().zip(found).filter(|(expected, found)| !fits(expected, found));
        let mut all: Vec<_> =
            pairs.flat_map(|(expected, found)| [missing(expected), unexpected(found)]).collect();
        all.extend(expected.iter().skip(found.len()).map(missing));
        all.extend(found.iter().skip(expected.len()).map(unexpected));
        return all;
    }
    // The lengths of the longest common sequences of what is left, from the end.
    let width = found.len() + 1;
    let mut longest = vec![0_u32; (expected.len() + 1) * width];
    for (e, one) in expected.iter().enumerate().rev() {
        for (f, other) in found.iter().enumerate().rev() {
            longest[e * width + f] = match fits(one, other) {
                true => longest[(e + 1) * width + f + 1] + 1,
                false => longest[(e + 1) * width + f].max(longest[e * width + f + 1]),
            };
        }
    }
    let (mut e, mut f) = (0, 0);
    let mut all = Vec::new();
    loop {
        match (expected.get(e), found.get(f)) {
            (Some(one), Some(other)) if fits(one, other) => (e, f) = (e + 1, f + 1),
            (Some(one), other)
                if other.is_none()
                    || longest[(e + 1) * width + f] >= longest[e * width + f + 1] =>
            {
                all.push(missing(one));
                e += 1;
            }
            (_, Some(other)) => {
                all.push(unexpected(other));
                f += 1;
            }
            _ => return all,
        }
    }
}

/// Whether a finding has all that is said of one.
fn fits(said: &Map<String, Value>, found: &Value) -> bool {
    said.iter().all(|(key, value)| found.get(key) == Some(value))
}

/// The keys of a finding that tell it from others, and those that the case looks at.
fn excerpt(found: &Value, keys: &BTreeSet<&str>) -> String {
    let told = |key: &str| keys.contains(key) || keys.is_empty() && TELLING.contains(&key);
    let all = found.as_object().into_iter().flatten();
    let kept = all.filter(|(key, _)| key.as_str() == "rule" || told(key));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect()).to_string()
}

const TELLING: [&str; 4] = ["severity", "account", "event_name", "last_seen"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(all: &[Value]) -> Vec<Map<String, Value>> {
        all.iter().map(|one| one.as_object().unwrap().clone()).collect()
    }

    #[test]
    fn what_is_on_one_side_alone_is_told_in_order() {
        let found =
            ["a", "b", "c"].map(|rule| json!({ "rule": rule, "severity": "low", "id": "1" }));
        assert_eq!(
            differences(&said(&[json!({"rule": "a"}), json!({}), json!({"rule": "c"})]), &found),
            []
        );
        let expected = said(&[json!({"rule": "b"}), json!({"rule": "d", "severity": "high"})]);
        assert_eq!(
            differences(&expected, &found),
            [
                Difference::Unexpected(r#"{"rule":"a","severity":"low"}"#.into()),
                Difference::Missing(r#"{"rule":"d","severity":"high"}"#.into()),
                Difference::Unexpected(r#"{"rule":"c","severity":"low"}"#.into()),
            ]
        );
        assert_eq!(differences(&[], &found[..1]).len(), 1);
        assert_eq!(differences(&expected, &[]).len(), 2);
    }
}
