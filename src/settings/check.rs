//! Reading a document and collecting everything that is wrong with it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Problem;

/// An account number.
pub(super) const ACCOUNT: Allowed = Allowed {
    valid: |text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()),
    allowed: "an account number is 12 digits, in quotes",
};

/// An organization's id.
pub(super) const ORGANIZATION: Allowed = Allowed {
    valid: |text| {
        text.strip_prefix("o-").is_some_and(|id| {
            (10..=32).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
    },
    allowed: "an organization id is o- and 10 to 32 lower-case letters or digits",
};

/// A policy's id.
pub(super) const POLICY: Allowed = Allowed {
    valid: |text| {
        text.strip_prefix("p-").is_some_and(|id| {
            (8..=128).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        })
    },
    allowed: "a policy id is p- and 8 to 128 letters, digits or underscores",
};

/// A wildcard over ARNs or names.
pub(super) const WILDCARD: Allowed = Allowed {
    valid: |text| {
        let glob = orgwatch_sigma::Glob::wildcard(text);
        let anybody =
            ["arn:aws:iam::111111111111:user/a", "arn:aws-cn:sts::999999999999:assumed-role/z/9"];
        !text.trim().is_empty()
            && !text.contains("**")
            && !text.contains(|c: char| c.is_control())
            && !anybody.iter().all(|arn| crate::rules::glob_matches(&glob, arn))
    },
    allowed: "a wildcard names something: * stands for any text and ? for one character, ** and a \
              wildcard for everything are not allowed",
};

/// A point in time.
pub(super) const TIME: Allowed = Allowed {
    valid: |text| text.contains('T') && crate::record::parse_time(text).is_some(),
    allowed: "a time is written as 2026-12-31T00:00:00Z",
};

/// Something that is written, so that nobody need ask.
pub(super) const PROSE: Allowed = Allowed {
    valid: |text| !text.trim().is_empty() && text.chars().count() <= 1000,
    allowed: "say it in up to 1000 characters",
};

/// What a text may be.
#[derive(Clone, Copy)]
pub(super) struct Allowed {
    pub valid: fn(&str) -> bool,
    pub allowed: &'static str,
}

/// Collects what is wrong.
#[derive(Default)]
pub(super) struct Check {
    pub problems: Vec<Problem>,
}

impl Check {
    pub fn wrong(&mut self, path: &str, value: &Value, problem: &str) {
        self.problems.push(Problem {
            path: path.to_owned(),
            value: crate::record::shortened(&value.to_string(), 80).into_owned(),
            problem: problem.to_owned(),
        });
    }

    /// Names and values, of which only the known names are let through.
    pub fn object<'a>(
        &mut self,
        path: &str,
        value: &'a Value,
        known: &[&str],
    ) -> BTreeMap<&'a str, &'a Value> {
        let Some(map) = value.as_object() else {
            // `null` is an empty YAML file.
            if !value.is_null() {
                self.wrong(path, value, "expected names and values");
            }
            return BTreeMap::new();
        };
        let mut found = BTreeMap::new();
        for (key, value) in map {
            if known.contains(&key.as_str()) {
                found.insert(key.as_str(), value);
            } else {
                self.problems.push(Problem {
                    path: below(path, key),
                    value: String::new(),
                    problem: format!("no such setting; there are {}", known.join(", ")),
                });
            }
        }
        found
    }

    pub fn list<'a>(&mut self, path: &str, value: &'a Value) -> Vec<(String, &'a Value)> {
        match value.as_array() {
            Some(list) => {
                list.iter().enumerate().map(|(n, value)| (format!("{path}[{n}]"), value)).collect()
            }
            None => {
                self.wrong(path, value, "expected a list");
                Vec::new()
            }
        }
    }

    pub fn text(&mut self, path: &str, value: &Value, allowed: Allowed) -> Option<String> {
        match value.as_str() {
            Some(text) if (allowed.valid)(text) => Some(text.to_owned()),
            _ => {
                self.wrong(path, value, allowed.allowed);
                None
            }
        }
    }

    pub fn texts(&mut self, path: &str, value: &Value, allowed: Allowed) -> Vec<String> {
        self.list(path, value)
            .into_iter()
            .filter_map(|(path, value)| self.text(&path, value, allowed))
            .collect()
    }

    pub fn time(&mut self, path: &str, value: &Value) -> Option<i64> {
        crate::record::parse_time(&self.text(path, value, TIME)?)
    }

    pub fn whole(&mut self, path: &str, value: &Value, most: u64) -> Option<u64> {
        let number = value.as_u64().filter(|number| (1..=most).contains(number));
        if number.is_none() {
            self.wrong(path, value, &format!("a whole number from 1 to {most}"));
        }
        number
    }

    /// `90s`, `30m`, `2h`, `10d`, in seconds.
    pub fn duration(&mut self, path: &str, value: &Value) -> Option<i64> {
        let seconds = value.as_str().and_then(|text| {
            let unit = match text.chars().last()? {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                _ => return None,
            };
            let count: i64 = text[..text.len() - 1].parse().ok()?;
            (0..=36_500 * 86_400 / unit).contains(&count).then_some(count * unit)
        });
        if seconds.is_none() {
            self.wrong(path, value, "a duration is written as 90s, 30m, 2h or 10d");
        }
        seconds
    }
}

/// A path one key further down.
pub(super) fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
