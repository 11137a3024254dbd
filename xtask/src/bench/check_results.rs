//! The check that all contenders find the same events: a fast one that finds others is not compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::corpus::{Corpus, Pair, read};

/// The form of a contender's findings.
pub enum Finds {
    /// Findings of ours, a line each, on standard output.
    OurFindings,
    /// The same in a file.
    OurFindingsIn(PathBuf),
    /// Detections of rsigma, a line each.
    Detections,
    /// The ids of the events that one rule fires on, a line each.
    EventsOf(&'static str),
    /// Nothing but a count of bytes.
    Bytes(u64),
    /// Nothing that could be compared.
    Nothing,
}

impl Finds {
    /// Compares what a run printed with what the corpus holds, and says what is the same.
    pub fn check(&self, printed: &Path, corpus: &Corpus) -> Result<String> {
        let expected = corpus.expected()?;
        match self {
            Finds::OurFindings => compare(&findings(&read(printed)?, corpus.rules())?, &expected),
            Finds::OurFindingsIn(file) => {
                compare(&findings(&read(file)?, corpus.rules())?, &expected)
            }
            Finds::Detections => compare(&detections(&read(printed)?, corpus.rules())?, &expected),
            Finds::EventsOf(rule) => {
                let expected = expected.into_iter().filter(|pair| pair.0 == *rule).collect();
                let text = read(printed)?;
                let found = text.lines().map(|id| ((*rule).to_owned(), id.to_owned())).collect();
                compare(&found, &expected)
            }
            Finds::Bytes(bytes) => {
                let printed = read(printed)?;
                ensure!(printed.trim() == bytes.to_string(), "{printed} bytes, not {bytes}");
                Ok(format!("all {bytes} bytes"))
            }
            Finds::Nothing => Ok("a limit: it searches, and finds nothing".into()),
        }
    }
}

fn compare(found: &BTreeSet<Pair>, expected: &BTreeSet<Pair>) -> Result<String> {
    let example = |pairs: BTreeSet<&Pair>| {
        pairs.first().map_or(String::new(), |(rule, event)| format!(", such as {rule} on {event}"))
    };
    let missed: BTreeSet<_> = expected.difference(found).collect();
    let more: BTreeSet<_> = found.difference(expected).collect();
    if !missed.is_empty() || !more.is_empty() {
        bail!(
            "it misses {} of {}{}; it finds {} that are not to be found{}",
            missed.len(),
            expected.len(),
            example(missed),
            more.len(),
            example(more),
        );
    }
    let rules: BTreeSet<_> = expected.iter().map(|(rule, _)| rule).collect();
    Ok(format!("the same {} events of {} rules", expected.len(), rules.len()))
}

/// The findings of rules that need no memory, as pairs.
fn findings(text: &str, rules: &BTreeMap<String, String>) -> Result<BTreeSet<Pair>> {
    let mut pairs = BTreeSet::new();
    for line in text.lines() {
        let finding: Value = serde_json::from_str(line).context("a finding")?;
        let rule = finding["rule"].as_str().unwrap_or_default();
        if rules.contains_key(rule) {
            let events = finding["events"].as_array().into_iter().flatten();
            pairs.extend(
                events.filter_map(Value::as_str).map(|id| (rule.to_owned(), id.to_owned())),
            );
        }
    }
    Ok(pairs)
}

/// The detections of rsigma for the same rules, as pairs. It knows rules by their ids.
fn detections(text: &str, rules: &BTreeMap<String, String>) -> Result<BTreeSet<Pair>> {
    let slugs: BTreeMap<&str, &String> =
        rules.iter().map(|(slug, id)| (id.as_str(), slug)).collect();
    let mut pairs = BTreeSet::new();
    for line in text.lines() {
        let detection: Value = serde_json::from_str(line).context("a detection of rsigma")?;
        let rule = detection["rule_id"].as_str().and_then(|id| slugs.get(id));
        let event = detection["event"]["eventID"].as_str();
        if let (Some(rule), Some(event)) = (rule, event) {
            pairs.insert(((*rule).clone(), event.to_owned()));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeSet<Pair> {
        pairs.iter().map(|(rule, event)| (rule.to_string(), event.to_string())).collect()
    }

    fn rules() -> BTreeMap<String, String> {
        [("left".to_owned(), "id-1".to_owned())].into()
    }

    #[test]
    fn what_is_missed_or_too_much_is_named() {
        let expected = pairs(&[("left", "1"), ("left", "2"), ("denied", "3")]);
        assert_eq!(compare(&expected, &expected).unwrap(), "the same 3 events of 2 rules");
        let found = pairs(&[("left", "1"), ("denied", "3"), ("left", "9")]);
        assert_eq!(
            compare(&found, &expected).unwrap_err().to_string(),
            "it misses 1 of 3, such as left on 2; it finds 1 that are not to be found, such as \
             left on 9"
        );
    }

    #[test]
    fn findings_of_other_rules_are_not_compared() {
        let text = r#"{"rule":"left","events":["1"]}
{"rule":"chain","events":["1","2"]}"#;
        assert_eq!(findings(text, &rules()).unwrap(), pairs(&[("left", "1")]));
        assert!(findings("not JSON", &rules()).is_err());
    }

    #[test]
    fn detections_are_known_by_the_ids_of_their_rules() {
        let text = r#"{"rule_id":"id-1","event":{"eventID":"1"}}
{"rule_id":"id-2","event":{"eventID":"1"}}"#;
        assert_eq!(detections(text, &rules()).unwrap(), pairs(&[("left", "1")]));
    }
}
