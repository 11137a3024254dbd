//! Templates of rules, filled in with the values of a finding, the settings and the record.

use std::borrow::Cow;

use orgwatch_sigma::{Derived, Part, Source, Template, Value};

use crate::finding::Finding;
use crate::rules::Context;
use crate::settings::Settings;
use crate::text::{MAX_VALUE, shortened};

/// The longest value inside a sentence, in bytes.
pub(super) const MAX_IN_TEXT: usize = 300;

/// The text in place of a value that is missing in a sentence.
const MISSING: &str = "unknown";

/// A template as a value: none if any of its parts is missing.
pub(super) fn value(
    template: &Template,
    finding: &Finding,
    settings: &Settings,
    context: Option<&Context<'_>>,
) -> Option<String> {
    let mut text = String::new();
    for part in &template.0 {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(sources) => {
                text.push_str(&first(sources, finding, settings, context)?);
            }
        }
    }
    Some(shortened(&text, MAX_VALUE).into_owned()).filter(|text| !text.is_empty())
}

/// A template as a sentence, in which what is missing is said to be.
pub(super) fn sentence(
    template: &Template,
    finding: &Finding,
    settings: &Settings,
    context: Option<&Context<'_>>,
) -> String {
    // Room for most of them: growing takes longer than writing.
    let mut text = String::with_capacity(256);
    for part in &template.0 {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(sources) => match first(sources, finding, settings, context) {
                Some(value) => text.push_str(&shortened(&value, MAX_IN_TEXT)),
                None => text.push_str(MISSING),
            },
        }
    }
    text
}

fn first<'a>(
    sources: &'a [Source],
    finding: &'a Finding,
    settings: &'a Settings,
    context: Option<&'a Context<'_>>,
) -> Option<Cow<'a, str>> {
    // How the account of a chain went: without a call of its own, or with LeaveOrganization.
    let way = |finding: &Finding| {
        let (_, slugs) = finding.details.iter().find(|(name, _)| name == "parts")?;
        let left = slugs.split(", ").any(|slug| slug == "member-left-organization");
        Some(if left { "leave" } else { "transfer" })
    };
    sources.iter().find_map(|source| match source {
        Source::Record(path) => context?.record.text(path),
        Source::Literal(text) => Some(text.as_str().into()),
        Source::Finding(Value::PolicyType) => context?.derived(Derived::PolicyType),
        Source::Finding(Value::Trusts) => context?.derived(Derived::Trusts),
        Source::Finding(Value::Allows) => context?.derived(Derived::Allows),
        Source::Finding(Value::DeniesLeave) => context?.derived(Derived::DeniesLeave),
        Source::Finding(Value::Way) => way(finding).map(Cow::Borrowed),
        Source::Finding(value) => named(*value, finding, settings, context).map(Cow::Borrowed),
    })
}

/// A value by its name: the finding's, the settings', or one that only the record has. In three functions, and
/// none a part of `first`, below which a record's policies are read: an interpreter has little stack, and each
/// case of a match takes some.
fn named<'a>(
    value: Value,
    finding: &'a Finding,
    settings: &'a Settings,
    context: Option<&'a Context<'_>>,
) -> Option<&'a str> {
    of_principal(value, finding, context)
        .unwrap_or_else(|| of_accounts(value, finding, settings))
        .or_else(|| of_event(value, finding, context))
}

/// A value that says who; none if it is another.
#[inline(never)]
fn of_principal<'a>(
    value: Value,
    finding: &'a Finding,
    context: Option<&'a Context<'_>>,
) -> Option<Option<&'a str>> {
    let principal = &finding.principal;
    Some(match value {
        Value::Principal => principal
            .arn
            .as_deref()
            .or(principal.name.as_deref())
            .or_else(|| context?.summary().principal_id.as_deref())
            .or(principal.kind.as_deref()),
        Value::PrincipalArn => principal.arn.as_deref(),
        Value::PrincipalName => principal.name.as_deref(),
        Value::PrincipalType => principal.kind.as_deref(),
        Value::PrincipalAccessKeyId => principal.access_key_id.as_deref(),
        Value::PrincipalIssuer => principal.issuer.as_deref(),
        Value::SourceIp => finding.source_ip.as_deref(),
        Value::UserAgent => finding.user_agent.as_deref(),
        _ => return None,
    })
}

/// A value that says of which account or organization, or what became of it.
#[inline(never)]
fn of_accounts<'a>(value: Value, finding: &'a Finding, settings: &'a Settings) -> Option<&'a str> {
    match value {
        Value::Account => finding.account.as_deref(),
        Value::ActingAccount => finding.accounts.acting.as_deref(),
        Value::RecipientAccount => finding.accounts.recipient.as_deref(),
        Value::Organization => finding.organization.as_deref(),
        Value::DestinationOrganization => finding.destination_organization.as_deref(),
        Value::ManagementAccount => settings.ownership.management_account.as_deref(),
        Value::Outcome => Some(finding.outcome.as_str()),
        Value::OutcomeReason => finding.outcome_reason.as_deref(),
        _ => None,
    }
}

/// A value of the event.
#[inline(never)]
fn of_event<'a>(
    value: Value,
    finding: &'a Finding,
    context: Option<&'a Context<'_>>,
) -> Option<&'a str> {
    let target = finding.target.as_ref();
    let handshake = finding.handshake.as_ref();
    match value {
        Value::DeniedAccount => context?.summary().denied_account.as_deref(),
        Value::EventName => Some(&finding.event_name),
        Value::EventSource => Some(&finding.event_source),
        Value::EventTime | Value::LastSeen => finding.last_seen.as_deref(),
        Value::FirstSeen => finding.first_seen.as_deref(),
        Value::Region => finding.region.as_deref(),
        Value::TargetType => target.and_then(|target| target.kind.as_deref()),
        Value::TargetId => target.and_then(|target| target.id.as_deref()),
        Value::HandshakeId => handshake.and_then(|handshake| handshake.id.as_deref()),
        Value::HandshakeAction => handshake.and_then(|handshake| handshake.action.as_deref()),
        Value::HandshakeOrganization => context?.summary().handshake_organization.as_deref(),
        Value::Parts => {
            let parts = finding.details.iter().find(|(name, _)| name == "parts");
            parts.map(|(_, slugs)| slugs.as_str())
        }
        // Of another function, or worked out and not held: see `first`.
        _ => None,
    }
}
