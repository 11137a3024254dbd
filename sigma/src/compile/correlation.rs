//! Sigma correlations: chains of findings.

use rsigma_parser::{
    ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode,
};

use super::extension::{Extension, window_of};
use super::{Attack, condition, metadata};
use crate::{Correlation, CorrelationKind, Field, Member, MemberRule, Rule};

/// How deep "any of" may stand in "any of".
const MAX_NESTING: usize = 4;

/// What a correlation may refer to.
pub(super) struct Known<'a> {
    pub rules: &'a [Rule],
    pub correlations: &'a [CorrelationRule],
}

/// Compiles a correlation; none if it only stands for "any of" in others.
pub(super) fn compile(
    sigma: &CorrelationRule,
    known: &Known<'_>,
    group: &str,
    attack: &Attack,
) -> Result<Option<Correlation>, String> {
    let extension = Extension::of(sigma.custom_attributes.get("orgwatch"))?;
    if sigma.window != WindowMode::Sliding {
        return Err("window: only sliding windows are supported".into());
    }
    let kind = kind(sigma)?;
    let mut members = Vec::new();
    for name in &sigma.rules {
        members.push(Member { rules: member(name, sigma, &extension, known, 0)? });
    }
    if extension.internal {
        return match kind {
            CorrelationKind::EventCount(1) => Ok(None),
            _ => {
                Err("an internal correlation stands for \"any of\": event_count with gte: 1".into())
            }
        };
    }
    // Counting, it does not matter which member an event is of.
    if matches!(kind, CorrelationKind::EventCount(_) | CorrelationKind::ValueCount(..)) {
        let rules = members.into_iter().flat_map(|member| member.rules).collect();
        members = vec![Member { rules }];
    }
    let about = metadata::compile(&metadata::metadata!(sigma, group), &extension, attack)?;
    let templates = about.triage.iter().chain([&about.summary]);
    if let Some(path) = templates.flat_map(|template| template.paths()).next() {
        return Err(format!("{{{}}}: a chain has no record of its own to look into", path.text));
    }
    Ok(Some(Correlation {
        about,
        kind,
        members,
        window: window_of(sigma.timespan.seconds).map_err(|e| format!("timespan: {e}"))?,
    }))
}

fn kind(sigma: &CorrelationRule) -> Result<CorrelationKind, String> {
    Ok(match sigma.correlation_type {
        CorrelationType::Temporal => CorrelationKind::Temporal,
        CorrelationType::TemporalOrdered => CorrelationKind::TemporalOrdered,
        CorrelationType::EventCount => CorrelationKind::EventCount(threshold(&sigma.condition)?.0),
        CorrelationType::ValueCount => match threshold(&sigma.condition)? {
            (count, Some(field)) => CorrelationKind::ValueCount(count, condition::field(&field)?),
            (_, None) => return Err("condition: value_count names a field".into()),
        },
        other => return Err(format!("type: {} is not supported", other.as_str())),
    })
}

/// From how many on a counting condition holds, and of which field.
fn threshold(condition: &CorrelationCondition) -> Result<(u64, Option<String>), String> {
    let CorrelationCondition::Threshold { predicates, field, .. } = condition else {
        return Err("condition: an expression is not supported here".into());
    };
    let least = match predicates.as_slice() {
        [(ConditionOperator::Gte, count)] => *count,
        [(ConditionOperator::Gt, count)] => count.saturating_add(1),
        _ => return Err("condition: only gte or gt is supported".into()),
    };
    match field.as_deref() {
        None => Ok((least, None)),
        Some([field]) => Ok((least, Some(field.clone()))),
        Some(_) => Err("condition: only one field is supported".into()),
    }
}

/// The rules that a name in `rules` stands for: one, or those of an "any of".
fn member(
    name: &str,
    sigma: &CorrelationRule,
    extension: &Extension,
    known: &Known<'_>,
    depth: usize,
) -> Result<Vec<MemberRule>, String> {
    if let Some(rule) =
        known.rules.iter().find(|rule| rule.about.slug == name || rule.about.id == name)
    {
        let slug = &rule.about.slug;
        let only = extension.only.get(slug.as_str()).map(condition::fragment).transpose();
        let key = sigma.group_by.iter().map(|field| key(field, slug, sigma));
        return Ok(vec![MemberRule {
            slug: slug.clone(),
            key: key.collect::<Result<_, _>>()?,
            only: only.map_err(|problem| format!("only: {slug}: {problem}"))?,
        }]);
    }
    let nested = known.correlations.iter().find(|nested| nested.name.as_deref() == Some(name));
    let nested = nested.ok_or_else(|| format!("rules: nothing is named {name}"))?;
    let inner = Extension::of(nested.custom_attributes.get("orgwatch"))?;
    if !inner.internal || nested.name == sigma.name {
        return Err(format!(
            "rules: {name} is a chain of its own; only an internal \"any of\" can be nested"
        ));
    }
    if nested.group_by.len() != sigma.group_by.len() {
        return Err(format!("group-by: {name} is tied by other fields"));
    }
    if depth == MAX_NESTING {
        return Err(format!("rules: {name} is nested too deep, or in itself"));
    }
    let mut rules = Vec::new();
    for name in &nested.rules {
        rules.extend(member(name, nested, &inner, known, depth + 1)?);
    }
    Ok(rules)
}

/// The field that a `group-by` name means for a rule: its alias, or itself.
fn key(name: &str, slug: &str, sigma: &CorrelationRule) -> Result<Field, String> {
    let alias = sigma.aliases.iter().find(|alias| alias.alias == name);
    match alias {
        None => condition::field(name),
        Some(alias) => match alias.mapping.get(slug) {
            Some(field) => condition::field(field),
            None => Err(format!("aliases: {name} has no field for {slug}")),
        },
    }
}
