//! One detection rule.

use rsigma_parser::SigmaRule;

use super::extension::Extension;
use super::{Attack, condition, literals, metadata, template};
use crate::Rule;

pub(super) fn compile(sigma: SigmaRule, group: &str, attack: &Attack) -> Result<Rule, String> {
    let extension = Extension::of(sigma.custom_attributes.get("orgwatch"))?;
    let source = &sigma.logsource;
    if source.product.as_deref() != Some("aws") || source.service.as_deref() != Some("cloudtrail") {
        return Err("logsource: orgwatch reads product aws, service cloudtrail".into());
    }
    let condition = condition::compile(&sigma.detection)?;
    let derived_condition = extension.requires.as_ref().map(condition::fragment).transpose();
    let event_sources = literals::of("eventSource", &condition).unwrap_or_default();
    if event_sources.is_empty() {
        return Err(
            "detection: a rule names its eventSource: other services have the same eventName"
                .into(),
        );
    }
    let organization = |key, text| template::optional(key, text);
    Ok(Rule {
        about: metadata::compile(&metadata::metadata!(sigma, group), &extension, attack)?,
        internal: extension.internal,
        severity: extension.severity()?,
        derived_condition: derived_condition.map_err(|problem| format!("requires: {problem}"))?,
        event_names: literals::of("eventName", &condition).unwrap_or_default(),
        event_sources,
        condition,
        new_terms: extension.new_terms()?,
        account: extension.account()?,
        organization: organization("organization", &extension.organization)?,
        destination_organization: organization(
            "destination_organization",
            &extension.destination_organization,
        )?,
        target: extension.target()?,
        details: extension.details()?,
    })
}
