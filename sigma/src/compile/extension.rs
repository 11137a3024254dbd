//! The extension key `orgwatch` of a rule: what Sigma has no word for.

use serde::Deserialize;
use yaml_serde::{Mapping, Value};

use super::{condition, one_line, template};
use crate::{NewTerms, Severity, SeverityWhen, TargetTemplate, Template};

/// The key as it is written; `docs/rules.md` says what each part means.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extension {
    #[serde(default)]
    pub internal: bool,
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub why: String,
    #[serde(default)]
    pub triage: Vec<String>,
    #[serde(default)]
    pub covers: Vec<String>,
    #[serde(default)]
    pub threat_catalogue: Vec<String>,
    #[serde(default)]
    pub attack_aliases: Vec<String>,
    pub account: Option<String>,
    pub organization: Option<String>,
    pub destination_organization: Option<String>,
    pub target: Option<TargetText>,
    #[serde(default)]
    pub details: Mapping,
    #[serde(default)]
    pub severity: Vec<SeverityText>,
    pub requires: Option<Value>,
    #[serde(default)]
    pub only: Mapping,
    pub new_terms: Option<NewTermsText>,
}

/// `target: {type: …, id: …}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetText {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
}

/// One of `severity: [{level: …, when: {…}}]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeverityText {
    pub level: Severity,
    pub when: Value,
}

/// `new_terms: {fields: […], window: 10d}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTermsText {
    pub fields: Vec<String>,
    pub window: String,
}

/// Where the affected account stands when a rule does not say.
const ACCOUNT: &str = "{recipientAccountId|userIdentity.accountId}";

impl Extension {
    pub(super) fn of(attribute: Option<&Value>) -> Result<Extension, String> {
        let value = attribute.ok_or("the key orgwatch is missing: see docs/rules.md")?;
        yaml_serde::from_value(value.clone()).map_err(|error| format!("orgwatch: {error}"))
    }

    pub(super) fn account(&self) -> Result<Template, String> {
        template::parse("account", self.account.as_deref().unwrap_or(ACCOUNT))
    }

    pub(super) fn target(&self) -> Result<Option<TargetTemplate>, String> {
        let Some(target) = &self.target else {
            return Ok(None);
        };
        Ok(Some(TargetTemplate {
            kind: template::parse("target.type", &target.kind)?,
            id: template::parse("target.id", &target.id)?,
        }))
    }

    pub(super) fn details(&self) -> Result<Vec<(String, Template)>, String> {
        self.details
            .iter()
            .map(|(name, value)| match (name.as_str(), value.as_str()) {
                (Some(name), Some(value)) => {
                    Ok((name.to_owned(), template::parse("details", value)?))
                }
                _ => Err("details: names and values are text".into()),
            })
            .collect()
    }

    pub(super) fn triage(&self) -> Result<Vec<Template>, String> {
        self.triage.iter().map(|step| template::parse("triage", &one_line(step))).collect()
    }

    pub(super) fn severity(&self) -> Result<Vec<SeverityWhen>, String> {
        self.severity
            .iter()
            .map(|text| {
                Ok(SeverityWhen {
                    level: text.level,
                    when: condition::fragment(&text.when).map_err(|e| format!("severity: {e}"))?,
                })
            })
            .collect()
    }

    pub(super) fn new_terms(&self) -> Result<Option<NewTerms>, String> {
        let Some(text) = &self.new_terms else {
            return Ok(None);
        };
        let window = rsigma_parser::value::Timespan::parse(&text.window)
            .map_err(|error| format!("new_terms: window: {error}"))?;
        Ok(Some(NewTerms {
            fields: text
                .fields
                .iter()
                .map(|name| condition::field(name))
                .collect::<Result<_, _>>()?,
            window: window_of(window.seconds).map_err(|e| format!("new_terms: window: {e}"))?,
        }))
    }
}

/// A window in seconds. Nothing is in one of no time but what happens at the same second, which nobody
/// who writes a window means.
pub(super) fn window_of(seconds: u64) -> Result<i64, &'static str> {
    match i64::try_from(seconds) {
        Ok(0) => Err("it is no time at all: a window is a second at least"),
        Ok(window) => Ok(window),
        Err(_) => Err("too long"),
    }
}
