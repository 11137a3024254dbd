//! The files of rules, read into documents.

use std::collections::BTreeMap;

use super::document::{self, Document};
use super::problem::{FilePositions, Problems};
use super::told::Told;
use super::{OtherSource, RuleFile, Settings, keys, limits, logsource, source, strict};

/// A document of a file.
pub(super) struct Read<'a> {
    pub file: &'a RuleFile,
    /// The number of the file.
    pub of_file: usize,
    /// The number of the document in its file.
    pub number: usize,
    /// The documents of the file that it is made of.
    pub made_of: Vec<usize>,
    pub problems: Problems,
    pub document: Option<Document>,
}

/// Reads the documents of a file.
pub(super) fn read<'a>(
    of_file: usize,
    file: &'a RuleFile,
    how: &Settings<'_>,
    documents: &mut Vec<Read<'a>>,
    told: &mut Told,
) {
    if let Err((line, column, problem)) = limits::check(file.text()) {
        told.refuse(of_file, file.told(line, column, problem));
        return;
    }
    let (sources, wrong) = source::documents(file.text());
    let positions = match wrong.is_empty() {
        true => FilePositions::default(),
        false => FilePositions::of(file.text()),
    };
    for problem in &wrong {
        let (line, column, problem) = match problem {
            source::Wrong::Place(line, column, problem) => (*line, *column, problem),
            source::Wrong::Document(n, problem) => {
                let at = positions.at(&[], &[*n]);
                (at.line, at.column, problem)
            }
        };
        told.refuse(of_file, file.told(line, column, problem.clone()));
    }
    if wrong.is_empty() && (sources.is_empty() || how.own && sources.len() != 1) {
        let problem = match how.own {
            true => "a file holds exactly one rule or one correlation",
            false => "the file holds no rule",
        };
        told.refuse(of_file, file.told(1, 1, problem.into()));
        return;
    }
    for (number, source) in sources.into_iter().enumerate() {
        if documents.len() >= limits::MAX_RULES {
            let problem = format!("more than {} rules and correlations", limits::MAX_RULES);
            told.refuse(of_file, file.told(1, 1, problem));
            return;
        }
        let problems = Problems::default();
        let at = problems.root();
        if how.own {
            strict::check(&source.map, how.attack, &at);
        }
        keys::check(&source.map, how.options, &at);
        let document = document::read(&source.map, &at);
        if let Some(Document::Rule(rule)) = &document {
            let at = at.at("logsource");
            if !logsource::is_said(&rule.logsource) {
                at.refuse("logsource: it is missing");
            } else if how.own && !logsource::is_both(&rule.logsource) {
                at.refuse("logsource: orgwatch reads product aws, service cloudtrail");
            }
        }
        let made_of = source.made_of;
        documents.push(Read { file, of_file, number, made_of, problems, document });
    }
}

/// Takes out the rules that do not look at CloudTrail.
pub(super) fn set_aside(
    documents: &mut Vec<Read<'_>>,
    sources: &mut BTreeMap<String, OtherSource>,
) {
    documents.retain(|read| {
        let Some(Document::Rule(rule)) = &read.document else { return true };
        if !logsource::is_said(&rule.logsource) || logsource::is_cloudtrail(&rule.logsource) {
            return true;
        }
        let name = logsource::name(&rule.logsource);
        let other = sources.entry(name.clone()).or_insert_with(|| OtherSource {
            name,
            rules: 0,
            files: Vec::new(),
        });
        other.rules = other.rules.saturating_add(1);
        if other.files.last() != Some(&read.file.path) {
            other.files.push(read.file.path.clone());
        }
        false
    });
}

impl<'a> Read<'a> {
    /// The area that its rule guards: the folder it stands in.
    pub(super) fn group(&self, how: &Settings<'_>) -> &'a str {
        match self.file.path.rsplit_once('/') {
            Some((folder, _)) => folder,
            None if how.own => "",
            None => "custom",
        }
    }
}
