//! The finding of a correlation, from those of the rules that it is made of.

use std::borrow::Cow;

use orgwatch_sigma::{Correlation, CorrelationKind, Pack};

use super::{blank, write};
use crate::digest::Digest128;
use crate::finding::{Finding, Principal, Target};
use crate::memory::{FindingSnapshot, Group};
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
    parts: &[FindingSnapshot<'_>],
    settings: &Settings,
) -> Finding {
    let mut finding = blank(&chain.about, &[last, group.group], pack);
    let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let public = |part: &&FindingSnapshot<'_>| {
        !pack.rules.iter().any(|rule| rule.internal && *rule.about.slug == *part.rule)
    };
    finding.parts = parts.iter().filter(public).map(|part| part.id.to_string()).collect();
    finding.events = parts.iter().filter_map(|part| owned(&part.event)).collect();
    finding.events.dedup();
    let slugs: Vec<&str> = parts.iter().filter(public).map(|part| &*part.rule).collect();
    if !slugs.is_empty() {
        finding.details.push(("parts".into(), slugs.join(", ")));
    }
    finding.first_seen = parts.first().and_then(|part| owned(&part.time));
    // Each value from the last part that has it: a service's event names no principal, say.
    let latest = || parts.iter().rev();
    finding.destination_organization =
        latest().find_map(|part| owned(&part.destination_organization));
    finding.organization = latest()
        .find_map(|part| owned(&part.organization))
        .or_else(|| settings.ownership.organization.clone());
    // Who, and what they did, from one part: the last that somebody made.
    let made = latest().find(|part| principal(part) != Principal::default());
    if let Some(who) = made.or(parts.last()) {
        finding.principal = principal(who);
        finding.source_ip = owned(&who.source_ip);
        finding.user_agent = owned(&who.user_agent);
        finding.accounts.acting = owned(&who.acting);
        finding.event_name = who.event_name.to_string();
        finding.event_source = who.event_source.to_string();
        finding.region = owned(&who.region);
    }
    finding.account = account.map(str::to_owned);
    if let Some(last) = parts.last() {
        finding.accounts.recipient = owned(&last.recipient);
        finding.outcome = last.outcome;
        finding.outcome_reason = owned(&last.outcome_reason);
        let target = Target { kind: owned(&last.target_kind), id: owned(&last.target_id) };
        finding.target = Some(target).filter(|target| *target != Target::default());
        finding.last_seen = owned(&last.time);
    }
    if let CorrelationKind::ValueCount(..) = chain.kind {
        let mut calls: Vec<&str> = parts.iter().map(|part| &*part.event_name).collect();
        calls.sort_unstable();
        calls.dedup();
        finding.details.push(("calls".into(), calls.join(", ")));
    }
    write(&mut finding, &chain.about, settings, None);
    finding
}

/// The principal of a part's event.
fn principal(part: &FindingSnapshot<'_>) -> Principal {
    let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
    Principal {
        kind: owned(&part.principal_kind),
        arn: owned(&part.principal_arn),
        name: owned(&part.principal_name),
        access_key_id: owned(&part.access_key_id),
        mfa: part.mfa,
        issuer: owned(&part.issuer),
        console: part.console,
    }
}
