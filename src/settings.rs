//! The settings of a detector: one JSON document (hosts turn YAML into it).
//!
//! Everything wrong with a document is reported at once, each problem with the path at which it
//! stands, what stands there and what is allowed. `docs/settings.md` describes every key.

use std::fmt;

use serde_json::{Map, Value};

use crate::memory::Limits;

/// A setting that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands: `trusted_organizations[1]`.
    pub path: String,
    /// What stands there, as JSON.
    pub value: String,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path.as_str(), self.value.as_str()) {
            ("", _) => f.write_str(&self.problem),
            (path, "") => write!(f, "{path}: {}", self.problem),
            (path, value) => write!(f, "{path}: {value}: {}", self.problem),
        }
    }
}

/// Whose an organization is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The settings' own.
    Own,
    /// One that the settings trust.
    Trusted,
    /// Any other.
    Other,
}

impl Destination {
    /// As rules compare it.
    pub fn as_str(self) -> &'static str {
        match self {
            Destination::Own => "own",
            Destination::Trusted => "trusted",
            Destination::Other => "other",
        }
    }
}

/// What a user may say of their organization and of the detector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The management account of the user's organization.
    pub management_account: Option<String>,
    /// The user's organization, `o-…`.
    pub organization: Option<String>,
    /// Organizations that accounts may go to.
    pub trusted_organizations: Vec<String>,
    /// How much is remembered.
    pub memory: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            management_account: None,
            organization: None,
            trusted_organizations: Vec::new(),
            memory: Limits {
                events: 100_000,
                terms: 100_000,
            },
        }
    }
}

impl Settings {
    /// Reads and checks a document.
    pub fn from_json(text: &str) -> Result<Settings, Vec<Problem>> {
        let document: Value = serde_json::from_str(text).map_err(|error| {
            vec![Problem {
                path: String::new(),
                value: String::new(),
                problem: format!("the settings are not JSON: {error}"),
            }]
        })?;
        let mut check = Check::default();
        let mut settings = Settings::default();
        for (key, value) in check.object("", &document) {
            match key.as_str() {
                "management_account" => {
                    settings.management_account = check.text(key, value, is_account, ACCOUNT);
                }
                "organization" => {
                    settings.organization = check.text(key, value, is_organization, ORGANIZATION);
                }
                "trusted_organizations" => {
                    settings.trusted_organizations =
                        check.texts(key, value, is_organization, ORGANIZATION);
                }
                "memory" => check.memory(value, &mut settings.memory),
                _ => check.unknown(
                    key,
                    "management_account, organization, trusted_organizations and memory are",
                ),
            }
        }
        match check.problems.is_empty() {
            true => Ok(settings),
            false => Err(check.problems),
        }
    }

    /// Whose an organization is.
    pub fn destination(&self, organization: &str) -> Destination {
        if self.organization.as_deref() == Some(organization) {
            Destination::Own
        } else if self.trusted_organizations.iter().any(|o| o == organization) {
            Destination::Trusted
        } else {
            Destination::Other
        }
    }
}

const ACCOUNT: &str = "an account number is 12 digits, in quotes";
const ORGANIZATION: &str = "an organization id is o- and 10 to 32 lower-case letters or digits";

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// Collects what is wrong.
#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn wrong(&mut self, path: &str, value: &Value, problem: &str) {
        self.problems.push(Problem {
            path: path.to_owned(),
            value: crate::record::shortened(&value.to_string(), 80).into_owned(),
            problem: problem.to_owned(),
        });
    }

    fn unknown(&mut self, path: &str, known: &str) {
        self.problems.push(Problem {
            path: path.to_owned(),
            value: String::new(),
            problem: format!("no such setting: {known}"),
        });
    }

    fn object<'a>(
        &mut self,
        path: &str,
        value: &'a Value,
    ) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        static NONE: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();
        let map = value.as_object().unwrap_or_else(|| {
            // `null` is an empty YAML file.
            if !value.is_null() {
                self.wrong(path, value, "expected names and values");
            }
            NONE.get_or_init(Map::new)
        });
        map.iter()
    }

    fn text(
        &mut self,
        path: &str,
        value: &Value,
        valid: fn(&str) -> bool,
        allowed: &str,
    ) -> Option<String> {
        match value.as_str() {
            Some(text) if valid(text) => Some(text.to_owned()),
            _ => {
                self.wrong(path, value, allowed);
                None
            }
        }
    }

    fn texts(
        &mut self,
        path: &str,
        value: &Value,
        valid: fn(&str) -> bool,
        allowed: &str,
    ) -> Vec<String> {
        let Some(list) = value.as_array() else {
            self.wrong(path, value, "expected a list");
            return Vec::new();
        };
        list.iter()
            .enumerate()
            .filter_map(|(n, value)| self.text(&format!("{path}[{n}]"), value, valid, allowed))
            .collect()
    }

    fn memory(&mut self, value: &Value, limits: &mut Limits) {
        for (key, value) in self.object("memory", value) {
            let path = format!("memory.{key}");
            let limit = match key.as_str() {
                "events" => &mut limits.events,
                "terms" => &mut limits.terms,
                _ => {
                    self.unknown(&path, "events and terms are");
                    continue;
                }
            };
            match value.as_u64() {
                Some(most @ 1..=10_000_000) => *limit = most as usize,
                _ => self.wrong(&path, value, "a whole number from 1 to 10000000"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_named_at_once() {
        let problems = Settings::from_json(
            r#"{"management_account": 111122223333, "organization": "o-x",
                "trusted_organizations": ["o-abcdefghij", 7], "memory": {"events": 0}, "colour": 1}"#,
        )
        .unwrap_err();
        let paths: Vec<_> = problems
            .iter()
            .map(|problem| problem.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "colour",
                "management_account",
                "memory.events",
                "organization",
                "trusted_organizations[1]"
            ]
        );
        assert_eq!(
            problems[1].to_string(),
            "management_account: 111122223333: an account number is 12 digits, in quotes"
        );
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert_eq!(Settings::from_json("null").unwrap(), Settings::default());
    }
}
