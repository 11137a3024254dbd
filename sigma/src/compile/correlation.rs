//! Sigma correlations: chains of findings.

use std::collections::BTreeMap;

use rsigma_parser::{
    ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode,
};

use super::extension::{Extension, window_of};
use super::problem::{Node, Problems, all};
use super::{Attack, condition, metadata};
use crate::{Correlation, CorrelationKind, Expr, Field, Member, MemberRule, Rule};

/// The bound on "any of" in "any of".
const MAX_NESTING: usize = 4;

/// The documents that a correlation may refer to.
pub(super) struct Known<'a> {
    pub rules: &'a [Rule],
    pub correlations: &'a [CorrelationRule],
    /// The names of rules that were refused.
    pub refused: &'a [String],
}

/// Compiles a correlation; none if it only stands for "any of" in others, or if a problem was reported.
pub(super) fn compile(
    sigma: &CorrelationRule,
    known: &Known<'_>,
    group: &str,
    attack: &Attack,
    at: &Node<'_>,
) -> Option<Correlation> {
    let ours = at.at("orgwatch");
    let extension = Extension::of(sigma.custom_attributes.get("orgwatch"), &ours);
    let at_correlation = at.at("correlation");
    if sigma.window != WindowMode::Sliding {
        at_correlation.at("window").refuse("window: only sliding windows are supported");
    }
    let kind = kind(sigma, &at_correlation);
    let filters = MemberFilters::of(&extension, &ours);
    let rules_at = at_correlation.at("rules");
    let mut members = all(sigma.rules.iter().enumerate().map(|(n, name)| {
        let rules = member(name, sigma, &filters, known, 0);
        Some(Member { rules: rules_at.at(n).accept(rules)? })
    }));
    if extension.internal {
        if kind.is_some_and(|kind| kind != CorrelationKind::EventCount(1)) {
            at_correlation
                .refuse("an internal correlation stands for \"any of\": event_count with gte: 1");
        }
        return None;
    }
    // Counting, it does not matter which member an event is of.
    if matches!(kind, Some(CorrelationKind::EventCount(_) | CorrelationKind::ValueCount(..))) {
        members = members.map(|members| {
            let rules = members.into_iter().flat_map(|member| member.rules).collect();
            vec![Member { rules }]
        });
    }
    let about = metadata::compile(&metadata::metadata!(sigma, group), &extension, attack, at);
    let window = window_of(sigma.timespan.seconds).map_err(|e| format!("timespan: {e}"));
    let window = at_correlation.at("timespan").accept(window);
    let about = about?;
    let texts = [(ours.at("summary"), &about.summary)].into_iter();
    let steps = about.triage.iter().enumerate();
    for (at, template) in texts.chain(steps.map(|(n, step)| (ours.at("triage").at(n), step))) {
        if let Some(path) = template.paths().next() {
            let name = &path.text;
            at.refuse(format_args!("{{{name}}}: a chain has no record of its own to look into"));
        }
    }
    let (severity, details) = (extension.severity(&ours), extension.details(&ours));
    Some(Correlation {
        about,
        kind: kind?,
        members: members?,
        window: window?,
        severity: severity?,
        details: details?,
    })
}

/// The conditions under which a member's events count, by the member's slug.
struct MemberFilters {
    of: BTreeMap<String, Expr>,
    before_success: Vec<String>,
}

impl MemberFilters {
    fn of(extension: &Extension, at: &Node<'_>) -> Self {
        let at = at.at("only");
        let compiled = extension.member_filters.iter().filter_map(|(slug, map)| {
            let slug = slug.as_str()?;
            Some((slug.to_owned(), condition::map("only", map, &at.at(slug))?))
        });
        MemberFilters { of: compiled.collect(), before_success: extension.before_success.clone() }
    }
}

fn kind(sigma: &CorrelationRule, at: &Node<'_>) -> Option<CorrelationKind> {
    let threshold = || at.at("condition").accept(threshold(&sigma.condition));
    Some(match sigma.correlation_type {
        CorrelationType::Temporal => CorrelationKind::Temporal,
        CorrelationType::TemporalOrdered => CorrelationKind::TemporalOrdered,
        CorrelationType::EventCount => CorrelationKind::EventCount(threshold()?.0),
        CorrelationType::ValueCount => match threshold()? {
            (count, Some(field)) => {
                let field = at.at("condition").accept(condition::field(&field))?;
                CorrelationKind::ValueCount(count, field)
            }
            (_, None) => {
                at.at("condition").refuse("condition: value_count names a field");
                return None;
            }
        },
        other => {
            at.at("type").refuse(format_args!("type: {} is not supported", other.as_str()));
            return None;
        }
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
    filters: &MemberFilters,
    known: &Known<'_>,
    depth: usize,
) -> Result<Vec<MemberRule>, String> {
    if let Some(rule) =
        known.rules.iter().find(|rule| rule.about.slug == name || rule.about.id == name)
    {
        let slug = &rule.about.slug;
        let key = sigma.group_by.iter().map(|field| key(field, slug, sigma));
        return Ok(vec![MemberRule {
            slug: slug.clone(),
            key: key.collect::<Result<_, _>>()?,
            member_filter: filters.of.get(slug.as_str()).cloned(),
            before_success: filters.before_success.iter().any(|named| *named == **slug),
        }]);
    }
    let nested = known.correlations.iter().find(|nested| nested.name.as_deref() == Some(name));
    let nested =
        nested.ok_or_else(|| match known.refused.iter().any(|refused| refused == name) {
            true => format!("rules: {name} was refused itself"),
            false => format!("rules: nothing is named {name}"),
        })?;
    // Its own problems are reported for its own file.
    let problems = Problems::default();
    let inner = Extension::of(nested.custom_attributes.get("orgwatch"), &problems.root());
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
    let filters = MemberFilters::of(&inner, &problems.root());
    let mut rules = Vec::new();
    for name in &nested.rules {
        rules.extend(member(name, nested, &filters, known, depth.saturating_add(1))?);
    }
    if !problems.is_empty() {
        return Err(format!("rules: {name} was refused itself"));
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
