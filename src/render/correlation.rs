//! The finding of a correlation, from those of the rules that it is made of.

use orgwatch_sigma::{Correlation, CorrelationKind, Derived, Event, Field, Lookup, Pack, holds};

use super::{blank, value, write};
use crate::digest::Digest128;
use crate::finding::{Finding, Principal, Target};
use crate::json::Value;
use crate::memory::{Group, Part, Text};
use crate::settings::Settings;

/// The finding of a chain, from its parts in the order of their times; the last one completed it for a group,
/// which may be of one account of several.
#[inline(never)]
pub fn correlation_finding(
    chain: &Correlation,
    pack: &Pack,
    group: Group,
    last: Digest128,
    account: Option<&str>,
    parts: &[Part<'_>],
    settings: &Settings,
) -> Finding {
    let mut finding = blank(&chain.about, &[last, group.group], pack);
    finding.account = account.map(str::to_owned);
    tell_parts(&mut finding, chain, pack, parts, settings);
    let goes = Goes(&finding, settings);
    if let Some(severity) = chain.severity.iter().find(|severity| holds(&severity.when, &goes)) {
        finding.severity = severity.level;
    }
    for (name, template) in &chain.details {
        if let Some(value) = value(template, &finding, settings, None) {
            finding.details.push((name.clone(), value));
        }
    }
    write(&mut finding, &chain.about, settings, None);
    finding
}

/// Writes what the parts say into a finding. Apart from what is made of that, since an interpreter has little
/// stack for templates.
#[inline(never)]
fn tell_parts<'a>(
    finding: &mut Finding,
    chain: &Correlation,
    pack: &Pack,
    parts: &'a [Part<'a>],
    settings: &Settings,
) {
    let owned = |text: Option<Text<'_>>| text.map(|text| text.as_str().to_owned());
    let internal = pack.rules.iter().filter(|rule| rule.internal);
    let internal: Vec<&str> = internal.map(|rule| rule.about.slug.as_str()).collect();
    let public = || parts.iter().filter(|part| !internal.contains(&part.rule.as_str()));
    finding.parts = public().map(|part| part.id.as_str().to_owned()).collect();
    finding.events = parts.iter().filter_map(|part| owned(part.event)).collect();
    finding.events.dedup();
    let slugs: Vec<&str> = public().map(|part| part.rule.as_str()).collect();
    if !slugs.is_empty() {
        finding.details.push(("parts".into(), slugs.join(", ")));
    }
    finding.first_seen = parts.first().and_then(|part| owned(part.time));
    // Each value from the last part that has it: a service's event names no principal, say.
    let latest = || parts.iter().rev();
    finding.destination_organization =
        latest().find_map(|part| owned(part.destination_organization));
    finding.organization = latest()
        .find_map(|part| owned(part.organization))
        .or_else(|| settings.ownership.organization.clone());
    // Who, and what they did, from one part: the last that somebody made.
    let made = latest().find(|part| principal(part) != Principal::default());
    if let Some(who) = made.or(parts.last()) {
        finding.principal = principal(who);
        finding.source_ip = owned(who.source_ip);
        finding.user_agent = owned(who.user_agent);
        finding.accounts.acting = owned(who.acting);
        finding.event_name = who.event_name.as_str().to_owned();
        finding.event_source = who.event_source.as_str().to_owned();
        finding.region = owned(who.region);
    }
    if let Some(last) = parts.last() {
        finding.accounts.recipient = owned(last.recipient);
        finding.outcome = last.outcome;
        finding.outcome_reason = owned(last.outcome_reason);
        let target = Target { kind: owned(last.target_kind), id: owned(last.target_id) };
        finding.target = Some(target).filter(|target| *target != Target::default());
        finding.last_seen = owned(last.time);
    }
    if let CorrelationKind::ValueCount(_, field) = &chain.kind
        && let Some((name, value)) = counted(field)
    {
        let mut values: Vec<&str> =
            parts.iter().filter_map(value).flat_map(|value| value.as_str().split(", ")).collect();
        values.sort_unstable();
        values.dedup();
        values.retain(|value| !value.is_empty());
        finding.details.push((name.into(), values.join(", ")));
    }
}

type PartValue = for<'a> fn(&'a Part<'a>) -> Option<Text<'a>>;

/// The name in the details of a field that a chain counts the values of, and its value in a part; none if parts
/// do not keep it.
fn counted(field: &Field) -> Option<(&str, PartValue)> {
    let path = match field {
        Field::Derived(Derived::Account) => {
            return Some(("accounts", |part| part.account));
        }
        Field::Derived(_) | Field::Keyword => return None,
        Field::Record(path) => path.text.as_str(),
    };
    Some(match path {
        "eventName" => ("calls", |part| Some(part.event_name)),
        "eventSource" => (path, |part| Some(part.event_source)),
        "awsRegion" => (path, |part| part.region),
        "sourceIPAddress" => (path, |part| part.source_ip),
        "userAgent" => (path, |part| part.user_agent),
        "userIdentity.arn" => (path, |part| part.principal_arn),
        "recipientAccountId" => (path, |part| part.recipient),
        _ => return None,
    })
}

/// What the severities of chains look at: where the account went.
struct Goes<'a>(&'a Finding, &'a Settings);

impl Event for Goes<'_> {
    type Value<'a>
        = Value<'a>
    where
        Self: 'a;

    fn field(&self, field: &Field) -> Lookup<'_, Value<'_>> {
        let to = self.0.destination_organization.as_deref();
        match (field, to) {
            (Field::Derived(Derived::Destination), Some(to)) => {
                Lookup::Text(self.1.ownership.destination(to).as_str().into())
            }
            _ => Lookup::Missing,
        }
    }

    fn any_text(&self, _: &mut dyn FnMut(&str) -> bool) -> bool {
        false
    }
}

/// The principal of a part's event.
fn principal(part: &Part<'_>) -> Principal {
    let owned = |text: Option<Text<'_>>| text.map(|text| text.as_str().to_owned());
    Principal {
        kind: owned(part.principal_kind),
        arn: owned(part.principal_arn),
        name: owned(part.principal_name),
        access_key_id: owned(part.access_key_id),
        mfa: part.mfa,
        issuer: owned(part.issuer),
        console: part.console,
    }
}
