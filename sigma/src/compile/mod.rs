//! From Sigma YAML to the compiled form.
//!
//! ```
//! use orgwatch_sigma::compile::{Attack, RuleFile, pack};
//!
//! let file = RuleFile { path: "leaving/left.yml".into(), yaml: "title: Left\nlevel: hgih\n".into() };
//! let compiled = pack(&[file], &Attack::default());
//! assert!(compiled.pack.rules.is_empty());
//! assert!(compiled.refusals.iter().any(|refusal| refusal.line == 2));
//! ```

mod attack;
mod condition;
mod correlation;
mod document;
mod extension;
mod literals;
mod metadata;
mod problem;
mod rule;
mod template;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use yaml_serde::Value;

use crate::{Correlation, Pack, Rule};
pub use attack::Attack;
use document::Document;
pub use literals::find_witness;
use problem::{Positions, Problems};

/// A problem of a rule: it was refused for it, or it is told of it as a warning. It reads
/// `leaving/left.yml:2:1: level is missing`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule's file, as [`RuleFile::path`] has it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The problem, with the key that it is about, and what would be right.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { file, line, column, text } = self;
        write!(f, "{file}:{line}:{column}: {text}")
    }
}

impl std::error::Error for Problem {}

/// The result of compiling a pack.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compiled {
    /// The rules and correlations without a problem.
    pub pack: Pack,
    /// Every problem for which a rule was refused, in the order of the files, lines and columns.
    pub refusals: Vec<Problem>,
    /// What was compiled, and yet its author should know, in the same order.
    pub warnings: Vec<Problem>,
    /// The log sources of rules that do not look at CloudTrail. These rules are neither compiled nor among
    /// the refusals.
    pub other_sources: Vec<OtherSource>,
}

/// A log source that is not CloudTrail, and the rules that look at it. It reads
/// `windows, process_creation: 3 rules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherSource {
    /// Product, category and service, as far as the rules say, joined by commas.
    pub name: String,
    /// The number of rules.
    pub rules: usize,
    /// Their files, in order.
    pub files: Vec<String>,
}

impl fmt::Display for OtherSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = if self.rules == 1 { "rule" } else { "rules" };
        write!(f, "{}: {} {rules}", self.name, self.rules)
    }
}

/// The way in which foreign rules are compiled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Fields as rules name them, and the fields of CloudTrail that they mean: `event.action` is
    /// `eventName`.
    pub fields: BTreeMap<String, String>,
}

impl Compiled {
    /// The pack, if no rule was refused.
    pub fn complete(self) -> Result<Pack, Vec<Problem>> {
        if self.refusals.is_empty() { Ok(self.pack) } else { Err(self.refusals) }
    }
}

/// One rule file: where it stands in the pack and what it says.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// Its path in the pack, `leaving/member_left_organization.yml`: the folder is the rule's group.
    pub path: String,
    /// The YAML.
    pub yaml: String,
}

