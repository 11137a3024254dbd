//! A user's own Sigma rules: found in files and folders, and compiled to a pack.

pub mod cases;
mod files;
mod taken;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use orgwatch_sigma::compile::{self, Attack, OtherSource, Problem, RuleFile};
use orgwatch_sigma::{Pack, RuleMetadata};
use saphyr_parser::{Event, Parser};

/// Rules that were compiled, and what became of the others.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OwnRules {
    /// The rules without a problem.
    pub pack: Pack,
    /// Every problem that a rule was refused for, by file, line and column.
    pub refusals: Vec<Problem>,
    /// What runs, and is likely not meant.
    pub warnings: Vec<Problem>,
    /// Log sources that are not CloudTrail, and the rules that look at them.
    pub other_sources: Vec<OtherSource>,
    /// The number of rules that were refused, those of other log sources left out.
    pub refused: usize,
    documents: Vec<Document>,
}

/// One YAML document of a file of rules.
#[derive(Debug, Clone, Default)]
struct Document {
    file: String,
    line: usize,
    column: usize,
    id: String,
    title: String,
    /// It says something about other documents of the file, and is no rule itself.
    is_about_others: bool,
}

/// Rules that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A path that was given is not there.
    #[error("cannot read the rules {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// A folder holds no file that could be a rule.
    #[error("there is no rule in {}: rules are files named *.yml or *.yaml", .0.display())]
    None(PathBuf),

    /// There are more files than anybody has rules.
    #[error("{} has more than 100,000 files of rules", .0.display())]
    TooMany(PathBuf),
}

/// Compiles the rules of files and folders, in the order of their paths. In folders they are the files
/// named `*.yml` and `*.yaml`, but for those in hidden folders and the `settings.yaml` of cases, which are
/// the folders with an `events.ndjson`.
///
/// `fields` are the names that rules have for fields of CloudTrail. Fails on a path that is not there or
/// holds nothing that could be a rule. What cannot be read or evaluated is among [`OwnRules::refusals`], and
/// the others are compiled.
pub fn compile(paths: &[PathBuf], fields: &BTreeMap<String, String>) -> Result<OwnRules, Error> {
    let (mut files, mut refusals, mut shown) = (Vec::new(), Vec::new(), BTreeMap::new());
    for path in paths {
        for found in files::found(path)? {
            let display = found.path.display().to_string();
            // Two folders may have files of one name.
            let path = if shown.contains_key(&found.name) { display.clone() } else { found.name };
            match found.text {
                Ok(yaml) => files.push(RuleFile { path: path.clone(), yaml }),
                Err(text) => {
                    refusals.push(Problem { file: path.clone(), line: 1, column: 1, text })
                }
            }
            shown.insert(path, display);
        }
    }
    let unread = refusals.len();
    let mut options = compile::Options::default();
    options.fields = fields.clone();
    let compiled = compile::compile(&files, &Attack::known(), &options);
    let display = |file: String| shown.get(&file).cloned().unwrap_or(file);
    let placed = |problem: Problem| Problem { file: display(problem.file), ..problem };
    refusals.extend(compiled.refusals);
    let refusals: Vec<Problem> = refusals.into_iter().map(placed).collect();
    let documents: Vec<Vec<Document>> = files.iter().map(documents).collect();
    // A file without a rule is refused as one.
    let all =
        documents.iter().map(|of_file| of_file.len().max(1)).fold(unread, usize::saturating_add);
    let kept = compiled.pack.rules.len() + compiled.pack.correlations.len();
    let kept =
        compiled.other_sources.iter().map(|source| source.rules).fold(kept, usize::saturating_add);
    let refused = all.saturating_sub(kept).max(usize::from(!refusals.is_empty()));
    Ok(OwnRules {
        pack: compiled.pack,
        refused: if refusals.is_empty() { 0 } else { refused },
        refusals,
        warnings: compiled.warnings.into_iter().map(placed).collect(),
        other_sources: compiled.other_sources,
        documents: documents
            .into_iter()
            .flatten()
            .map(|one| Document { file: display(one.file), ..one })
            .collect(),
    })
}

impl OwnRules {
    /// The number of rules and chains that were compiled.
    pub fn loaded(&self) -> usize {
        self.pack.rules.len() + self.pack.correlations.len()
    }

    /// Whether nothing was refused or warned of.
    pub fn is_flawless(&self) -> bool {
        self.refusals.is_empty() && self.warnings.is_empty() && self.other_sources.is_empty()
    }

    /// The file of a rule that was compiled, if it can be told.
    pub fn file(&self, about: &RuleMetadata) -> Option<&str> {
        self.document(about).map(|one| one.file.as_str())
    }

