//! Metadata that rules and chains have in common.

use rsigma_parser::Level;

use super::extension::Extension;
use super::problem::Node;
use super::{Attack, one_line, template};
use crate::{Part, RuleMetadata, Severity, Template};

/// The benign cause of a rule that names none.
const NONE_STATED: &str = "The rule states none.";

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
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let description = one_line(from.description.as_deref().unwrap_or_default());
    let benign: Vec<_> = from.falsepositives.iter().map(|text| one_line(text)).collect();
    let benign = or(benign.join(" "), NONE_STATED);
    let why = or(
        one_line(&extension.why),
        if description.is_empty() { from.title } else { &description },
    );
    let summary = match one_line(&extension.summary) {
        // A title is text: a brace in it opens no template.
        none if none.is_empty() => Some(Template(vec![Part::Text(from.title.to_owned())])),
        summary => ours.at("summary").accept(template::parse("summary", &summary)),
    };
    let triage = extension.triage(&ours);
    let (attack, tags) = attack.split(from.tags);
    Some(RuleMetadata {
        slug: from.name.as_deref()?.into(),
        id: from.id.as_deref()?.into(),
        title: from.title.into(),
        description,
        group: from.group.to_owned(),
        references: from.references.to_vec(),
        level: from.level.map_or(Severity::Medium, severity),
        summary: summary?,
        why: why.into(),
        benign: benign.into(),
        triage: triage?,
        attack: attack.into(),
        attack_aliases: extension.attack_aliases.clone().into(),
        threat_catalogue: extension.threat_catalogue.clone().into(),
        covers: extension.covers.clone().into(),
        tags: tags.into(),
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
