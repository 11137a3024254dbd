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
mod correlations;
mod detection;
mod document;
mod encode;
mod extension;
mod item;
mod keys;
mod limits;
mod literals;
mod logsource;
mod metadata;
mod modifiers;
mod names;
mod never;
mod problem;
mod read;
mod rename;
mod rule;
mod source;
mod strict;
mod template;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use attack::Attack;
use document::Document;
pub use literals::find_witness;
use read::{read, set_aside};
use told::Told;

use crate::{Pack, Rule};

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
    /// The text behind the mark that some editors put before it.
    fn text(&self) -> &str {
        self.yaml.strip_prefix('\u{feff}').unwrap_or(&self.yaml)
    }

    fn told(&self, line: usize, column: usize, text: String) -> Problem {
        Problem { file: self.path.clone(), line, column, text }
    }
}

/// The way in which rules are compiled.
struct Settings<'a> {
    attack: &'a Attack,
    options: &'a Options,
    /// They are orgwatch's own: more is required of them.
    own: bool,
}

/// Compiles Sigma rules from anywhere: nothing of ours is required of them.
pub fn compile(files: &[RuleFile], attack: &Attack, options: &Options) -> Compiled {
    run(files, &Settings { attack, options, own: false })
}

/// Compiles a pack of orgwatch's own, one document to a file. Every problem of every file is reported, and
/// the rules without one are compiled.
pub fn pack(files: &[RuleFile], attack: &Attack) -> Compiled {
    run(files, &Settings { attack, options: &Options::default(), own: true })
}

fn run(files: &[RuleFile], how: &Settings<'_>) -> Compiled {
    let mut told = Told::default();
    let mut documents = Vec::new();
    for (n, file) in files.iter().enumerate() {
        read(n, file, how, &mut documents, &mut told);
    }
    let mut sources = BTreeMap::<String, OtherSource>::new();
    if !how.own {
        set_aside(&mut documents, &mut sources);
    }
    names::assign(&mut documents);
    let (mut rules, mut correlations) = (Vec::<Rule>::new(), Vec::new());
    let mut event_names = BTreeSet::new();
    let mut refused: Vec<String> = Vec::new();
    // The bytes left for those of this pack.
    let mut regexes = crate::MAX_REGEX_TOTAL;
    // Names stand in lower case in a rule: Sigma does not care for case, and what is compiled has lost it.
    let mut words: Option<(usize, BTreeMap<String, &str>)> = None;
    for read in documents {
        match &read.document {
            Some(Document::Rule(sigma)) => {
                let at = read.problems.root();
                let rule = rule::compile(sigma, read.group(how), how, &at);
                let own = rule.as_ref().map_or(0, rule::regexes);
                match regexes.checked_sub(own) {
                    Some(left) => regexes = left,
                    None => at.at("detection").refuse(
                        "the rules before this one leave a pack no room for its regular expressions",
                    ),
                }
                match rule.filter(|_| read.problems.is_empty()) {
                    Some(rule) => {
                        let (_, words) = match words.take() {
                            Some(known) if known.0 == read.of_file => words.insert(known),
                            _ => words.insert((read.of_file, words_of(read.file.text()))),
                        };
                        event_names.extend(rule.event_names.iter().map(|name| {
                            words.get(name).map_or_else(|| name.clone(), |word| (*word).to_owned())
                        }));
                        rules.push(rule);
                    }
                    None => refused.extend(read.document.iter().flat_map(names::of_refused)),
                }
                told.add(read);
            }
            Some(Document::Correlation(sigma)) => correlations.push(((**sigma).clone(), read)),
            None => told.add(read),
        }
    }
    rules.sort_by(|a, b| a.about.slug.cmp(&b.about.slug));
    let correlations = correlations::compile(correlations, &mut rules, &refused, how, &mut told);
    let pack = Pack {
        attack_version: how.attack.version().into(),
        rules,
        correlations,
        event_names: event_names.into_iter().collect(),
        alone: false,
    };
    let (refusals, warnings) = told.in_order();
    Compiled { pack, refusals, warnings, other_sources: sources.into_values().collect() }
}

/// The words of a file in lower case, and each as it first stands there.
fn words_of(yaml: &str) -> BTreeMap<String, &str> {
    let mut words = BTreeMap::new();
    for word in yaml.split(|c: char| !c.is_ascii_alphanumeric()) {
        words.entry(word.to_ascii_lowercase()).or_insert(word);
    }
    words
}

/// YAML block text as one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
