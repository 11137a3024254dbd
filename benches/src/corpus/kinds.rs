//! Which of the repository's fixtures make a corpus, and what the pack says of each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use orgwatch::detector::Detector;
use orgwatch::{rules, silence};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::template::Template;

/// More calls that the services of the quiet fixtures get all day, so that a corpus has more names
/// than those have.
const CALLS: [(&str, &[&str]); 9] = [
    (
        "ec2.amazonaws.com",
        &[
            "DescribeSubnets",
            "DescribeSecurityGroups",
            "DescribeVolumes",
            "DescribeImages",
            "DescribeNetworkInterfaces",
            "DescribeRouteTables",
            "DescribeTags",
        ],
    ),
    ("ssm.amazonaws.com", &["PutInventory", "ListInstanceAssociations", "GetParametersByPath"]),
    ("kms.amazonaws.com", &["GenerateDataKey", "DescribeKey", "ListAliases"]),
    ("logs.amazonaws.com", &["DescribeLogGroups", "DescribeLogStreams", "FilterLogEvents"]),
    ("iam.amazonaws.com", &["GetPolicyVersion", "GetInstanceProfile", "ListPolicies"]),
    ("s3.amazonaws.com", &["GetBucketAcl", "GetBucketVersioning", "GetBucketEncryption"]),
    ("lambda.amazonaws.com", &["ListTags20170331", "GetPolicy20150331v2", "ListAliases20150331"]),
    ("dynamodb.amazonaws.com", &["DescribeContinuousBackups", "ListTagsOfResource"]),
    ("rds.amazonaws.com", &["DescribeDBClusters", "DescribeDBSnapshots", "ListTagsForResource"]),
];

/// The version of the code that makes records: another one makes others of the same fixtures.
const GENERATOR: &str = "3";

/// The records that a corpus is made of.
#[derive(Debug, Default)]
pub struct Kinds {
    /// No rule names such an event.
    pub quiet: Vec<Template>,
    /// A rule names the event, and finds nothing in it.
    pub near: Vec<Template>,
    /// Each with the slugs of the rules that fire on it, whatever came before.
    pub interesting: Vec<(Template, Vec<String>)>,
    /// SHA-256 of all that, and of how this package makes records of it.
    pub digest: String,
}

/// The slugs and ids of the rules whose findings follow from one event and its Sigma part alone:
/// those that any Sigma tool finds, too. The record of silence is one that orgwatch makes itself.
pub fn stateless() -> BTreeMap<String, String> {
    rules::builtin_pack()
        .rules
        .iter()
        .filter(|rule| {
            !rule.internal
                && rule.derived_condition.is_none()
                && rule.new_terms.is_none()
                && !silence::is_of(rule)
        })
        .map(|rule| (rule.about.slug.to_string(), rule.about.id.to_string()))
        .collect()
}

impl Kinds {
    /// Those of the fixtures below a checkout.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = vec![root.join("samples/incident.ndjson")];
        cases(&root.join("tests/cases"), &mut files)?;
        let mut kinds = Kinds::default();
        let mut digest = Sha256::new_with_prefix(GENERATOR);
        for file in files {
            let text =
                fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            digest.update(&text);
            // Some cases are of bytes that are not text.
            for line in String::from_utf8_lossy(&text).lines() {
                kinds.add(line);
            }
        }
        ensure!(
            !kinds.quiet.is_empty() && !kinds.near.is_empty() && !kinds.interesting.is_empty(),
            "the fixtures below {} are not enough for a corpus",
            root.display()
        );
        digest.update(serde_json::to_vec(&*rules::builtin_pack())?);
        kinds.digest = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(kinds)
    }

    /// Adds what can be made of a line, if it is a record as CloudTrail writes it.
    fn add(&mut self, line: &str) {
        let Ok(record) = serde_json::from_str::<Value>(line) else { return };
        let text = |key: &str| record[key].as_str().unwrap_or_default();
        if !line.starts_with(r#"{"eventVersion":"#) || !(600..2500).contains(&line.len()) {
            return;
        }
        if needs_reading(&record) {
            return;
        }
        let template = |line: &str| Template::of(line, text("eventID"), text("eventTime"));
        let Some(made) = template(line) else { return };
        match judge(line) {
            Judged::Quiet => {
                self.quiet.push(made);
                let source = CALLS.iter().find(|(source, _)| *source == text("eventSource"));
                for name in source.iter().flat_map(|(_, names)| *names) {
                    let named = |name| format!(r#""eventName":"{name}""#);
                    let other = line.replacen(&named(text("eventName")), &named(name), 1);
                    if judge(&other) == Judged::Quiet {
                        self.quiet.extend(template(&other));
                    }
                }
            }
            Judged::Near => self.near.push(made),
            Judged::Interesting(rules) => self.interesting.push((made, rules)),
            Judged::Remembered => {}
        }
    }
}

