//! The settings of a detector: one JSON document (hosts turn YAML into it).
//!
//! Everything wrong with a document is reported at once, each problem with the path at which it
//! stands, what stands there and what is allowed. `docs/settings.md` describes every key, and
//! `schema.json` is the same for programs.

mod approval;
mod check;
mod fields;
mod parts;
mod principal;

use std::collections::BTreeMap;
use std::fmt;

use orgwatch_sigma::Pack;
use serde_json::Value;

pub use approval::{Action, Approval, Leads};
use check::{ACCOUNT, Check, ORGANIZATION, PATH, POLICY, UNIT, below};
pub use fields::renamed as renamed_fields;
use parts::{limits, overrides, silence};

use crate::envelope::Reach;
use crate::finding::Severity;
use crate::memory::Limits;
use crate::record::{Ownership, log_path};
use crate::silence::Silence;

/// The JSON schema of the settings.
pub const SCHEMA: &str = include_str!("schema.json");

/// A setting that was refused, or that does not do what its author may think.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its path in the settings: `trusted_organizations[1]`.
    pub path: String,
    /// The value there, as JSON.
    pub value: String,
    /// The problem, and the values that are allowed.
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

/// Whether a rule runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// It does.
    #[default]
    On,
    /// On trial: its findings are marked and need not alert.
    DryRun,
    /// It gives nothing and feeds no chain.
    Off,
}

/// The changes of the settings to a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Override {
    /// Whether it runs.
    pub mode: Mode,
    /// Its severity, whatever the event says.
    pub severity: Option<Severity>,
}

/// The user's organization, approvals, and changes to rules and limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The user's own accounts and organizations.
    pub ownership: Ownership,
    /// Approvals: principals and the actions that are expected of them.
    pub approvals: Vec<Approval>,
    /// Changes to rules, by slug.
    pub rules: BTreeMap<String, Override>,
    /// Until when new terms are only learned, in seconds since 1970.
    pub learning_until: Option<i64>,
    /// The allowed lateness of events, in seconds. It has no effect any more: an event
    /// takes its place in a chain as long as the others are remembered.
    pub late: Option<i64>,
    /// The bounds of the memory.
    pub memory: Limits,
    /// Where records are looked for.
    pub reach: Reach,
    /// Whose silence is told; none unless the settings ask for it.
    pub silence: Option<Silence>,
    /// The fields of CloudTrail that a user's rules know by other names, by these names: for what
    /// compiles them. A compiled pack has CloudTrail's own.
    pub fields: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            ownership: Ownership::default(),
            approvals: Vec::new(),
            rules: BTreeMap::new(),
            learning_until: None,
            late: None,
            memory: Limits {
                events: 100_000,
                terms: 100_000,
                steps: 5_000,
                policies: 10_000,
                alerts: 100_000,
            },
            reach: Reach::default(),
            silence: None,
            fields: BTreeMap::new(),
        }
    }
}

/// Every key of the document.
const KEYS: &[&str] = &[
    "management_account",
    "organization",
    "trusted_organizations",
    "accounts",
    "guard_policies",
    "guarded_ous",
    "quarantine",
    "log_path",
    "approvals",
    "rules",
    "learning_until",
    "late",
    "memory",
    "record_at",
    "silence",
    "fields",
];

impl Settings {
    /// Reads and checks a document against the rules and chains of a pack.
    pub fn from_json(text: &str, pack: &Pack) -> Result<Settings, Vec<Problem>> {
        let document: Value = serde_json::from_str(text).map_err(|error| {
            vec![Problem {
                path: String::new(),
                value: String::new(),
                problem: format!("the settings are not JSON: {error}"),
            }]
        })?;
        let mut check = Check::default();
        let mut settings = Settings::default();
        for (key, value) in check.object("", &document, KEYS) {
            settings.set(key, value, pack, &mut check);
        }
        if check.problems.is_empty() { Ok(settings) } else { Err(check.problems) }
    }

    fn set(&mut self, key: &str, value: &Value, pack: &Pack, check: &mut Check) {
        match key {
            "management_account" => {
                self.ownership.management_account = check.text(key, value, ACCOUNT)
            }
            "organization" => self.ownership.organization = check.text(key, value, ORGANIZATION),
            "trusted_organizations" => {
                let organizations = check.texts(key, value, ORGANIZATION);
                self.ownership.trusted_organizations = organizations.into_iter().collect();
            }
            "accounts" => {
                self.ownership.accounts = check.texts(key, value, ACCOUNT).into_iter().collect();
            }
            "guard_policies" => self.ownership.guard_policies = check.texts(key, value, POLICY),
            "guarded_ous" => {
                self.ownership.guarded_ous = check.texts(key, value, UNIT).into_iter().collect();
            }
            "quarantine" => {
                self.ownership.quarantine = check.texts(key, value, ACCOUNT).into_iter().collect();
            }
            "log_path" => {
                let kinds = log_path::KINDS.map(|(kind, ..)| kind);
                for (kind, value) in check.object(key, value, &kinds) {
                    let of_kind = &mut self.ownership.log_path.of_kind;
                    let mut lists = log_path::KINDS.iter().zip(of_kind);
                    if let Some(((_, source, _), list)) = lists.find(|((key, ..), _)| *key == kind)
                    {
                        let service = source.split('.').next().unwrap_or_default();
                        *list = check.resources(&below(key, kind), value, service);
                    }
                }
            }
            "approvals" => {
                self.approvals = check
                    .list(key, value)
                    .into_iter()
                    .filter_map(|(path, value)| Approval::read(&path, value, pack, check))
                    .collect();
            }
            "rules" => self.rules = overrides(value, pack, check),
            "learning_until" => self.learning_until = check.time(key, value),
            "record_at" => self.reach = Reach::at(check.texts(key, value, PATH)),
            "silence" => self.silence = silence(value, check),
            "fields" => self.fields = fields::read(value, check),
            "late" => self.late = check.duration(key, value),
            _ => limits(value, &mut self.memory, check),
        }
    }

    /// Settings that are likely not meant, at a time in seconds since 1970: approvals that approve nothing any
    /// more, and a setting without an effect.
    pub fn warnings(&self, now: i64) -> Vec<Problem> {
        let expired =
            self.approvals.iter().enumerate().filter(|(_, approval)| approval.until <= now);
        expired
            .map(|(n, approval)| Problem {
                path: format!("approvals[{n}].until"),
                value: crate::time::rfc3339(approval.until).unwrap_or_default(),
                problem: "expired: it approves nothing that happens from then on".into(),
            })
            .chain(self.late.map(|_| Problem {
                path: "late".into(),
                value: String::new(),
                problem: "has no effect any more: an event takes its place in a chain as long as the others \
                          are remembered (`memory.steps`)"
                    .into(),
            }))
            .collect()
    }

    /// The changes to a rule.
    pub fn of_rule(&self, slug: &str) -> Override {
        self.rules.get(slug).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
