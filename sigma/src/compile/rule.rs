//! One detection rule.

use rsigma_parser::SigmaRule;

use super::custom::Custom;
use super::{Attack, about, condition, literals, template};
use crate::Rule;

pub(super) fn compile(sigma: SigmaRule, group: &str, attack: &Attack) -> Result<Rule, String> {
    let custom = Custom::of(sigma.custom_attributes.get("orgwatch"))?;
    let source = &sigma.logsource;
    if source.product.as_deref() != Some("aws") || source.service.as_deref() != Some("cloudtrail") {
        return Err("logsource: orgwatch reads product aws, service cloudtrail".into());
    }
    let condition = condition::compile(&sigma.detection)?;
    let requires = custom.requires.as_ref().map(condition::fragment).transpose();
    let event_sources = literals::of("eventSource", &condition).unwrap_or_default();
    if event_sources.is_empty() {
        return Err(
            "detection: a rule names its eventSource: other services have the same eventName"
                .into(),
        );
    }
    let organization = |key, text| template::optional(key, text);
    Ok(Rule {
        about: about::compile(&about::metadata!(sigma, group), &custom, attack)?,
        internal: custom.internal,
        severity: custom.severity()?,
        requires: requires.map_err(|problem| format!("requires: {problem}"))?,
        event_names: literals::of("eventName", &condition).unwrap_or_default(),
        event_sources,
        condition,
        new_terms: custom.new_terms()?,
        account: custom.account()?,
        organization: organization("organization", &custom.organization)?,
        destination_organization: organization(
            "destination_organization",
            &custom.destination_organization,
        )?,
        target: custom.target()?,
        details: custom.details()?,
    })
}
