//! What rules and chains say of themselves in the same way.

use rsigma_parser::Level;

use super::extension::Extension;
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
) -> Result<RuleMetadata, String> {
    let benign: Vec<_> = from.falsepositives.iter().map(|text| one_line(text)).collect();
    let about = RuleMetadata {
        slug: required("name", from.name)?.into(),
        id: required("id", from.id)?.into(),
        title: from.title.into(),
        description: one_line(&required("description", from.description)?),
        group: from.group.to_owned(),
        references: from.references.to_vec(),
        level: severity(from.level.ok_or("level is missing")?),
        summary: template::parse("summary", &one_line(&extension.summary))?,
        why: one_line(&extension.why).into(),
        benign: benign.join(" ").into(),
        triage: extension.triage()?,
        attack: attack.ids(from.tags)?.into(),
        attack_aliases: extension.attack_aliases.clone().into(),
        threat_catalogue: extension.threat_catalogue.clone().into(),
        covers: extension.covers.clone().into(),
    };
    let said = [
        about.why.is_empty(),
        about.benign.is_empty(),
        about.triage.is_empty(),
        about.summary.0.is_empty(),
    ];
    if let Some(text) = [&about.why, &about.benign].into_iter().find(|text| text.contains('{')) {
        return Err(format!("why and falsepositives are not templates: {text}"));
    }
    if !extension.internal && said.contains(&true) {
        return Err(
            "orgwatch: summary, why and triage, and falsepositives, must say something".into()
        );
    }
    Ok(about)
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

fn required(key: &str, value: &Option<String>) -> Result<String, String> {
    match value.as_deref().map(str::trim) {
        None | Some("") => Err(format!("{key} is missing")),
        Some(text) => Ok(text.to_owned()),
    }
}
