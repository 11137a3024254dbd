//! Cases: events in, findings out. A released artifact passes all of its own.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder, read::GzDecoder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The section's name. It holds gzip; in it, one [`Case`] a line, as JSON, in the order of names.
pub const CASES: &str = "orgwatch:cases";

/// The most that the section may decompress to: an artifact may be anybody's.
const MOST: u64 = 256 << 20;

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its folder below the one that holds all of them, with `/`.
    pub name: String,
    /// `about.md`: what it shows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// `settings.yaml`, as JSON: what the detector is opened with.
    #[serde(default = "no_settings", skip_serializing_if = "is_empty")]
    pub settings: Value,
    /// `events.ndjson`: one batch of newline-delimited events.
    pub events: String,
    /// `findings.ndjson`: what the batch must give, in order, one finding a line.
    pub findings: String,
}

fn no_settings() -> Value {
    Value::Object(serde_json::Map::new())
}

fn is_empty(settings: &Value) -> bool {
    settings.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Cases that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// A file or folder cannot be.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// A case's settings are no YAML.
    #[error("{path} is not YAML")]
    Settings {
        /// The file.
        path: PathBuf,
        /// The problem.
        #[source]
        source: yaml_serde::Error,
    },

    /// A folder without a case.
    #[error(
        "there is no case below {0}: a case is a folder with events.ndjson, findings.ndjson and, if \
         it needs one, settings.yaml"
    )]
    None(PathBuf),

    /// The section does not decompress.
    #[error("it is no whole gzip")]
    Gzip(#[source] io::Error),

    /// The section does not hold cases.
    #[error("line {line} is no case")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// The problem.
        #[source]
        source: serde_json::Error,
    },
}

impl Case {
    /// Every case below a folder, in the order of their names. A case is a folder that holds
    /// `events.ndjson` and `findings.ndjson`; `settings.yaml` and `about.md` may be there.
    pub fn read_all(folder: &Path) -> Result<Vec<Case>, CaseError> {
        let mut cases = Vec::new();
        collect(folder, String::new(), &mut cases)?;
        if cases.is_empty() {
            return Err(CaseError::None(folder.to_owned()));
        }
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(cases)
    }

    fn read(folder: &Path, name: String) -> Result<Case, CaseError> {
        let settings = match optional(&folder.join("settings.yaml"))? {
            Some(yaml) => yaml_serde::from_str(&yaml).map_err(|source| CaseError::Settings {
                path: folder.join("settings.yaml"),
                source,
            })?,
            None => no_settings(),
        };
        Ok(Case {
            name,
            about: optional(&folder.join("about.md"))?.unwrap_or_default(),
            settings,
            events: required(&folder.join("events.ndjson"))?,
            findings: required(&folder.join("findings.ndjson"))?,
        })
    }

    /// The section's content. The same cases give the same bytes.
    pub fn pack(cases: &[Case]) -> io::Result<Vec<u8>> {
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
        for case in cases {
            serde_json::to_writer(&mut gzip, case)?;
            gzip.write_all(b"\n")?;
        }
        gzip.finish()
    }

    /// Reads the section's content.
    pub fn unpack(section: &[u8]) -> Result<Vec<Case>, CaseError> {
        let mut text = String::new();
        let mut gzip = GzDecoder::new(section).take(MOST + 1);
        gzip.read_to_string(&mut text).map_err(CaseError::Gzip)?;
        if text.len() as u64 > MOST {
            let problem = format!("it decompresses to more than {} MiB", MOST >> 20);
            return Err(CaseError::Gzip(io::Error::other(problem)));
        }
        let lines = text.lines().enumerate();
        lines
            .map(|(index, line)| {
                serde_json::from_str(line)
                    .map_err(|source| CaseError::Line { line: index + 1, source })
            })
            .collect()
    }
}

fn collect(folder: &Path, name: String, cases: &mut Vec<Case>) -> Result<(), CaseError> {
    let failed = |source| CaseError::Read { path: folder.to_owned(), source };
    if folder.join("events.ndjson").exists() {
        cases.push(Case::read(folder, name)?);
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // Not through links: a folder that links to itself has no end.
        if entry.file_type().map_err(failed)?.is_dir() {
            let own = entry.file_name().to_string_lossy().into_owned();
            let name = if name.is_empty() { own } else { format!("{name}/{own}") };
            collect(&entry.path(), name, cases)?;
        }
    }
    Ok(())
}

fn required(path: &Path) -> Result<String, CaseError> {
    fs::read_to_string(path).map_err(|source| CaseError::Read { path: path.to_owned(), source })
}

fn optional(path: &Path) -> Result<Option<String>, CaseError> {
    match required(path) {
        Ok(text) => Ok(Some(text)),
        Err(CaseError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn cases_are_folders_in_the_order_of_their_names() {
        let dir = folder(&[
            ("b/two/events.ndjson", "{}\n"),
            ("b/two/findings.ndjson", ""),
            ("a/events.ndjson", "{}\n"),
            ("a/findings.ndjson", "{}\n"),
            ("a/settings.yaml", "accounts: [\"1\"]"),
            ("a/about.md", "What it shows.\n"),
            ("README.md", "not a case"),
        ]);
        let cases = Case::read_all(dir.path()).unwrap();
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["a", "b/two"]);
        assert_eq!(cases[0].settings, serde_json::json!({ "accounts": ["1"] }));
        assert_eq!(cases[0].about, "What it shows.\n");
        let section = Case::pack(&cases).unwrap();
        assert_eq!(Case::pack(&cases).unwrap(), section);
        assert_eq!(Case::unpack(&section).unwrap(), cases);
    }

    #[test]
    fn what_is_missing_is_named() {
        let dir = folder(&[("a/events.ndjson", "{}")]);
        let err = Case::read_all(dir.path()).unwrap_err().to_string();
        assert!(err.ends_with("a/findings.ndjson"), "{err}");
        let err = Case::read_all(&dir.path().join("no")).unwrap_err().to_string();
        assert!(err.starts_with("cannot read "), "{err}");
        let err = Case::read_all(folder(&[("x", "")]).path()).unwrap_err().to_string();
        assert!(err.contains("a case is a folder with"), "{err}");
    }

    #[test]
    fn damage_in_the_section_is_found() {
        let case = Case {
            name: "a".into(),
            about: String::new(),
            settings: no_settings(),
            events: "{}\n".into(),
            findings: String::new(),
        };
        let mut section = Case::pack(&[case]).unwrap();
        let last = section.len() - 5;
        section[last] ^= 1;
        let err = Case::unpack(&section).unwrap_err().to_string();
        assert_eq!(err, "it is no whole gzip");
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
        gzip.write_all(b"{}\n").unwrap();
        let err = Case::unpack(&gzip.finish().unwrap()).unwrap_err().to_string();
        assert_eq!(err, "line 1 is no case");
    }
}
