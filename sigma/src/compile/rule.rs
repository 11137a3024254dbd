//! One detection rule.

use rsigma_parser::SigmaRule;

use super::extension::Extension;
use super::problem::Node;
use super::{Attack, condition, literals, metadata, template};
use crate::Rule;

/// Compiles a rule. None means that a problem was reported; a rule that is given may have some, too.
pub(super) fn compile(
    sigma: &SigmaRule,
    group: &str,
    attack: &Attack,
    at: &Node<'_>,
) -> Option<Rule> {
    let ours = at.at("orgwatch");
    let extension = Extension::of(sigma.custom_attributes.get("orgwatch"), &ours);
    let source = &sigma.logsource;
    if source.product.as_deref() != Some("aws") || source.service.as_deref() != Some("cloudtrail") {
        at.at("logsource").refuse("logsource: orgwatch reads product aws, service cloudtrail");
    }
    let condition = condition::compile(&sigma.detection, &at.at("detection"));
    let derived_condition = extension.derived_condition.as_ref();
    let derived_condition =
        derived_condition.and_then(|map| condition::map("requires", map, &ours.at("requires")));
    let sources = |condition| literals::of("eventSource", condition).unwrap_or_default();
    let event_sources = condition.as_ref().map(sources).unwrap_or_default();
    if condition.is_some() && event_sources.is_empty() {
        at.at("detection").refuse(
            "detection: a rule names its eventSource: other services have the same eventName",
        );
    }
    let optional = |key: &str, text: &Option<String>| {
        text.as_deref().and_then(|text| ours.at(key).accept(template::parse(key, text)))
    };
    let organization = optional("organization", &extension.organization);
    let destination_organization =
        optional("destination_organization", &extension.destination_organization);
    let about = metadata::compile(&metadata::metadata!(sigma, group), &extension, attack, at);
    let severity = extension.severity(&ours);
    let new_terms = extension.new_terms(&ours);
    let account = extension.account(&ours);
    let target = extension.target(&ours);
    let details = extension.details(&ours);
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
