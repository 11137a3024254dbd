//! A user's own Sigma rules: found in files and folders, and compiled to a pack.

pub mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use orgwatch_sigma::compile::{self, Attack, OtherSource, Problem, RuleFile};
use orgwatch_sigma::{Pack, RuleMetadata};
use saphyr_parser::{Event, Parser};
use walkdir::{DirEntry, WalkDir};

/// The most bytes of one file of rules, and the most files.
const MOST: (u64, usize) = (1 << 20, 100_000);

/// The file that makes a folder a case: nothing in it is a rule.
const EVENTS: &str = "events.ndjson";

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
    id: String,
    title: String,
}

/// Rules that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be.
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

    /// A file is longer than any rule.
    #[error("{} has more than 1 MiB, and no file of rules has", .0.display())]
    TooLong(PathBuf),

    /// There are more files than anybody has rules.
    #[error("{} has more than 100,000 files of rules", .0.display())]
    TooMany(PathBuf),
}

/// Compiles the rules of files and folders, in the order of their paths. In folders they are the files
/// named `*.yml` and `*.yaml`, but for those in hidden folders and in cases, which are the folders with
/// an `events.ndjson`.
///
/// `fields` are the names that rules have for fields of CloudTrail. Fails on what cannot be read; a rule
/// that cannot be evaluated is among [`OwnRules::refusals`], and the others are compiled.
pub fn compile(paths: &[PathBuf], fields: &BTreeMap<String, String>) -> Result<OwnRules, Error> {
    let (mut files, mut refusals, mut shown) = (Vec::new(), Vec::new(), BTreeMap::new());
    for path in paths {
        for (name, file) in found(path)? {
            let display = file.display().to_string();
            // Two folders may have files of one name.
            let path = if shown.contains_key(&name) { display.clone() } else { name };
            match String::from_utf8(read(&file)?) {
                Ok(yaml) => files.push(RuleFile { path: path.clone(), yaml }),
                Err(_) => refusals.push(Problem {
                    file: path.clone(),
                    line: 1,
                    column: 1,
                    text: "the file is not UTF-8 text".into(),
                }),
            }
            shown.insert(path, display);
        }
    }
    let mut options = compile::Options::default();
    options.fields = fields.clone();
    let compiled = compile::compile(&files, &Attack::known(), &options);
    let display = |file: String| shown.get(&file).cloned().unwrap_or(file);
    let placed = |problem: Problem| Problem { file: display(problem.file), ..problem };
    refusals.extend(compiled.refusals);
    let refusals: Vec<Problem> = refusals.into_iter().map(placed).collect();
    let documents: Vec<Document> = files.iter().flat_map(documents).collect();
    let unread = shown.len().saturating_sub(files.len());
    let kept = compiled.pack.rules.len() + compiled.pack.correlations.len();
    let kept =
        compiled.other_sources.iter().map(|source| source.rules).fold(kept, usize::saturating_add);
    let refused =
        (documents.len() + unread).saturating_sub(kept).max(usize::from(!refusals.is_empty()));
    Ok(OwnRules {
        pack: compiled.pack,
        refused: if refusals.is_empty() { 0 } else { refused },
        refusals,
        warnings: compiled.warnings.into_iter().map(placed).collect(),
        other_sources: compiled.other_sources,
        documents: documents
            .into_iter()
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
        let by_id = self.documents.iter().find(|one| one.id.eq_ignore_ascii_case(&about.id));
        let by_title = || self.documents.iter().find(|one| one.title == about.title);
        by_id.or_else(by_title).map(|one| one.file.as_str())
    }
}

/// The files of rules at a path, each with its name below that.
fn found(path: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let failed = |path: &Path, source| Error::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(|source| failed(path, source))?.is_dir() {
        let name = path.file_name().unwrap_or(path.as_os_str());
        return Ok(vec![(name.to_string_lossy().into_owned(), path.to_owned())]);
    }
    let mut files = Vec::new();
    let entries = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(may_hold_rules) {
        let entry = entry.map_err(|err| {
            let path = err.path().unwrap_or(path).to_owned();
            Error::Read { path, source: err.into() }
        })?;
        let is_rule = entry.path().extension().is_some_and(|ext| ext == "yml" || ext == "yaml");
        if is_rule && entry.file_type().is_file() {
            let name = entry.path().strip_prefix(path).unwrap_or(entry.path());
            files.push((name.display().to_string(), entry.path().to_owned()));
            if files.len() > MOST.1 {
                return Err(Error::TooMany(path.to_owned()));
            }
        }
    }
    if files.is_empty() { Err(Error::None(path.to_owned())) } else { Ok(files) }
}

/// Whether an entry is neither hidden nor a case.
fn may_hold_rules(entry: &DirEntry) -> bool {
    let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
    let is_case = || entry.file_type().is_dir() && entry.path().join(EVENTS).exists();
    entry.depth() == 0 || !hidden && !is_case()
}

fn read(file: &Path) -> Result<Vec<u8>, Error> {
    use io::Read as _;
    let mut bytes = Vec::new();
    let open = fs::File::open(file).and_then(|open| open.take(MOST.0 + 1).read_to_end(&mut bytes));
    open.map_err(|source| Error::Read { path: file.to_owned(), source })?;
    match bytes.len() as u64 > MOST.0 {
        true => Err(Error::TooLong(file.to_owned())),
        false => Ok(bytes),
    }
}

/// The documents of a file, as far as it is YAML; what is none is one of them. By events, so that
/// neither deep nesting nor what aliases stand for is built.
fn documents(file: &RuleFile) -> Vec<Document> {
    let mut all: Vec<Document> = Vec::new();
    let (mut depth, mut key) = (0_u32, None);
    for event in Parser::new_from_str(&file.yaml) {
        let Ok((event, _)) = event else {
            if depth == 0 {
                all.push(Document { file: file.path.clone(), ..Document::default() });
            }
            break;
        };
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if depth == 0 {
                    all.push(Document { file: file.path.clone(), ..Document::default() });
                }
                (depth, key) = (depth.saturating_add(1), key.filter(|_| depth == 0));
            }
            Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
            Event::Scalar(text, ..) if depth == 1 => {
                let words = || text.split_whitespace().collect::<Vec<_>>().join(" ");
                match (key.take(), all.last_mut()) {
                    (Some("title"), Some(document)) => document.title = words(),
                    (Some("id"), Some(document)) => document.id = words(),
                    (Some(_), _) => {}
                    (None, _) => {
                        key = Some(match &*text {
                            "title" => "title",
                            "id" => "id",
                            _ => "",
                        });
                    }
                }
            }
            Event::Alias(_) if depth == 1 => key = None,
            _ => {}
        }
    }
    all
}

/// The slugs of rules and chains that give findings of their own.
pub fn public_slugs(pack: &Pack) -> BTreeSet<String> {
    pack.public().iter().map(|about| about.slug.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "title: A user left\nid: 5a0b2f4e-8a53-4f0e-9d2c-6a3f5c1d7e90\nlevel: high\n\
        logsource: {product: aws, service: cloudtrail}\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    fn names(path: &Path) -> Vec<String> {
        found(path).unwrap().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn rules_are_all_files_of_yaml_but_those_of_cases() {
        let dir = folder(&[
            ("b.yaml", RULE),
            ("a/one.yml", RULE),
            ("a/notes.md", ""),
            (".github/ci.yml", ""),
            ("cases/x/events.ndjson", ""),
            ("cases/x/settings.yaml", ""),
        ]);
        assert_eq!(names(dir.path()), ["a/one.yml", "b.yaml"]);
        assert_eq!(names(&dir.path().join("b.yaml")), ["b.yaml"]);
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
}
