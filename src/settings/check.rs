//! Reading a document and collecting everything that is wrong with it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Problem;
use crate::record::{is_account, is_organization};

/// An account number.
pub(super) const ACCOUNT: Allowed =
    Allowed { valid: is_account, allowed: "an account number is 12 digits, in quotes" };

/// An organization's id.
pub(super) const ORGANIZATION: Allowed = Allowed {
    valid: is_organization,
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

/// An organizational unit's id.
pub(super) const UNIT: Allowed = Allowed {
    valid: |text| {
        let parts = text.strip_prefix("ou-").and_then(|id| id.split_once('-'));
        parts.is_some_and(|(root, unit)| {
            let plain = |text: &str, least: usize| {
                (least..=32).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            };
            plain(root, 4) && plain(unit, 8)
        })
    },
    allowed: "an organizational unit's id is ou-, 4 to 32 and after another - 8 to 32 lower-case letters or digits",
};

/// A resource's name or ARN.
const RESOURCE: Allowed = Allowed {
    valid: |text| {
        // AWS prints the ARN of a log group so.
        let group = text.strip_suffix(":*").filter(|text| text.contains(":log-group:"));
        (1..=2048).contains(&text.len())
            && !group.unwrap_or(text).contains(['*', '?'])
            && text == text.trim()
            && !text.chars().any(char::is_control)
    },
    allowed: "a resource's name or ARN, without wildcards",
};

/// A path of keys.
pub(super) const PATH: Allowed = Allowed {
    valid: |text| {
        let is_key = |key: &str| !key.is_empty() && !key.chars().any(|c| c.is_control());
        text == "*" || text.len() <= 256 && text.split('.').all(|key| is_key(key) && key != "*")
    },
    allowed: "a path is keys with dots between them, such as data.aws; \"*\" is any key",
};

/// A field's name in a rule.
pub(super) const NAME: Allowed = Allowed {
    valid: |text| {
        (1..=256).contains(&text.chars().count())
            && !text.contains(|c: char| c <= ' ' || c == '|' || c == '\x7f')
    },
    allowed: "a field's name is 1 to 256 characters, without |, spaces and control characters",
};

/// A field of a record.
pub(super) const FIELD: Allowed = Allowed {
    valid: |text| {
        let key = |key: &str| !key.is_empty() && !key.contains('*');
        (NAME.valid)(text) && text.split('.').all(key)
    },
    allowed: "a field is keys with dots between them, such as userIdentity.arn",
};

/// A point in time: RFC 3339, with capitals and a zone.
pub(super) const TIME: Allowed = Allowed {
    valid: |text| {
        let Some((time, rest)) = text.split_at_checked(19) else { return false };
        let rest = rest
            .strip_prefix('.')
            .map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        is_written_as("0000-00-00T00:00:00", time)
            // A leap second is one only on some days, of which not every reader knows.
            && !time.ends_with("60")
            && ["Z", "+00:00", "-00:00"].iter().any(|zone| is_written_as(zone, rest))
            && crate::time::parse(text).is_some()
    },
    allowed: "a time is written as 2026-12-31T00:00:00Z",
};

/// Whether a text has the form of another, in which 0 is any digit.
fn is_written_as(form: &str, text: &str) -> bool {
    let same = |(form, byte): (u8, u8)| match form {
        b'0' => byte.is_ascii_digit(),
        form => form == byte,
    };
    form.len() == text.len() && form.bytes().zip(text.bytes()).all(same)
}

/// Something that is written, so that nobody need ask.
pub(super) const PROSE: Allowed = Allowed {
    valid: |text| !text.trim().is_empty() && text.chars().count() <= 1000,
    allowed: "say it in up to 1000 characters",
};

/// The texts that a setting allows.
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
            value: crate::text::shortened(&value.to_string(), 80).into_owned(),
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
                    problem: format!("no such setting; {}", nearest(key, known)),
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

    /// The names or ARNs of resources of a service, as ARNs write it.
    pub fn resources(&mut self, path: &str, value: &Value, service: &str) -> Vec<String> {
        let mut all = Vec::new();
        for (path, value) in self.list(path, value) {
            let Some(text) = self.text(&path, value, RESOURCE) else { continue };
            let parts: Vec<&str> = text.splitn(6, ':').collect();
            match *parts {
                ["arn", partition, of, _, _, resource]
                    if of == service && !partition.is_empty() && !resource.is_empty() =>
                {
                    all.push(text);
                }
                ["arn", _, ..] => {
                    self.wrong(&path, value, &format!("an ARN of {service}: arn:aws:{service}:…"));
                }
                _ => all.push(text),
            }
        }
        // A trail may be given an alias, but no call on a key is.
        let is_alias = |name: &String| {
            let resource = name.splitn(6, ':').last().unwrap_or_default();
            resource.starts_with("alias/")
        };
        if service == "kms" && !all.is_empty() && all.iter().all(is_alias) {
            self.wrong(path, value, "a key's id or ARN too: calls on a key never name its alias");
        }
        all
    }

    pub fn time(&mut self, path: &str, value: &Value) -> Option<i64> {
        crate::time::parse(&self.text(path, value, TIME)?)
    }

    pub fn whole(&mut self, path: &str, value: &Value, most: u64) -> Option<u64> {
        // 5.0 is a whole number too.
        let whole =
            value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as u64);
        let number = value.as_u64().or(whole).filter(|number| (1..=most).contains(number));
        if number.is_none() {
            self.wrong(path, value, &format!("a whole number from 1 to {most}"));
        }
        number
    }

    /// `90s`, `30m`, `2h`, `10d`, in seconds.
    pub fn duration(&mut self, path: &str, value: &Value) -> Option<i64> {
        let seconds = value.as_str().and_then(|text| {
            let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let unit: i64 = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                "d" => 86_400,
                _ => return None,
            };
            // A number may have a sign, and a duration has none.
            let digits = count.bytes().all(|byte| byte.is_ascii_digit());
            let count: i64 = count.parse().ok().filter(|_| digits)?;
            count.checked_mul(unit).filter(|seconds| (0..=MAX_DURATION).contains(seconds))
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

/// The longest duration, in seconds: a hundred years of 365 days.
const MAX_DURATION: i64 = 36_500 * 86_400;

/// The most names that are all told where none of them is near.
const MAX_LISTED: usize = 10;

/// The names that may be meant by one that is not known: the nearest, or all of a few.
pub(super) fn nearest(name: &str, known: &[&str]) -> String {
    let name = crate::text::shortened(name, 64).to_lowercase();
    let distances = known.iter().map(|one| (strsim::damerau_levenshtein(&name, one), *one));
    match distances.min() {
        // A third of it may be wrong.
        Some((distance, one)) if distance <= one.len() / 3 => format!("did you mean {one}?"),
        _ if known.len() <= MAX_LISTED => format!("there are {}", known.join(", ")),
        _ => "`orgwatch rules` lists the rules".into(),
    }
}