impl RuleFile {
    fn group(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// The file's problems with their places.
    fn refusals(&self, problems: Problems) -> Vec<Problem> {
        let problems = problems.into_inner();
        if problems.is_empty() {
            return Vec::new();
        }
        let positions = Positions::of(&self.yaml);
        let refusal = |(path, problem): (Vec<String>, String)| {
            let position = positions.at(&path);
            self.refused(position.line, position.column, problem)
        };
        let mut refusals: Vec<_> = problems.into_iter().map(refusal).collect();
        refusals.sort_by_key(|refusal| (refusal.line, refusal.column));
        refusals
    }

    fn refused(&self, line: usize, column: usize, text: String) -> Problem {
        Problem { file: self.path.clone(), line, column, text }
    }

    /// The value of the file, if it is one YAML document.
    fn value(&self) -> Result<Value, Problem> {
        let mut documents = yaml_serde::Deserializer::from_str(&self.yaml).map(Value::deserialize);
        let first = documents.next().unwrap_or(Ok(Value::Null)).map_err(|error| {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            self.refused(line, column, error.to_string())
        })?;
        match documents.next() {
            None => Ok(first),
            Some(_) => {
                let problem = "a file holds exactly one rule or one correlation";
                Err(self.refused(1, 1, problem.into()))
            }
        }
    }
}

/// Compiles Sigma rules from anywhere: nothing of ours is required of them.
pub fn compile(files: &[RuleFile], attack: &Attack, _options: &Options) -> Compiled {
    pack(files, attack)
}

/// Compiles a pack of orgwatch's own. Every problem of every file is reported, and the rules without one are compiled.
pub fn pack(files: &[RuleFile], attack: &Attack) -> Compiled {
    // Each with the number of its file, whose order they are given in.
    let mut refusals: Vec<(usize, Problem)> = Vec::new();
    let (mut rules, mut correlations) = (Vec::<Rule>::new(), Vec::new());
    let mut event_names = BTreeSet::new();
    let mut refused = Vec::new();
    let mut taken = Taken::default();
    for (n, file) in files.iter().enumerate() {
        let value = match file.value() {
            Ok(value) => value,
            Err(refusal) => {
                refusals.push((n, refusal));
                continue;
            }
        };
        let problems = Problems::default();
        let at = problems.root();
        let document = document::read(&file.yaml, &value, &at);
        if let Some(document) = &document {
            taken.refuse(file, document, &at);
        }
        match document {
            Some(Document::Correlation(sigma)) => correlations.push((n, file, problems, *sigma)),
            Some(Document::Rule(sigma)) => {
                let rule = rule::compile(&sigma, file.group(), attack, &at);
                match rule.filter(|_| problems.is_empty()) {
                    Some(rule) => {
                        event_names.extend(as_written(&rule.event_names, &file.yaml));
                        rules.push(rule);
                    }
                    None => refused.extend([sigma.name, sigma.id].into_iter().flatten()),
                }
                refusals.extend(file.refusals(problems).into_iter().map(|refusal| (n, refusal)));
            }
            None => {
                refusals.extend(file.refusals(problems).into_iter().map(|refusal| (n, refusal)))
            }
        }
    }
    rules.sort_by(|a, b| a.about.slug.cmp(&b.about.slug));
    let sigma: Vec<_> = correlations.iter().map(|(.., sigma)| sigma.clone()).collect();
    let known = correlation::Known { rules: &rules, correlations: &sigma, refused: &refused };
    let mut compiled = Vec::<Correlation>::new();
    for (n, file, problems, sigma) in correlations {
        let chain = correlation::compile(&sigma, &known, file.group(), attack, &problems.root());
        compiled.extend(chain.filter(|_| problems.is_empty()));
        refusals.extend(file.refusals(problems).into_iter().map(|refusal| (n, refusal)));
    }
    // A stable sort: those of one file stay in order.
    refusals.sort_by_key(|(n, _)| *n);
    let refusals = refusals.into_iter().map(|(_, refusal)| refusal).collect();
    compiled.sort_by(|a, b| a.about.slug.cmp(&b.about.slug));
    let pack = Pack {
        attack_version: attack.version().into(),
        rules,
        correlations: compiled,
        event_names: event_names.into_iter().collect(),
        alone: false,
    };
    Compiled { pack, refusals, ..Compiled::default() }
}

/// The names and ids of all documents, those that give no finding too: correlations refer to any of them
/// by either, and the memory keeps what it knows of a rule under its id, so that two with one id would
/// mute one another.
#[derive(Default)]
struct Taken<'a>(BTreeMap<String, &'a str>);

impl<'a> Taken<'a> {
    /// Refuses a document that is named as another is already.
    fn refuse(&mut self, file: &'a RuleFile, document: &Document, at: &problem::Node<'_>) {
        for (key, value) in document.names() {
            let Some(value) = value.as_deref().map(|value| value.trim().to_lowercase()) else {
                continue;
            };
            match self.0.entry(value) {
                Entry::Vacant(free) => drop(free.insert(&file.path)),
                Entry::Occupied(taken) => {
                    let (value, by) = (taken.key(), taken.get());
                    at.at(key).refuse(format_args!("{key}: {value} is taken by {by}"));
                }
            }
        }
    }
}

/// Names, which stand in lower case in a rule, as its file has them. Sigma does not care for case, and
/// what is compiled has lost it.
fn as_written(names: &[String], yaml: &str) -> Vec<String> {
    let words = || yaml.split(|c: char| !c.is_ascii_alphanumeric());
    names
        .iter()
        .map(|name| words().find(|word| word.eq_ignore_ascii_case(name)).unwrap_or(name).to_owned())
        .collect()
}

/// YAML block text as one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
