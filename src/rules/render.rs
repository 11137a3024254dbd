//! From a rule and a record to a finding.

use std::borrow::Cow;

use orgwatch_sigma::{Part, Rule, Severity, Source, Template, Value};

use super::{Context, holds};
use crate::finding::{Artifact, Finding, Status, Target};
use crate::memory::EventKey;
use crate::record::{MAX_VALUE, shortened};

/// The longest value inside a sentence, in bytes.
const MAX_IN_TEXT: usize = 300;

/// What a value that is missing reads in a sentence.
const MISSING: &str = "unknown";

/// The id of what a rule found in these events: the same wherever it is found.
pub fn id(rule: &str, events: &[EventKey]) -> String {
    let mut events: Vec<String> = events.iter().map(hex).collect();
    events.sort_unstable();
    let parts: Vec<&str> = std::iter::once(rule)
        .chain(events.iter().map(String::as_str))
        .collect();
    hex(&EventKey::of(&parts))
}

fn hex(key: &EventKey) -> String {
    key.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The severity that a rule gives a record.
fn severity(rule: &Rule, context: &Context<'_>) -> Severity {
    rule.severity
        .iter()
        .find(|severity| holds(&severity.when, context))
        .map_or(rule.level, |severity| severity.level)
}

/// What a rule says of a record that it matched.
pub fn finding(rule: &Rule, attack_version: &str, context: &Context<'_>) -> Finding {
    let facts = context.facts();
    let mut finding = Finding {
        id: id(&rule.id, &[facts.key]),
        rule: rule.slug.clone(),
        rule_id: rule.id.clone(),
        title: rule.title.clone(),
        severity: severity(rule, context),
        status: Status::New,
        status_reason: None,
        account: None,
        accounts: facts.accounts.clone(),
        organization: None,
        destination_organization: None,
        outcome: facts.outcome,
        outcome_reason: facts.outcome_reason.clone(),
        event_name: facts.event_name.clone(),
        event_source: facts.event_source.clone(),
        principal: facts.principal.clone(),
        source_ip: facts.source_ip.clone(),
        user_agent: facts.user_agent.clone(),
        region: facts.region.clone(),
        target: None,
        handshake: facts.handshake.clone(),
        details: Vec::new(),
        parts: Vec::new(),
        events: facts.event_id.iter().cloned().collect(),
        first_seen: facts.event_time.clone(),
        last_seen: facts.event_time.clone(),
        summary: String::new(),
        why: rule.why.clone(),
        benign: rule.benign.clone(),
        triage: Vec::new(),
        attack: rule.attack.clone(),
        attack_aliases: rule.attack_aliases.clone(),
        attack_version: attack_version.to_owned(),
        threat_catalogue: rule.threat_catalogue.clone(),
        covers: rule.covers.clone(),
        artifact: Artifact {
            name: "orgwatch".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            digest: None,
        },
        repeat: false,
    };
    // In this order, since later templates name what earlier ones gave.
    finding.account = value(&rule.account, &finding, context);
    finding.organization = match &rule.organization {
        Some(template) => value(template, &finding, context),
        None => None,
    }
    .or_else(|| context.settings.organization.clone());
    finding.destination_organization = rule
        .destination_organization
        .as_ref()
        .and_then(|template| value(template, &finding, context));
    finding.target = rule.target.as_ref().and_then(|target| {
        let id = value(&target.id, &finding, context)?;
        Some(Target {
            kind: value(&target.kind, &finding, context),
            id: Some(id),
        })
    });
    finding.details = rule
        .details
        .iter()
        .filter_map(|(name, template)| Some((name.clone(), value(template, &finding, context)?)))
        .collect();
    finding.summary = sentence(&rule.summary, &finding, context);
    finding.triage = rule
        .triage
        .iter()
        .map(|step| sentence(step, &finding, context))
        .collect();
    finding
}

/// A template as a value: none if any of its parts is missing.
fn value(template: &Template, finding: &Finding, context: &Context<'_>) -> Option<String> {
    let mut text = String::new();
    for part in &template.0 {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(sources) => text.push_str(&first(sources, finding, context)?),
        }
    }
    Some(shortened(&text, MAX_VALUE).into_owned()).filter(|text| !text.is_empty())
}

/// A template as a sentence, in which what is missing is said to be.
fn sentence(template: &Template, finding: &Finding, context: &Context<'_>) -> String {
    let mut text = String::new();
    for part in &template.0 {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(sources) => match first(sources, finding, context) {
                Some(value) => text.push_str(&shortened(&value, MAX_IN_TEXT)),
                None => text.push_str(MISSING),
            },
        }
    }
    text
}

fn first<'a>(
    sources: &[Source],
    finding: &'a Finding,
    context: &'a Context<'_>,
) -> Option<Cow<'a, str>> {
    sources.iter().find_map(|source| match source {
        Source::Record(path) => context.record.text(path),
        Source::Finding(value) => of_finding(*value, finding, context).map(Cow::Borrowed),
    })
}

fn of_finding<'a>(value: Value, finding: &'a Finding, context: &'a Context<'_>) -> Option<&'a str> {
    let facts = context.facts();
    let principal = &facts.principal;
    let target = finding.target.as_ref();
    let handshake = facts.handshake.as_ref();
    match value {
        Value::Account => finding.account.as_deref(),
        Value::ActingAccount => facts.accounts.acting.as_deref(),
        Value::RecipientAccount => facts.accounts.recipient.as_deref(),
        Value::Organization => finding.organization.as_deref(),
        Value::DestinationOrganization => finding.destination_organization.as_deref(),
        Value::ManagementAccount => context.settings.management_account.as_deref(),
        Value::Outcome => Some(facts.outcome.as_str()),
        Value::DeniedAccount => facts.denied_account.as_deref(),
        Value::OutcomeReason => facts.outcome_reason.as_deref(),
        Value::EventName => Some(&facts.event_name),
        Value::EventSource => Some(&facts.event_source),
        Value::EventTime => facts.event_time.as_deref(),
        Value::Principal => facts.principal_label(),
        Value::PrincipalArn => principal.arn.as_deref(),
        Value::PrincipalName => principal.name.as_deref(),
        Value::PrincipalType => principal.kind.as_deref(),
        Value::PrincipalAccessKeyId => principal.access_key_id.as_deref(),
        Value::PrincipalIssuer => principal.issuer.as_deref(),
        Value::SourceIp => facts.source_ip.as_deref(),
        Value::UserAgent => facts.user_agent.as_deref(),
        Value::Region => facts.region.as_deref(),
        Value::TargetType => target.and_then(|target| target.kind.as_deref()),
        Value::TargetId => target.and_then(|target| target.id.as_deref()),
        Value::HandshakeId => handshake.and_then(|handshake| handshake.id.as_deref()),
        Value::HandshakeAction => handshake.and_then(|handshake| handshake.action.as_deref()),
        Value::HandshakeOrganization => facts.handshake_organization.as_deref(),
    }
}
