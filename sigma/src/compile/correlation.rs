//! Sigma correlations: chains of findings.

use std::collections::{BTreeMap, BTreeSet};

use rsigma_parser::{
    ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, WindowMode,
};

use super::extension::{Extension, window_of};
use super::problem::{Node, Problems, all};
use super::{Attack, condition, metadata};
use crate::{
    Correlation, CorrelationKind, Expr, Field, MAX_NESTING, Member, MemberChain, MemberRule, Rule,
    Threshold,
};

/// The bound on names in `rules`, and on the rules that they stand for.
const MAX_NAMES: usize = 100;
const MAX_MEMBERS: usize = 1000;

/// The documents that a correlation may refer to, by name and by id.
#[derive(Default)]
pub(super) struct Known<'a> {
    pub rules: BTreeMap<&'a str, &'a Rule>,
    /// Those that are compiled.
    pub correlations: BTreeMap<&'a str, &'a CorrelationRule>,
    pub refused: BTreeSet<&'a str>,
    /// Those that are nested too deep, or in themselves.
    pub endless: BTreeSet<&'a str>,
}

impl Known<'_> {
    /// Why a name is none that can be used.
    fn missing(&self, name: &str) -> String {
        if self.refused.contains(name) {
            format!("rules: {name} was refused itself")
        } else if self.endless.contains(name) {
            format!("rules: {name} is nested too deep, or in itself")
        } else {
            format!(
                "rules: nothing is named {name} that sees CloudTrail: rules are referred to by name or id"
            )
        }
    }
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
    let mut seen = BTreeSet::new();
    for (n, name) in sigma.rules.iter().enumerate().filter(|(_, name)| !seen.insert(*name)) {
        rules_at.at(n).refuse(format_args!("rules: {name} stands there twice"));
    }
    if sigma.rules.is_empty() || sigma.rules.len() > MAX_NAMES {
        rules_at.refuse(format_args!("rules: from one name to {MAX_NAMES} stand there"));
        return None;
    }
    let mut members = all(sigma
        .rules
        .iter()
        .enumerate()
        .map(|(n, name)| rules_at.at(n).accept(member(name, sigma, &filters, known, 0))));
    if extension.internal {
        if kind.is_some_and(|kind| kind != CorrelationKind::EventCount(Threshold::at_least(1))) {
            at_correlation
                .refuse("an internal correlation stands for \"any of\": event_count with gte: 1");
        }
        return None;
    }
    // Counting, it does not matter which member an event is of.
    if matches!(kind, Some(CorrelationKind::EventCount(_) | CorrelationKind::ValueCount(..))) {
        members = members.map(|members| {
            let mut any = Member::default();
            for member in members {
                any.rules.extend(member.rules);
                any.chains.extend(member.chains);
            }
            vec![any]
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
        internal: false,
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
    let counted = || at.at("condition").accept(threshold(&sigma.condition));
    let temporal = |kind| match &sigma.condition {
        // So the parser has it where there is no condition.
        CorrelationCondition::Threshold { predicates, field: None, percentile: None }
            if predicates.as_slice() == [(ConditionOperator::Gte, 1)] =>
        {
            Some(kind)
        }
        _ => {
            let kind = sigma.correlation_type.as_str();
            at.at("condition").refuse(format_args!(
                "condition: {kind} with a condition of its own is not supported: without one, every rule \
                 must have an event"
            ));
            None
        }
    };
    Some(match sigma.correlation_type {
        CorrelationType::Temporal => temporal(CorrelationKind::Temporal)?,
        CorrelationType::TemporalOrdered => temporal(CorrelationKind::TemporalOrdered)?,
        CorrelationType::EventCount => CorrelationKind::EventCount(counted()?.0),
        CorrelationType::ValueCount => match counted()? {
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

/// The counts for which a counting condition holds, and of which field.
fn threshold(condition: &CorrelationCondition) -> Result<(Threshold, Option<String>), String> {
    let CorrelationCondition::Threshold { predicates, field, percentile: None } = condition else {
        return Err("condition: an expression or a percentile is not supported here".into());
    };
    let mut counts = Threshold::at_least(1);
    let mut most = u64::MAX;
    for (operator, count) in predicates {
        match operator {
            ConditionOperator::Gte => counts.least = counts.least.max(*count),
            ConditionOperator::Gt => counts.least = counts.least.max(count.saturating_add(1)),
            ConditionOperator::Lte => most = most.min(*count),
            // A count of less than none there is not.
            ConditionOperator::Lt => most = most.min(count.saturating_sub(1)),
            ConditionOperator::Eq => {
                counts.least = counts.least.max(*count);
                most = most.min(*count);
            }
            ConditionOperator::Neq => counts.except.push(*count),
        }
    }
    counts.most = Some(most).filter(|most| *most != u64::MAX);
    if counts.is_never() {
        return Err("condition: no count of 1 or more satisfies it".into());
    }
    match field.as_deref() {
        None => Ok((counts, None)),
        Some([field]) => Ok((counts, Some(field.clone()))),
        Some(_) => Err("condition: only one field is supported".into()),
    }
}

/// The place that a name in `rules` stands for: a rule, a chain, or those of an "any of".
fn member(
    name: &str,
    sigma: &CorrelationRule,
    filters: &MemberFilters,
    known: &Known<'_>,
    depth: usize,
) -> Result<Member, String> {
    if let Some(rule) = known.rules.get(name) {
        let slug = &rule.about.slug;
        let key = sigma.group_by.iter().map(|field| key(field, [name, slug], sigma));
        let rule = MemberRule {
            slug: slug.clone(),
            key: key.collect::<Result<_, _>>()?,
            member_filter: filters.of.get(slug.as_str()).cloned(),
            before_success: filters.before_success.iter().any(|named| *named == **slug),
        };
        return Ok(Member { rules: vec![rule], chains: Vec::new() });
    }
    let nested = known.correlations.get(name).ok_or_else(|| known.missing(name))?;
    // Its own problems are reported for its own file.
    let problems = Problems::default();
    let inner = Extension::of(nested.custom_attributes.get("orgwatch"), &problems.root());
    if !inner.internal {
        return Ok(Member { rules: Vec::new(), chains: vec![chain(name, nested, sigma)?] });
    }
    if nested.group_by.len() != sigma.group_by.len() {
        return Err(format!("group-by: {name} is tied by other fields"));
    }
    if depth == MAX_NESTING {
        return Err(format!("rules: {name} is nested too deep, or in itself"));
    }
    let filters = MemberFilters::of(&inner, &problems.root());
    let mut any = Member::default();
    for name in &nested.rules {
        let one = member(name, nested, &filters, known, depth.saturating_add(1))?;
        any.rules.extend(one.rules);
        any.chains.extend(one.chains);
        if any.rules.len() > MAX_MEMBERS {
            return Err(format!("rules: {name} stands for more than {MAX_MEMBERS} rules"));
        }
    }
    if !problems.is_empty() {
        return Err(format!("rules: {name} was refused itself"));
    }
    Ok(any)
}

/// A chain as a member of another, which is tied by values that tie this one.
fn chain(
    name: &str,
    nested: &CorrelationRule,
    sigma: &CorrelationRule,
) -> Result<MemberChain, String> {
    let number = |field: &str| {
        let alias = sigma.aliases.iter().find(|alias| alias.alias == field);
        let field = alias.and_then(|alias| alias.mapping.get(name)).map_or(field, String::as_str);
        let at = nested.group_by.iter().position(|own| own == field);
        at.and_then(|at| u32::try_from(at).ok()).ok_or_else(|| {
            format!(
                "group-by: {field} is not among those of {name}, whose findings have no other value"
            )
        })
    };
    let counted = match (&sigma.correlation_type, &sigma.condition) {
        (
            CorrelationType::ValueCount,
            CorrelationCondition::Threshold { field: Some(field), .. },
        ) => field.first(),
        _ => None,
    };
    Ok(MemberChain {
        slug: nested.name.as_deref().unwrap_or(name).into(),
        key: sigma.group_by.iter().map(|field| number(field)).collect::<Result<_, _>>()?,
        value: counted.map(|field| number(field)).transpose()?,
    })
}

/// The field that a `group-by` name means for a rule, by the names that it has: its alias, or itself.
fn key(name: &str, names: [&str; 2], sigma: &CorrelationRule) -> Result<Field, String> {
    let alias = sigma.aliases.iter().find(|alias| alias.alias == name);
    match alias {
        None => condition::field(name),
        Some(alias) => match names.into_iter().find_map(|rule| alias.mapping.get(rule)) {
            Some(field) => condition::field(field),
            None => Err(format!("aliases: {name} has no field for {}", names[0])),
        },
    }
}
