//! The compiled pack.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Expr, Field, Template};

/// How bad a finding is: Sigma's levels, from the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Severity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// Every severity, from the least.
    pub const ALL: [Severity; 5] = [
        Severity::Informational,
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ];

    /// As Sigma, findings and options write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Severity::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| {
                format!("{text:?} is not a severity: informational, low, medium, high or critical")
            })
    }
}

/// The rules, in the order of their slugs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// The ATT&CK version that the rules' ids are of.
    pub attack_version: String,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The slug: Sigma's `name`, the finding's `rule`.
    pub slug: String,
    /// The Sigma UUID.
    pub id: String,
    /// The title.
    pub title: String,
    /// The description.
    pub description: String,
    /// What it guards: the folder of the pack it stands in.
    pub group: String,
    /// Further reading.
    pub references: Vec<String>,
    /// The severity, unless one of `severity` holds.
    pub level: Severity,
    /// How the severity follows the event.
    pub severity: Vec<SeverityWhen>,
    /// The event must match this: the rule as Sigma has it.
    pub condition: Expr,
    /// And this, over what orgwatch derives from the event.
    pub requires: Option<Expr>,
    /// The `eventName`s that `condition` can match, in lower case; empty if any.
    pub event_names: Vec<String>,
    /// The `eventSource`s that `condition` can match, in lower case; empty if any.
    pub event_sources: Vec<String>,
    /// Fires only for values not seen together before.
    pub new_terms: Option<NewTerms>,
    /// The account affected.
    pub account: Template,
    /// The organization affected.
    pub organization: Option<Template>,
    /// The organization that the account goes to.
    pub destination_organization: Option<Template>,
    /// What the call was aimed at.
    pub target: Option<TargetTemplate>,
    /// What this rule adds to the finding.
    pub details: Vec<(String, Template)>,
    /// What happened.
    pub summary: Template,
    /// Why it matters.
    pub why: String,
    /// The likely benign cause.
    pub benign: String,
    /// What to do.
    pub triage: Vec<Template>,
    /// ATT&CK ids: tactics, then techniques.
    pub attack: Vec<String>,
    /// ATT&CK ids that other systems still use for the same.
    pub attack_aliases: Vec<String>,
    /// AWS Threat Technique Catalog ids.
    pub threat_catalogue: Vec<String>,
    /// The rules of other systems that it answers to.
    pub covers: Vec<String>,
}

/// A severity and when it applies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeverityWhen {
    /// The severity.
    pub level: Severity,
    /// When.
    pub when: Expr,
}

/// Values whose first appearance together is what a rule looks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewTerms {
    /// The fields whose values are taken together.
    pub fields: Vec<Field>,
    /// For how many seconds of event time, before and after, a sighting counts.
    pub window: i64,
}

/// Templates for a finding's target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetTemplate {
    /// Its type.
    pub kind: Template,
    /// Its id.
    pub id: Template,
}
