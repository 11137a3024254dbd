//! From Sigma YAML to the compiled form.

mod attack;
mod condition;
mod correlation;
mod extension;
mod literals;
mod metadata;
mod rule;
mod template;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use rsigma_parser::{CorrelationRule, SigmaRule};

use crate::Pack;
pub use attack::Attack;

/// Why a rule was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct CompileError {
    /// The rule's file.
    pub file: String,
    /// What is wrong, and what would be right.
    pub problem: String,
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

    fn refused(&self, problem: String) -> CompileError {
        CompileError { file: self.path.clone(), problem }
    }
}

/// What a file holds.
enum Document {
    Rule(Box<SigmaRule>),
    Correlation(Box<CorrelationRule>),
}

/// Compiles a pack. Every rule that is refused is reported, not just the first.
pub fn pack(files: &[RuleFile], attack: &Attack) -> Result<Pack, Vec<CompileError>> {
    let mut rules = Vec::new();
    let mut read = Vec::new();
    let mut errors = Vec::new();
    let mut event_names = BTreeSet::new();
    let mut taken = Taken::default();
    for file in files {
        let document = document(file);
        if let Ok(document) = &document {
            errors.extend(taken.refuse(file, document));
        }
        match document {
            Ok(Document::Rule(sigma)) => match rule::compile(*sigma, file.group(), attack) {
                Ok(rule) => {
                    event_names.extend(as_written(&rule.event_names, &file.yaml));
                    rules.push(rule);
                }
                Err(problem) => errors.push(file.refused(problem)),
            },
            Ok(Document::Correlation(sigma)) => read.push((file, *sigma)),
            Err(problem) => errors.push(file.refused(problem)),
        }
    }
    rules.sort_by(|a, b| a.about.slug.cmp(&b.about.slug));
    let correlations: Vec<_> = read.iter().map(|(_, sigma)| sigma.clone()).collect();
    let known = correlation::Known { rules: &rules, correlations: &correlations };
    let mut compiled = Vec::new();
    for (file, sigma) in read {
        match correlation::compile(&sigma, &known, file.group(), attack) {
            Ok(chain) => compiled.extend(chain),
            Err(problem) => errors.push(file.refused(problem)),
        }
    }
    compiled.sort_by(|a, b| a.about.slug.cmp(&b.about.slug));
    if rules.iter().any(|rule| rule.event_names.is_empty()) {
        event_names.clear();
    }
    let pack = Pack {
        attack_version: attack.version().into(),
        rules,
        correlations: compiled,
        event_names: event_names.into_iter().collect(),
    };
    if errors.is_empty() { Ok(pack) } else { Err(errors) }
}

/// The names and ids of all documents, those that give no finding too: read refer to any of them by
/// either, and the memory keeps what it knows of a rule under its id, so that two with one id would
/// mute one another.
#[derive(Default)]
struct Taken<'a>(BTreeMap<String, &'a str>);

impl<'a> Taken<'a> {
    /// Why a document is refused: what it is named by names another already.
    fn refuse(&mut self, file: &'a RuleFile, document: &Document) -> Vec<CompileError> {
        let (name, id) = match document {
            Document::Rule(rule) => (&rule.name, &rule.id),
            Document::Correlation(chain) => (&chain.name, &chain.id),
        };
        let mut refused = Vec::new();
        for (key, value) in [("name", name), ("id", id)] {
            let Some(value) = value.as_deref().map(|value| value.trim().to_lowercase()) else {
                continue;
            };
            match self.0.entry(value) {
                Entry::Vacant(free) => drop(free.insert(&file.path)),
                Entry::Occupied(taken) => {
                    let problem = format!("{key}: {} is taken by {}", taken.key(), taken.get());
                    refused.push(file.refused(problem));
                }
            }
        }
        refused
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

fn document(file: &RuleFile) -> Result<Document, String> {
    let mut collection = rsigma_parser::parse_sigma_yaml(&file.yaml)
        .map_err(|error| error.to_string())?
        .into_result()
        .map_err(|errors| errors.join("; "))?;
    match (collection.len(), collection.rules.pop(), collection.correlations.pop()) {
        (1, Some(rule), None) => Ok(Document::Rule(Box::new(rule))),
        (1, None, Some(chain)) => Ok(Document::Correlation(Box::new(chain))),
        _ => Err("a file holds exactly one rule or one correlation".into()),
    }
}

/// YAML block text as one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
