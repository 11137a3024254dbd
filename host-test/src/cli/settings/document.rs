//! A settings file: YAML for people, JSON for the guest.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use orgwatch_host::output::report;
use orgwatch_host::plugin::Problem;
use serde_json::Value;

use super::places::Places;

/// The name of settings that nobody gave.
const DEFAULTS: &str = "the default settings";

/// The name of those that a component has of its own.
const OF_COMPONENT: &str = "those of the component";

/// Settings that are YAML; whether they can be used is not known yet.
#[derive(Debug)]
pub(in crate::cli) struct Document {
    /// Their name in messages.
    name: String,
    text: String,
    value: Value,
}

/// Something wrong with a setting, and where.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(in crate::cli) struct Wrong {
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    warning: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    path: String,
    value: String,
    problem: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if self.warning {
            f.write_str(": warning")?;
        }
        for part in [&self.path, &self.value, &self.problem] {
            if !part.is_empty() {
                write!(f, ": {part}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Wrong {}

impl Wrong {
    /// The same, as something that can be used and is likely not meant.
    pub(super) fn into_warning(self) -> Self {
        Wrong { warning: true, ..self }
    }
}

/// Settings that cannot be used, with a line for each problem.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub(in crate::cli) struct Refused(pub(in crate::cli) Vec<String>);

impl Refused {
    /// The error of these problems.
    pub(in crate::cli) fn of(problems: &[Wrong]) -> Self {
        Refused(problems.iter().map(ToString::to_string).collect())
    }
}

impl Document {
    /// The settings of a run without any.
    pub(in crate::cli) fn empty() -> Self {
        let value = Value::Object(serde_json::Map::new());
        Document { name: DEFAULTS.into(), text: String::new(), value }
    }

    /// Those that a component has of its own, which nobody else can read.
    pub(in crate::cli) fn of_component() -> Self {
        Document { name: OF_COMPONENT.into(), ..Self::empty() }
    }

    /// Reads a file. Fails with [`Wrong`] on what is no YAML.
    pub(in crate::cli) fn read(file: &Path) -> anyhow::Result<Self> {
        let name = file.display().to_string();
        let bytes = fs::read(file).with_context(|| format!("cannot read the settings {name}"))?;
        Ok(Self::parse(name, &bytes)?)
    }

    fn parse(name: String, bytes: &[u8]) -> Result<Self, Wrong> {
        let wrong = |line, problem| Wrong {
            name: name.clone(),
            warning: false,
            line,
            path: String::new(),
            value: String::new(),
            problem,
        };
        let text = std::str::from_utf8(bytes).map_err(|err| {
            let before = &bytes[..err.valid_up_to()];
            let line = memchr::memchr_iter(b'\n', before).count() + 1;
            wrong(Some(line), "the settings are not UTF-8 text".into())
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // By way of YAML's own values: only they notice a key that is there twice.
        let value: Result<yaml_serde::Value, _> = yaml_serde::from_str(text);
        let value = value.map_err(|err| {
            if let Some((path, first, again)) = Places::of(text).twice {
                let problem = format!("{path} is there already, on line {first}");
                return wrong(Some(again), problem);
            }
            let line = err.location().map(|place| place.line());
            wrong(line, format!("the settings are not YAML: {err}"))
        })?;
        let mut value = serde_json::to_value(&value)
            .map_err(|err| wrong(None, format!("the settings are not YAML of this kind: {err}")))?;
        if value.is_null() {
            // A file with nothing in it.
            value = Value::Object(serde_json::Map::new());
        }
        Ok(Document { name, text: text.to_owned(), value })
    }

    /// As it stands there.
    pub(in crate::cli) fn value(&self) -> &Value {
        &self.value
    }

    /// As JSON.
    pub(in crate::cli) fn json(&self) -> String {
        self.value.to_string()
    }

    /// Whether they may ask for accounts that fall silent: those of a component nobody else can read.
    pub(in crate::cli) fn may_tell_silence(&self) -> bool {
        self.name == OF_COMPONENT || self.value.get("silence").is_some_and(|told| !told.is_null())
    }

    /// As JSON, with records looked for under any key: a person who names files wants all that is in them.
    pub(in crate::cli) fn for_files(&self) -> String {
        let mut value = self.value.clone();
        if let Some(settings) = value.as_object_mut() {
            settings.insert("record_at".into(), serde_json::json!(["*"]));
        }
        value.to_string()
    }

    /// The settings as a report shows them.
    pub(in crate::cli) fn used(&self) -> report::Settings {
        report::Settings {
            name: (self.name != DEFAULTS).then(|| self.name.clone()),
            text: self.text.clone(),
            json: self.value.clone(),
        }
    }

    /// Problems that a detector or the checker found, each with its place; in the order of their lines.
    pub(in crate::cli) fn refused(&self, problems: &[Problem]) -> Vec<Wrong> {
        self.wrong(problems.iter().map(|one| (&one.path[..], &one.value[..], &one.problem[..])))
    }

    /// Problems with these settings, each with its place; in the order of their lines.
    pub(in crate::cli) fn wrong<'a>(
        &self,
        problems: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Vec<Wrong> {
        let places = Places::of(&self.text);
        let mut all: Vec<Wrong> = problems
            .into_iter()
            .map(|(path, value, problem)| Wrong {
                name: self.name.clone(),
                warning: false,
                line: places.line(path),
                path: path.to_owned(),
                value: value.to_owned(),
                problem: problem.to_owned(),
            })
            .collect();
        all.sort_by_key(|wrong| wrong.line);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document, Wrong> {
        Document::parse("file".into(), text.as_bytes())
    }

    #[test]
    fn yaml_becomes_json() {
        let yaml =
            "# ours\nmanagement_account: \"000000000001\"\ntrusted_organizations:\n  - o-a\n";
        let json = r#"{"management_account":"000000000001","trusted_organizations":["o-a"]}"#;
        assert_eq!(parse(yaml).unwrap().json(), json);
        assert_eq!(parse(json).unwrap().json(), json);
        assert_eq!(parse(&format!("\u{feff}{yaml}")).unwrap().json(), json);
    }

    #[test]
    fn nothing_means_the_defaults() {
        assert_eq!(parse("").unwrap().json(), "{}");
        assert_eq!(parse("# nothing\n").unwrap().json(), "{}");
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_place() {
        for (yaml, line, part) in [
            ("a: [", Some(2), "line 2"),
            ("a: 1\n\na: 2", Some(3), "a is there already, on line 1"),
            ("a: {b: 1,\n \"b\": 2}", Some(2), "a.b is there already, on line 1"),
            ("a: 1\n---\nb: 2", None, "more than one document"),
            ("? [1]\n: 2", None, "key must be a string"),
        ] {
            let err = parse(yaml).unwrap_err();
            assert_eq!(err.line, line, "{yaml:?}: {err}");
            assert!(err.to_string().contains(part), "{yaml:?}: {err}");
        }
        let err = Document::parse("file".into(), b"a: 1\nb: \xff").unwrap_err();
        assert_eq!(err.to_string(), "file:2: the settings are not UTF-8 text");
    }

    #[test]
    fn problems_stand_in_the_order_of_their_lines() {
        let document = parse("b: 1\na: 2\n").unwrap();
        let wrong = document.wrong([("a", "2", "no"), ("b", "1", "no"), ("c", "", "missing")]);
        let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        assert_eq!(wrong, ["file: c: missing", "file:1: b: 1: no", "file:2: a: 2: no"]);
    }
}
