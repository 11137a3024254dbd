//! From a rule and a record, or a chain and its parts, to a finding.

use std::borrow::Cow;

use orgwatch_sigma::{
    Correlation, CorrelationKind, Derived, Pack, Part, Rule, RuleMetadata, Severity, Source,
    Template, Value,
};

use super::{Context, holds, pack};
use crate::digest::Digest128;
use crate::finding::{Accounts, Artifact, Finding, Outcome, Principal, Status, Target};
use crate::memory::{FindingSnapshot, Group};
use crate::record::arn;
use crate::settings::{Action, Approval, Leads, Mode, Settings};
use crate::text::{MAX_VALUE, shortened};

/// The longest value inside a sentence, in bytes.
const MAX_IN_TEXT: usize = 300;

/// What a value that is missing reads in a sentence.
const MISSING: &str = "unknown";

/// The id of what a rule found in an event, or of a chain that an event completes for one group: the
/// same wherever it is found.
fn id(about: &RuleMetadata, of: &[Digest128]) -> String {
    let of: Vec<String> = of.iter().map(Digest128::hex).collect();
    let texts: Vec<&str> =
        [about.id.as_str()].into_iter().chain(of.iter().map(String::as_str)).collect();
    Digest128::of(&texts).hex()
}

/// The severity that a rule gives a record.
fn severity(rule: &Rule, context: &Context<'_>) -> Severity {
    rule.severity
        .iter()
        .find(|severity| holds(&severity.when, context))
        .map_or(rule.about.level, |severity| severity.level)
}

/// A finding that says what every finding of a rule or chain says.
fn blank(about: &'static RuleMetadata, of: &[Digest128], settings: &Settings) -> Finding {
    let changed = settings.of_rule(&about.slug);
    let dry_run = changed.mode == Mode::DryRun;
    Finding {
        id: id(about, of),
        rule: about.slug.as_str().into(),
        rule_id: about.id.as_str().into(),
        title: about.title.as_str().into(),
        severity: about.level,
        status: if dry_run { Status::DryRun } else { Status::New },
        status_reason: dry_run.then(|| format!("the settings put {} on trial", about.slug)),
        account: None,
        accounts: Accounts::default(),
        organization: None,
        destination_organization: None,
        outcome: Outcome::Success,
        outcome_reason: None,
        event_name: String::new(),
        event_source: String::new(),
        principal: Principal::default(),
        source_ip: None,
        user_agent: None,
        region: None,
        target: None,
        handshake: None,
        details: Vec::new(),
        parts: Vec::new(),
        events: Vec::new(),
        first_seen: None,
        last_seen: None,
        summary: String::new(),
        why: about.why.as_str().into(),
        benign: about.benign.as_str().into(),
        triage: Vec::new(),
        attack: about.attack.as_slice().into(),
        attack_aliases: about.attack_aliases.as_slice().into(),
        attack_version: pack().attack_version.as_str().into(),
        threat_catalogue: about.threat_catalogue.as_slice().into(),
        covers: about.covers.as_slice().into(),
        artifact: Artifact {
            name: "orgwatch".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            digest: None,
        },
        repeat: false,
    }
}

/// What a rule says of a record that it matched.
#[inline(never)]
pub fn finding(rule: &'static Rule, context: &Context<'_>, settings: &Settings) -> Finding {
    let summary = context.summary();
    let mut finding = Finding {
        severity: severity(rule, context),
        accounts: summary.accounts.clone(),
        outcome: summary.outcome,
        outcome_reason: summary.outcome_reason.clone(),
        event_name: summary.event_name.clone(),
        event_source: summary.event_source.clone(),
        principal: summary.principal.clone(),
        source_ip: summary.source_ip.clone(),
        user_agent: summary.user_agent.clone(),
        region: summary.region.clone(),
        handshake: summary.handshake.clone(),
        events: summary.event_id.iter().cloned().collect(),
        first_seen: summary.event_time.clone(),
        last_seen: summary.event_time.clone(),
        ..blank(&rule.about, &[summary.key], settings)
    };
    // In this order, since later templates name what earlier ones gave.
    finding.account = value(&rule.account, &finding, settings, context).map(account_number);
    let named = rule.organization.as_ref();
    finding.organization = named
        .and_then(|template| value(template, &finding, settings, context))
        .or_else(|| settings.ownership.organization.clone());
    let destination = rule.destination_organization.as_ref();
    finding.destination_organization =
        destination.and_then(|template| value(template, &finding, settings, context));
    finding.target = rule.target.as_ref().and_then(|target| {
        let id = value(&target.id, &finding, settings, context)?;
        Some(Target { kind: value(&target.kind, &finding, settings, context), id: Some(id) })
    });
    let details = rule.details.iter();
    finding.details = details
        .filter_map(|(name, template)| Some((name.clone(), value(template, &finding, settings, context)?)))
        .collect();
    match summary.unreadable_time.as_deref() {
        None => {}
        Some("") => finding.details.push(("time".into(), "missing".into())),
        Some(written) => {
            let written = shortened(written, MAX_IN_TEXT);
            finding.details.push(("time".into(), format!("cannot be read: {written}")));
        }
    }
    write(&mut finding, &rule.about, settings, Some(context));
    let covers = |approval: &&Approval| {
        approval.covers(&done(rule, &finding), &[&rule.about.slug], summary.time)
    };
    if let Some(approval) = settings.approvals.iter().find(covers) {
        approve(&mut finding, &approval.reason);
    }
    finding
}

