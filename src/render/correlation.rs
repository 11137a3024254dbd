//! The finding of a correlation, from those of the rules that it is made of.

use orgwatch_sigma::{Correlation, CorrelationKind, Derived, Event, Field, Lookup, Pack, holds};

use super::{blank, value, write};
use crate::digest::{Digest128, Members};
use crate::finding::{Finding, Principal, SmolStr, Target};
use crate::json::Value;
use crate::memory::{FindingSnapshot, Group, Part, Text};
use crate::settings::Settings;

/// The parts that a chain's finding is made of.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// In the order of their times.
    pub all: &'a [Part<'a>],
    /// The last of them as a whole, which completed the chain for a group.
    pub last: Option<&'a FindingSnapshot<'a>>,
    /// The account of the group, which is one of those that the last part names.
    pub account: Option<&'a str>,
    /// The rules that are not named as parts.
    pub internal: &'a Members<SmolStr>,
}

/// The finding of a chain that an event completes for a group.
#[inline(never)]
pub fn correlation_finding(
    chain: &Correlation,
    pack: &Pack,
    group: Group,
    event: Digest128,
    parts: Parts<'_>,
    settings: &Settings,
) -> Finding {
    let mut finding = blank(&chain.about, &[event, group.group], pack);
    finding.account = parts.account.map(str::to_owned);
    tell_parts(&mut finding, chain, parts, settings);
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
fn tell_parts(finding: &mut Finding, chain: &Correlation, parts: Parts<'_>, settings: &Settings) {
    let Parts { all, last, internal, .. } = parts;
    let mut slugs = String::new();
    (finding.parts, finding.events) =
        (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
    for part in all {
        let rule = part.rule.as_str();
        if !internal.contains(rule) {
            finding.parts.push(part.id.as_str().to_owned());
            slugs.push_str(if slugs.is_empty() { "" } else { ", " });
            slugs.push_str(rule);
        }
        if let Some(event) = part.event.map(Text::as_str)
            && finding.events.last().is_none_or(|before| before != event)
        {
            finding.events.push(event.to_owned());
        }
    }
    if !slugs.is_empty() {
        finding.details.push(("parts".into(), slugs));
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let own = |text: Option<Text<'_>>| owned(text.map(Text::as_str));
    finding.first_seen = all.first().and_then(|part| own(part.time));
    // Each value from the last part that has it: a service's event names no principal, say.
    let latest = || all.iter().rev();
    finding.destination_organization = latest().find_map(|part| own(part.destination_organization));
    finding.organization = latest()
        .find_map(|part| own(part.organization))
        .or_else(|| settings.ownership.organization.clone());
    // Who, and what they did, from one part: the last that somebody made.
    let earlier = latest().skip(1).filter_map(Part::whole);
    let mut made = last.cloned().into_iter().chain(earlier);
    let made = made.find(|part| principal(part) != Principal::default());
    if let Some(who) = made.as_ref().or(last) {
        finding.principal = principal(who);
        finding.source_ip = owned(who.source_ip);
        finding.user_agent = owned(who.user_agent);
        finding.accounts.acting = owned(who.acting);
        finding.event_name = who.event_name.to_owned();
        finding.event_source = who.event_source.to_owned();
        finding.region = owned(who.region);
    }
    if let Some(last) = last {
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
            all.iter().filter_map(value).flat_map(|value| value.split(", ")).collect();
        values.sort_unstable();
        values.dedup();
        values.retain(|value| !value.is_empty());
        finding.details.push((name.into(), values.join(", ")));
    }
}

type PartValue = for<'a> fn(&Part<'a>) -> Option<&'a str>;

/// The name in the details of a field that a chain counts the values of, and its value in a part; none if parts
/// do not keep it.
fn counted(field: &Field) -> Option<(&str, PartValue)> {
    let path = match field {
        Field::Derived(Derived::Account) => {
            return Some(("accounts", |part| part.account.map(Text::as_str)));
        }
        Field::Derived(_) | Field::Keyword => return None,
        Field::Record(path) => path.text.as_str(),
    };
    Some(match path {
        "eventName" => ("calls", |part| Some(part.whole()?.event_name)),
        "eventSource" => (path, |part| Some(part.whole()?.event_source)),
        "awsRegion" => (path, |part| part.whole()?.region),
        "sourceIPAddress" => (path, |part| part.whole()?.source_ip),
        "userAgent" => (path, |part| part.whole()?.user_agent),
        "userIdentity.arn" => (path, |part| part.whole()?.principal_arn),
        "recipientAccountId" => (path, |part| part.whole()?.recipient),
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
fn principal(part: &FindingSnapshot<'_>) -> Principal {
    let owned = |text: Option<&str>| text.map(str::to_owned);
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
