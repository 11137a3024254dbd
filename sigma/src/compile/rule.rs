//! One detection rule.

use rsigma_parser::SigmaRule;

use super::extension::Extension;
use super::problem::Node;
use super::{Settings, condition, literals, metadata, never, rename, template};
use crate::{Expr, Rule, Template};

/// The bound on `fields`, which are details of a finding.
const MAX_FIELDS: usize = 20;

/// Compiles a rule. None means that a problem was reported; a rule that is given may have some, too.
pub(super) fn compile(
    sigma: &SigmaRule,
    group: &str,
    how: &Settings<'_>,
    at: &Node<'_>,
) -> Option<Rule> {
    let ours = at.at("orgwatch");
    let extension = Extension::of(sigma.custom_attributes.get("orgwatch"), &ours);
    let detection = at.at("detection");
    let mut condition = condition::compile(&sigma.detection, &detection);
    if let Some(condition) = &mut condition {
        rename::expression(condition, &how.options.fields);
        never::warn(condition, &detection);
    }
    let derived_condition = extension.derived_condition.as_ref();
    let derived_condition =
        derived_condition.and_then(|map| condition::map("requires", map, &ours.at("requires")));
    let sources = |condition| literals::of("eventSource", condition).unwrap_or_default();
    let event_sources = condition.as_ref().map(sources).unwrap_or_default();
    if how.own && condition.is_some() && event_sources.is_empty() {
        detection.refuse(
            "detection: a rule names its eventSource: other services have the same eventName",
        );
    }
    let optional = |key: &str, text: &Option<String>| {
        text.as_deref().and_then(|text| ours.at(key).accept(template::parse(key, text)))
    };
    let organization = optional("organization", &extension.organization);
    let destination_organization =
        optional("destination_organization", &extension.destination_organization);
    let about = metadata::compile(&metadata::metadata!(sigma, group), &extension, how.attack, at);
    let severity = extension.severity(&ours);
    let new_terms = extension.new_terms(&ours);
    let account = extension.account(&ours);
    let target = extension.target(&ours);
    let mut details = extension.details(&ours);
    if let Some(details) = &mut details {
        details.extend(fields(&sigma.fields, how, &at.at("fields")));
    }
    let condition = condition?;
    let mut rule = Rule {
        about: about?,
        internal: extension.internal,
        severity: severity?,
        derived_condition,
        event_names: Vec::new(),
        event_sources,
        verbatim: Vec::new(),
        texts: Vec::new(),
        condition,
        new_terms,
        account: account?,
        organization,
        destination_organization,
        target,
        details: details?,
    };
    literals::find_witness(&mut rule);
    Some(rule)
}

/// The bytes that a rule's regular expressions count for.
pub(super) fn regexes(rule: &Rule) -> usize {
    let more = rule.severity.iter().map(|severity| &severity.when);
    let all = std::iter::once(&rule.condition).chain(&rule.derived_condition).chain(more);
    all.map(Expr::regexes).fold(0, usize::saturating_add)
}

/// The fields that an analyst of the rule's events wants to see: details of its findings.
fn fields(names: &[String], how: &Settings<'_>, at: &Node<'_>) -> Vec<(String, Template)> {
    let mut details = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let path = how.options.fields.get(name).unwrap_or(name);
        let braces = path.contains(['{', '}', '|', '"']);
        match template::parse("fields", &format!("{{{path}}}")) {
            Ok(template) if !braces && n < MAX_FIELDS => details.push((name.clone(), template)),
            Ok(_) => at.at(n).warn(format_args!("fields: {name} is not shown")),
            Err(_) => at.at(n).warn(format_args!("fields: CloudTrail has no {name}")),
        }
    }
    details
}
