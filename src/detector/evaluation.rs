//! The rules over one record, and what the memory and the chains make of it.

use orgwatch_sigma::{Pack, Rule};

use super::is_on;
use crate::chains::Correlations;
use crate::digest::Digest128;
use crate::envelope::Origin;
use crate::finding::Finding;
use crate::json::{ObjectIndex, Tape, Value};
use crate::memory::{FindingKey, Memory};
use crate::record::{EmbeddedJson, Record, org_policy};
use crate::rules::{self, Context, Index};
use crate::settings::Settings;
use crate::{render, silence, status};

/// Runs the rules over one record; says whether it lacks a time that a rule would go by.
pub(super) fn evaluate_record(
    (record, source, origin): (Value<'_>, Value<'_>, &Origin),
    settings: &Settings,
    index: &Index,
    chains: &Correlations,
    memory: &mut Memory,
    found: &mut dyn FnMut(Finding),
) -> bool {
    if settings.silence.is_some() {
        heard(silence::speaks(record), settings, index, memory, found);
    }
    let name = record.get("eventName").and_then(|name| name.text()).unwrap_or_default();
    let indexed = index.of(&name, source.raw());
    if indexed.is_empty() && !org_policy::is_policy_event(&name) {
        // It leaves no trace in the memory, whatever it came with.
        return false;
    }
    let fields = ObjectIndex::of(record);
    let embedded = EmbeddedJson::of(&fields);
    let record = Record::new(&fields, &embedded);
    let policy_type = memory.observe(&record);
    let context =
        &Context::new(record, &settings.ownership).with_policy_type(policy_type).from(origin);
    for one in &*indexed {
        let Some(rule) = index.rule(*one) else { continue };
        if !rules::matches(rule, context) {
            continue;
        }
        let summary = context.summary();
        let given = FindingKey {
            time: summary.time.unwrap_or(i64::MIN),
            event: summary.key,
            rule: one.key,
        };
        let Some(mut finding) = finding_of(rule, context, given, index, settings, memory) else {
            continue;
        };
        let mut completed = Vec::new();
        if summary.time.is_some() {
            completed = chains.advance(rule, &finding, given, context, settings, memory);
        }
        if !rule.internal {
            status::alert(&mut finding, &rule.about.group, settings, memory);
            found(finding);
        }
        for mut finding in completed {
            let stage = stage(&finding, index.pack());
            status::alert(&mut finding, stage, settings, memory);
            found(finding);
        }
    }
    context.time().is_none()
}

/// The finding of a rule that matches, unless its terms are known. Not inlined, and less deep than what follows it:
/// an interpreter has little stack for the chains.
#[inline(never)]
fn finding_of(
    rule: &Rule,
    context: &Context<'_>,
    given: FindingKey,
    index: &Index,
    settings: &Settings,
    memory: &mut Memory,
) -> Option<Finding> {
    // A repeated event gives what it gave, so that a batch that failed downstream loses nothing.
    if !memory.already_reported(&given) && !is_new(rule, context, memory) {
        return None;
    }
    let time = context.summary().time;
    let mut finding = render::rule_finding(rule, context, index.pack(), settings);
    (finding.status, finding.status_reason) = status::of_rule(rule, &finding, time, settings);
    finding.repeat = memory.record_finding(given);
    if let (Some(watched), Some(time)) = (&settings.silence, time) {
        for account in silence::who_left(&finding, context) {
            if watched.accounts.contains(account) {
                memory.voices().left(account, time);
            }
        }
    }
    Some(finding)
}

/// Remembers that an account was heard of, and gives the findings of those that fell silent, if it is time to
/// look for them.
pub(super) fn heard(
    beat: Option<(String, i64)>,
    settings: &Settings,
    index: &Index,
    memory: &mut Memory,
    found: &mut dyn FnMut(Finding),
) {
    let (Some(watched), Some((account, time))) = (&settings.silence, beat) else { return };
    if !watched.accounts.contains(&account) {
        return;
    }
    memory.voices().spoke(&account, time);
    if memory.voices().is_due(time, watched.after) {
        fell_silent(settings, index, memory, found);
    }
}

/// Gives the findings of the accounts that fell silent.
pub(super) fn fell_silent(
    settings: &Settings,
    index: &Index,
    memory: &mut Memory,
    found: &mut dyn FnMut(Finding),
) {
    let Some(watched) = &settings.silence else { return };
    let rule = index.pack().rules.iter().find(|rule| silence::is_of(rule));
    let Some(rule) = rule.filter(|rule| is_on(rule, index.pack(), settings)) else { return };
    for (account, voice) in memory.voices().fallen(watched.ahead()) {
        // A state may be from a time when the settings named others.
        if !watched.accounts.contains(&account) {
            continue;
        }
        let text = silence::record(&account, voice, watched);
        let mut tape = Tape::default();
        if tape.parse(&text).is_err() {
            continue;
        }
        let (fields, embedded) =
            (ObjectIndex::of(Value::root(&tape, &text)), EmbeddedJson::default());
        let context = Context::new(Record::new(&fields, &embedded), &settings.ownership);
        if !rules::matches(rule, &context) {
            continue;
        }
        let mut finding = render::rule_finding(rule, &context, index.pack(), settings);
        (finding.status, finding.status_reason) =
            status::of_rule(rule, &finding, context.time(), settings);
        // No record of CloudTrail's has this id.
        finding.events.clear();
        status::alert(&mut finding, &rule.about.group, settings, memory);
        found(finding);
    }
}

/// The stage of a chain's finding.
pub(super) fn stage<'a>(finding: &Finding, pack: &'a Pack) -> &'a str {
    pack.about(&finding.rule).map(|about| about.group.as_str()).unwrap_or_default()
}

/// Whether the terms of a rule that looks for new ones are new; true for every other rule.
fn is_new(rule: &Rule, context: &Context<'_>, memory: &mut Memory) -> bool {
    let Some(terms) = &rule.new_terms else {
        return true;
    };
    // Without a time there is no window: better a finding too many.
    let Some(time) = context.summary().time else {
        return true;
    };
    let values: Vec<_> =
        terms.fields.iter().map(|field| context.text(field).unwrap_or_default()).collect();
    let window = terms.window.to_string();
    let mut parts = vec![rule.about.id.as_str(), &window];
    parts.extend(values.iter().map(|value| value.as_ref()));
    !memory.observe_term(Digest128::of(&parts), time, terms.window, terms.grace)
}