/// Whether orgwatch reads more into a record than its bytes say, which other tools do not: JSON in
/// text, errors that are none.
fn needs_reading(record: &Value) -> bool {
    let text = |value: &Value| value.as_str().is_some_and(|text| text.starts_with('{'));
    let odd = |value: &Value| !value.is_null() && value.as_str().is_none_or(str::is_empty);
    record.as_object().is_some_and(|keys| keys.values().any(text))
        || odd(&record["errorCode"])
        || odd(&record["errorMessage"])
}

/// The pack's verdict on one record by itself.
#[derive(Debug, PartialEq)]
enum Judged {
    Quiet,
    Near,
    Interesting(Vec<String>),
    /// Its findings depend on what came before, or on more than its Sigma part.
    Remembered,
}

fn judge(line: &str) -> Judged {
    let mut detector = Detector::open("{}").expect("the default settings are right");
    if detector.screen(line.as_bytes()).spans.is_empty() {
        return Judged::Quiet;
    }
    let stateless = stateless();
    let found = detector.detect_batch(line.as_bytes()).findings;
    let rules: Vec<_> = found.iter().map(|located| located.finding.rule.to_string()).collect();
    match rules.iter().any(|rule| stateless.contains_key(rule)) {
        true => Judged::Interesting(
            rules.into_iter().filter(|rule| stateless.contains_key(rule)).collect(),
        ),
        false if rules.is_empty() => Judged::Near,
        false => Judged::Remembered,
    }
}

/// The events of every case that is told by the pack alone, in the order of their paths. A case with
/// settings says something about these.
fn cases(folder: &Path, to: &mut Vec<PathBuf>) -> Result<()> {
    let listed =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths =
        listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    paths.sort();
    for path in paths {
        let events = path.join("events.ndjson");
        if events.is_file() && !path.join("settings.yaml").exists() {
            to.push(events);
        } else if path.is_dir() {
            cases(&path, to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_fixtures_give_records_of_many_kinds() {
        let kinds = Kinds::read(&super::super::root()).unwrap();
        assert!(kinds.quiet.len() > 100, "{}", kinds.quiet.len());
        assert!(kinds.near.len() > 20, "{}", kinds.near.len());
        let fired: BTreeSet<_> = kinds.interesting.iter().flat_map(|(_, rules)| rules).collect();
        assert!(fired.len() > 15, "{fired:?}");
        assert!(fired.iter().all(|rule| stateless().contains_key(*rule)), "{fired:?}");
    }

    #[test]
    fn lines_that_are_no_records_are_left_out() {
        let mut kinds = Kinds::default();
        for line in ["", "{", "{\"eventVersion\":1}", "{\"Records\":[]}", "[]"] {
            kinds.add(line);
        }
        assert_eq!((kinds.quiet.len(), kinds.near.len(), kinds.interesting.len()), (0, 0, 0));
    }
}
