//! The extension key `orgwatch` of a rule: everything that Sigma has no key for.

use serde::Deserialize;
use yaml_serde::{Mapping, Value};

use super::problem::{Node, all};
use super::{condition, one_line, template};
use crate::{NewTerms, Severity, SeverityWhen, TargetTemplate, Template};

/// The key as it is written; `docs/rules.md` says what each part means.
#[derive(Debug, Default)]
pub(super) struct Extension {
    pub internal: bool,
    pub summary: String,
    pub why: String,
    pub triage: Vec<String>,
    pub covers: Vec<String>,
    pub threat_catalogue: Vec<String>,
    pub attack_aliases: Vec<String>,
    pub account: Option<String>,
    pub organization: Option<String>,
    pub destination_organization: Option<String>,
    target: Option<TargetText>,
    details: Mapping,
    severity: Vec<Value>,
    pub derived_condition: Option<Value>,
    pub member_filters: Mapping,
    pub before_success: Vec<String>,
    new_terms: Option<NewTermsText>,
}

/// `target: {type: …, id: …}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetText {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

/// One of `severity: [{level: …, when: {…}}]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeverityText {
    level: Severity,
    when: Value,
}

/// `new_terms: {fields: […], window: 10d}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTermsText {
    fields: Vec<String>,
    window: String,
    grace: Option<String>,
}

/// The template of the affected account when a rule has none.
const ACCOUNT: &str = "{recipientAccountId|userIdentity.accountId}";

impl Extension {
    /// Reads the key. A part that cannot be read is reported and left out.
    pub(super) fn of(attribute: Option<&Value>, at: &Node<'_>) -> Extension {
        let mut read = Extension::default();
        let Some(attribute) = attribute else { return read };
        let Some(map) = attribute.as_mapping() else {
            at.refuse("the key orgwatch is no mapping: see docs/rules.md");
            return read;
        };
        // A line for each key, as serde would write it: but serde stops at the first problem.
        for (key, value) in map {
            let key = key.as_str().unwrap_or_default();
            let at = at.at(key);
            match key {
                "internal" => read.internal = at.read(value),
                "summary" => read.summary = at.read(value),
                "why" => read.why = at.read(value),
                "triage" => read.triage = at.read(value),
                "covers" => read.covers = at.read(value),
                "threat_catalogue" => read.threat_catalogue = at.read(value),
                "attack_aliases" => read.attack_aliases = at.read(value),
                "account" => read.account = at.read(value),
                "organization" => read.organization = at.read(value),
                "destination_organization" => read.destination_organization = at.read(value),
                "target" => read.target = at.read(value),
                "details" => read.details = at.read(value),
                "severity" => read.severity = at.read(value),
                "requires" => read.derived_condition = Some(value.clone()),
                "before_success" => read.before_success = at.read(value),
                "only" => read.member_filters = at.read(value),
                "new_terms" => read.new_terms = at.read(value),
                _ => at.refuse(format_args!("orgwatch: {key} is no part of it: see docs/rules.md")),
            }
        }
        read
    }

    pub(super) fn account(&self, at: &Node<'_>) -> Option<Template> {
        let text = self.account.as_deref().unwrap_or(ACCOUNT);
        at.at("account").accept(template::parse("account", text))
    }

    /// The target's templates; none where the rule names no target or it was refused.
    pub(super) fn target(&self, at: &Node<'_>) -> Option<TargetTemplate> {
        let target = self.target.as_ref()?;
        let at = at.at("target");
        let kind = at.at("type").accept(template::parse("target.type", &target.kind));
        let id = at.at("id").accept(template::parse("target.id", &target.id));
        Some(TargetTemplate { kind: kind?, id: id? })
    }

    pub(super) fn details(&self, at: &Node<'_>) -> Option<Vec<(String, Template)>> {
        let at = at.at("details");
        all(self.details.iter().map(|(name, value)| match (name.as_str(), value.as_str()) {
            (Some(name), Some(value)) => {
                let template = at.at(name).accept(template::parse("details", value))?;
                Some((name.to_owned(), template))
            }
            (name, _) => {
                at.at(name.unwrap_or_default()).refuse("details: names and values are text");
                None
            }
        }))
    }

    pub(super) fn triage(&self, at: &Node<'_>) -> Option<Vec<Template>> {
        let at = at.at("triage");
        let steps = self.triage.iter().enumerate();
        all(steps.map(|(n, step)| at.at(n).accept(template::parse("triage", &one_line(step)))))
    }

    pub(super) fn severity(&self, at: &Node<'_>) -> Option<Vec<SeverityWhen>> {
        let at = at.at("severity");
        all(self.severity.iter().enumerate().map(|(n, value)| {
            let at = at.at(n);
            let text = yaml_serde::from_value(value.clone());
            let SeverityText { level, when } =
                at.accept(text.map_err(|error| format!("severity: {error}")))?;
            Some(SeverityWhen { level, when: condition::map("severity", &when, &at.at("when"))? })
        }))
    }

    /// The new terms; none where the rule has none or they were refused.
    pub(super) fn new_terms(&self, at: &Node<'_>) -> Option<NewTerms> {
        let text = self.new_terms.as_ref()?;
        let (at, fields_at) = (at.at("new_terms"), at.at("new_terms").at("fields"));
        let read = |key: &str, text: &str| {
            rsigma_parser::value::Timespan::parse(text)
                .map_err(|error| error.to_string())
                .and_then(|window| window_of(window.seconds).map_err(str::to_owned))
                .map_err(|problem| format!("new_terms: {key}: {problem}"))
        };
        let window = read("window", &text.window);
        let grace = text.grace.as_deref().map_or(Ok(0), |text| read("grace", text));
        let grace = at.at("grace").accept(grace);
        let fields = text.fields.iter().enumerate();
        let fields = all(fields.map(|(n, name)| fields_at.at(n).accept(condition::field(name))));
        let window = at.at("window").accept(window);
        Some(NewTerms { fields: fields?, window: window?, grace: grace? })
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