/// What an approval looks at of a rule's finding.
pub fn done<'a>(rule: &Rule, finding: &'a Finding) -> Action<'a> {
    let destination = finding.destination_organization.as_deref();
    Action {
        principal: &finding.principal,
        source_ip: finding.source_ip.as_deref(),
        account: finding.account.as_deref(),
        destination: Leads::to(destination, rule.destination_organization.is_some()),
    }
}

/// What a chain says of its parts, in the order of their times; the last one completed it for a group,
/// which may be of one account of several.
#[inline(never)]
pub fn correlation_finding(
    chain: &'static Correlation,
    group: Group,
    last: Digest128,
    account: Option<&str>,
    parts: &[FindingSnapshot<'_>],
    settings: &Settings,
) -> Finding {
    let mut finding = blank(&chain.about, &[last, group.group], settings);
    let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let pack = pack();
    let public = |part: &&FindingSnapshot<'_>| {
        !pack.rules.iter().any(|rule| rule.internal && rule.about.slug == part.rule)
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
        let destination = finding.destination_organization.as_deref();
        let covers = |reached| last.approvals.iter().find(|one| one.covers(group.chain, reached));
        let approval = match destination {
            // It is about where the account goes, and that is not known.
            None if leads_somewhere(chain, pack) => covers(Some("")),
            destination => covers(destination),
        };
        if let Some(approval) = approval {
            approve(&mut finding, &approval.reason);
        }
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

/// Whether a rule of a chain says where the account goes.
fn leads_somewhere(chain: &Correlation, pack: &Pack) -> bool {
    let leads = |slug: &str| {
        let rule = pack.rules.iter().find(|rule| rule.about.slug == slug);
        rule.is_some_and(|rule| rule.destination_organization.is_some())
    };
    chain.members.iter().flat_map(|member| &member.rules).any(|rule| leads(&rule.slug))
}

/// Who made the event of a part.
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

/// An account that is named by an ARN in it, as its number.
fn account_number(account: String) -> String {
    let arn = arn(&account);
    let number = arn.starts_with("arn:").then(|| arn.split(':').nth(4)).flatten();
    number.filter(|number| number.len() == 12).map(str::to_owned).unwrap_or(account)
}

/// The texts, and what the settings change about the severity.
fn write(
    finding: &mut Finding,
    about: &RuleMetadata,
    settings: &Settings,
    context: Option<&Context<'_>>,
) {
    if let Some(severity) = settings.of_rule(&about.slug).severity {
        finding.severity = severity;
    }
    finding.summary = sentence(&about.summary, finding, settings, context);
    let triage = about.triage.iter();
    finding.triage = triage.map(|step| sentence(step, finding, settings, context)).collect();
}

/// A finding that is several says dry run before approved.
fn approve(finding: &mut Finding, reason: &str) {
    if finding.status == Status::New {
        finding.status = Status::Approved;
        finding.status_reason = Some(reason.to_owned());
    }
}

/// A template as a value: none if any of its parts is missing.
fn value(
    template: &Template,
    finding: &Finding,
    settings: &Settings,
    context: &Context<'_>,
) -> Option<String> {
    let mut text = String::new();
    for part in &template.0 {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Value(sources) => {
                text.push_str(&first(sources, finding, settings, Some(context))?);
            }
        }
    }
    Some(shortened(&text, MAX_VALUE).into_owned()).filter(|text| !text.is_empty())
}

/// A template as a sentence, in which what is missing is said to be.
fn sentence(
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
    sources.iter().find_map(|source| match source {
        Source::Record(path) => context?.record.text(path),
        Source::Literal(text) => Some(text.as_str().into()),
        Source::Finding(Value::PolicyType) => context?.derived(Derived::PolicyType),
        Source::Finding(Value::Trusts) => context?.derived(Derived::Trusts),
        Source::Finding(value) => named(*value, finding, settings, context).map(Cow::Borrowed),
    })
}

/// A value by its name: the finding's, the settings', or one that only the record has.
fn named<'a>(
    value: Value,
    finding: &'a Finding,
    settings: &'a Settings,
    context: Option<&'a Context<'_>>,
) -> Option<&'a str> {
    let principal = &finding.principal;
    let target = finding.target.as_ref();
    let handshake = finding.handshake.as_ref();
    match value {
        Value::Account => finding.account.as_deref(),
        Value::ActingAccount => finding.accounts.acting.as_deref(),
        Value::RecipientAccount => finding.accounts.recipient.as_deref(),
        Value::Organization => finding.organization.as_deref(),
        Value::DestinationOrganization => finding.destination_organization.as_deref(),
        Value::ManagementAccount => settings.ownership.management_account.as_deref(),
        Value::Outcome => Some(finding.outcome.as_str()),
        Value::OutcomeReason => finding.outcome_reason.as_deref(),
        Value::DeniedAccount => context?.summary().denied_account.as_deref(),
        Value::EventName => Some(&finding.event_name),
        Value::EventSource => Some(&finding.event_source),
        Value::EventTime | Value::LastSeen => finding.last_seen.as_deref(),
        Value::FirstSeen => finding.first_seen.as_deref(),
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
        Value::Region => finding.region.as_deref(),
        Value::TargetType => target.and_then(|target| target.kind.as_deref()),
        Value::TargetId => target.and_then(|target| target.id.as_deref()),
        Value::HandshakeId => handshake.and_then(|handshake| handshake.id.as_deref()),
        Value::HandshakeAction => handshake.and_then(|handshake| handshake.action.as_deref()),
        Value::HandshakeOrganization => context?.summary().handshake_organization.as_deref(),
        // Worked out, not held: see `first`.
        Value::PolicyType | Value::Trusts => None,
        Value::Parts => {
            let parts = finding.details.iter().find(|(name, _)| name == "parts");
            parts.map(|(_, slugs)| slugs.as_str())
        }
    }
}