    fn document(&self, about: &RuleMetadata) -> Option<&Document> {
        let by_id = self.documents.iter().find(|one| one.id.eq_ignore_ascii_case(&about.id));
        by_id.or_else(|| self.documents.iter().find(|one| one.title == about.title))
    }
}

/// The documents of a file, as far as it is YAML, but for those about others; what is none is one of them.
/// By events, so that neither deep nesting nor what aliases stand for is built.
fn documents(file: &RuleFile) -> Vec<Document> {
    let mut all: Vec<Document> = Vec::new();
    let document =
        |line, column| Document { file: file.path.clone(), line, column, ..Document::default() };
    let (mut depth, mut key) = (0_u32, None);
    for event in Parser::new_from_str(&file.yaml) {
        let Ok((event, span)) = event else {
            if depth == 0 {
                all.push(document(1, 1));
            }
            break;
        };
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if depth == 0 {
                    all.push(document(span.start.line(), span.start.col().saturating_add(1)));
                }
                (depth, key) = (depth.saturating_add(1), key.filter(|_| depth == 0));
            }
            Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
            Event::Scalar(text, ..) if depth == 1 => {
                let words = || text.split_whitespace().collect::<Vec<_>>().join(" ");
                match (key.take(), all.last_mut()) {
                    (Some("title"), Some(document)) => document.title = words(),
                    (Some("id"), Some(document)) => document.id = words(),
                    (Some("action"), Some(document)) => {
                        document.is_about_others = matches!(&*text, "global" | "reset");
                    }
                    (Some(_), _) => {}
                    (None, _) => {
                        key = Some(match &*text {
                            "title" => "title",
                            "id" => "id",
                            "action" => "action",
                            _ => "",
                        });
                    }
                }
            }
            Event::Alias(_) if depth == 1 => key = None,
            _ => {}
        }
    }
    all.retain(|one| !one.is_about_others);
    all
}

/// The slugs of rules and chains that give findings of their own.
pub fn public_slugs(pack: &Pack) -> BTreeSet<String> {
    pack.public().iter().map(|about| about.slug.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    pub(super) const RULE: &str = "title: A user left\nid: 5a0b2f4e-8a53-4f0e-9d2c-6a3f5c1d7e90\nlevel: high\n\
        logsource: {product: aws, service: cloudtrail}\n";

    pub(super) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn every_document_is_told_by_its_title_and_id() {
        let yaml = "title: >-\n  A\n  b\nx: {title: no, id: [1]}\nid: 1\n---\n[x, y]\n---\n\
                    detection: [{id: 2}]\ntitle: c\n---\n# nothing\n---\na: [";
        let file = RuleFile { path: "x".into(), yaml: yaml.into() };
        let told: Vec<_> = documents(&file).into_iter().map(|one| (one.title, one.id)).collect();
        let told: Vec<_> = told.iter().map(|(title, id)| (title.as_str(), id.as_str())).collect();
        assert_eq!(told[..3], [("A b", "1"), ("", ""), ("c", "")], "{told:?}");
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_what_is_no_rule_is_refused() {
        let none = compile(&["no/such".into()], &BTreeMap::new()).unwrap_err();
        assert_eq!(none.to_string(), "cannot read the rules no/such");
        let dir = folder(&[("notes.md", "")]);
        let none = compile(&[dir.path().to_owned()], &BTreeMap::new()).unwrap_err();
        assert!(none.to_string().contains("files named *.yml or *.yaml"), "{none}");
        let dir = folder(&[("bad.yml", "a: [")]);
        fs::write(dir.path().join("worse.yml"), b"\xff").unwrap();
        let rules = compile(&[dir.path().to_owned()], &BTreeMap::new()).unwrap();
        assert_eq!((rules.loaded(), rules.refused, rules.is_flawless()), (0, 2, false));
        let files: Vec<_> = rules.refusals.iter().map(|one| one.file.as_str()).collect();
        assert!(files.contains(&dir.path().join("bad.yml").to_str().unwrap()), "{files:?}");
    }

    #[test]
    fn a_document_about_others_is_not_counted_as_a_rule() {
        let rule = |event: &str| {
            format!("title: On {event}\ndetection:\n  s: {{{event}: A}}\n  condition: s\n")
        };
        let yaml = format!(
            "action: global\nlogsource: {{product: aws, service: cloudtrail}}\n---\n{}---\n{}---\n\
             action: reset\n",
            rule("eventName"),
            rule("eventName|foo")
        );
        let dir =
            folder(&[("all.yml", yaml.as_str()), ("empty.yml", ""), ("nothing.yml", "# -\n")]);
        let rules = compile(&[dir.path().to_owned()], &BTreeMap::new()).unwrap();
        assert_eq!((rules.loaded(), rules.refused), (1, 3), "{:?}", rules.refusals);
    }
}
