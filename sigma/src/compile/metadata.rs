//! Metadata that rules and chains have in common.

use rsigma_parser::Level;

use super::extension::Extension;
use super::problem::Node;
use super::{Attack, one_line, template};
use crate::{RuleMetadata, Severity};

/// The metadata that Sigma's two kinds of documents share.
pub(super) struct SigmaMetadata<'a> {
    pub name: &'a Option<String>,
    pub id: &'a Option<String>,
    pub title: &'a str,
    pub description: &'a Option<String>,
    pub references: &'a [String],
    pub falsepositives: &'a [String],
    pub level: Option<Level>,
    pub tags: &'a [String],
    pub group: &'a str,
}

/// The fields of a `SigmaRule` or a `CorrelationRule` as [`SigmaMetadata`].
macro_rules! metadata {
    ($sigma:expr, $group:expr) => {
        $crate::compile::metadata::SigmaMetadata {
            name: &$sigma.name,
            id: &$sigma.id,
            title: &$sigma.title,
            description: &$sigma.description,
            references: &$sigma.references,
            falsepositives: &$sigma.falsepositives,
            level: $sigma.level,
            tags: &$sigma.tags,
            group: $group,
        }
    };
}
pub(super) use metadata;

pub(super) fn compile(
    from: &SigmaMetadata<'_>,
    extension: &Extension,
    attack: &Attack,
    at: &Node<'_>,
) -> Option<RuleMetadata> {
    let ours = at.at("orgwatch");
    let benign: Vec<_> = from.falsepositives.iter().map(|text| one_line(text)).collect();
    let (benign, why) = (benign.join(" "), one_line(&extension.why));
    let summary = template::parse("summary", &one_line(&extension.summary));
    let texts = [
        (at.at("falsepositives"), "falsepositives", benign.is_empty(), benign.contains('{')),
        (ours.at("why"), "why", why.is_empty(), why.contains('{')),
        (ours.at("summary"), "summary", extension.summary.trim().is_empty(), false),
        (ours.at("triage"), "triage", extension.triage.is_empty(), false),
    ];
    for (at, key, empty, template) in texts {
        if empty && !extension.internal {
            at.refuse(format_args!("{key} must say something"));
        }
        if template {
            at.refuse(format_args!("{key} is not a template: no {{ can stand in it"));
        }
    }
    let required = |key: &str, value: &Option<String>| {
        let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty());
        at.at(key).accept(value.map(str::to_owned).ok_or_else(|| format!("{key} is missing")))
    };
    let slug = required("name", from.name);
    let id = required("id", from.id);
    let description = required("description", from.description);
    let level = at.at("level").accept(from.level.ok_or("level is missing"));
    let summary = ours.at("summary").accept(summary);
    let triage = extension.triage(&ours);
    let attack = attack.ids(from.tags, &at.at("tags"));
    Some(RuleMetadata {
        slug: slug?.into(),
        id: id?.into(),
        title: from.title.into(),
        description: one_line(&description?),
        group: from.group.to_owned(),
        references: from.references.to_vec(),
        level: severity(level?),
        summary: summary?,
        why: why.into(),
        benign: benign.into(),
        triage: triage?,
        attack: attack?.into(),
        attack_aliases: extension.attack_aliases.clone().into(),
        threat_catalogue: extension.threat_catalogue.clone().into(),
        covers: extension.covers.clone().into(),
        tags: Vec::new().into(),
    })
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Informational => Severity::Informational,
        Level::Low => Severity::Low,
        Level::Medium => Severity::Medium,
        Level::High => Severity::High,
        Level::Critical => Severity::Critical,
    }
}
