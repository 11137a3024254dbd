//! The files of rules below a path, and their texts.

use std::fs;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Error;

/// The most bytes of one file of rules, and the most files.
const MOST: (u64, usize) = (1 << 20, 100_000);

/// The file that makes a folder a case, and the one beside it that is no rule.
const CASE: (&str, &str) = ("events.ndjson", "settings.yaml");

/// A file of rules, or a place that could hold some.
#[derive(Debug)]
pub(super) struct Found {
    /// Its name below the path that was given.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// The text, or why there is none.
    pub(super) text: Result<String, String>,
}

/// The files of rules at a path. What is there and cannot be read is among them: one bad file must not keep
/// the others from running.
pub(super) fn found(path: &Path) -> Result<Vec<Found>, Error> {
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => in_folder(path),
        Err(source) if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(Error::Read { path: path.to_owned(), source })
        }
        _ => {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            Ok(vec![Found { name, path: path.to_owned(), text: read(path) }])
        }
    }
}

fn in_folder(folder: &Path) -> Result<Vec<Found>, Error> {
    let mut files = Vec::new();
    let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.path()));
    for entry in entries {
        let (path, text) = match entry {
            Ok(entry) if entry.file_type().is_dir() || !is_rule(entry.path()) => continue,
            // A pipe may have no end.
            Ok(entry) if !entry.file_type().is_file() => {
                (entry.into_path(), Err("it is not a file".into()))
            }
            Ok(entry) => (entry.path().to_owned(), read(entry.path())),
            Err(err) => {
                let path = err.path().unwrap_or(folder).to_owned();
                // Editors leave hidden links to nowhere.
                if err.depth() > 0 && is_hidden(&path) || is_settings(&path) {
                    continue;
                }
                (path, Err(reason(&err)))
            }
        };
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        files.push(Found { name, path, text });
        if files.len() > MOST.1 {
            return Err(Error::TooMany(folder.to_owned()));
        }
    }
    if files.is_empty() { Err(Error::None(folder.to_owned())) } else { Ok(files) }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_rule(path: &Path) -> bool {
    path.extension().is_some_and(|ext| ext == "yml" || ext == "yaml") && !is_settings(path)
}

/// Whether it is the settings of a case.
fn is_settings(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == CASE.1) && path.with_file_name(CASE.0).exists()
}

fn reason(err: &walkdir::Error) -> String {
    match (err.loop_ancestor(), err.io_error()) {
        (Some(folder), _) => format!("it is a link back to {}, which holds it", folder.display()),
        (None, Some(source)) => unreadable(source),
        (None, None) => err.to_string(),
    }
}

fn unreadable(source: &io::Error) -> String {
    format!("it cannot be read: {source}")
}

fn read(file: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = fs::File::open(file).and_then(|open| open.take(MOST.0 + 1).read_to_end(&mut bytes));
    read.map_err(|source| unreadable(&source))?;
    if bytes.len() as u64 > MOST.0 {
        return Err("the file has more than 1 MiB, and no file of rules has".into());
    }
    String::from_utf8(bytes).map_err(|_| "the file is not UTF-8 text".into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{RULE, folder};
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        found(path).unwrap().into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn rules_are_all_files_of_yaml_but_settings_of_cases() {
        let dir = folder(&[
            ("b.yaml", RULE),
            ("a/one.yml", RULE),
            ("a/notes.md", ""),
            ("a/settings.yaml", RULE),
            (".github/ci.yml", ""),
            ("cases/x/events.ndjson", ""),
            ("cases/x/settings.yaml", ""),
            ("cases/x/beside.yml", RULE),
            ("cases/x/below/two.yml", RULE),
        ]);
        let all = [
            "a/one.yml",
            "a/settings.yaml",
            "b.yaml",
            "cases/x/below/two.yml",
            "cases/x/beside.yml",
        ];
        assert_eq!(names(dir.path()), all);
        assert_eq!(names(&dir.path().join("b.yaml")), ["b.yaml"]);
        assert_eq!(names(&dir.path().join("cases/x")), ["below/two.yml", "beside.yml"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_read_is_named_with_the_reason_once() {
        use std::os::unix::fs::symlink;
        let dir = folder(&[("a.yml", RULE), ("big.yml", &"#".repeat((1 << 20) + 1))]);
        for (link, to) in
            [("gone.yml", "nowhere"), (".#a.yml", "nowhere"), ("self.yml", "self.yml"), ("up", ".")]
        {
            symlink(to, dir.path().join(link)).unwrap();
        }
        let told: Vec<_> = found(dir.path()).unwrap();
        let told: Vec<_> = told.iter().map(|one| (&*one.name, one.text.as_ref().err())).collect();
        let names: Vec<_> = told.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["a.yml", "big.yml", "gone.yml", "self.yml", "up"]);
        assert!(told[0].1.is_none() && told[1..].iter().all(|(_, err)| err.is_some()));
        assert!(told[1].1.unwrap().contains("more than 1 MiB"), "{told:?}");
        assert_eq!(told[2].1.unwrap().matches("No such file").count(), 1, "{told:?}");
        assert!(told[4].1.unwrap().starts_with("it is a link back to"), "{told:?}");
    }
}
