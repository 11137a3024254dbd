//! From a rule and a record, or a correlation and its parts, to a finding, but for its status.

mod correlation;
mod template;

use orgwatch_sigma::{Derived, Pack, Rule, RuleMetadata, Severity};

pub use correlation::{Parts, correlation_finding};
use template::{MAX_IN_TEXT, sentence, value};

use crate::digest::Digest128;
use crate::finding::{Artifact, Finding, SmolStr, Target};
use crate::record::arn;
use crate::rules::{Context, holds};
use crate::settings::Settings;
use crate::text::{account_of_arn, bounded, shortened};

/// The id of what a rule found in an event, or of a chain that an event completes for one group: the
/// same wherever it is found.
fn id(about: &RuleMetadata, of: &[Digest128]) -> String {
    let of: Vec<String> = of.iter().map(Digest128::hex).collect();
    let texts: Vec<&str> =
        [about.id.as_str()].into_iter().chain(of.iter().map(String::as_str)).collect();
    Digest128::of(&texts).hex()
}

/// The severity that a rule gives a record: what AWS does by itself is low at most.
fn severity(rule: &Rule, context: &Context<'_>) -> Severity {
    let severity = rule
        .severity
        .iter()
        .find(|severity| holds(&severity.when, context))
        .map_or(rule.about.level, |severity| severity.level);
    let severity = match severity > Severity::Low && context.derived(Derived::ByAws).is_some() {
        true => Severity::Low,
        false => severity,
    };
    context.set_severity(severity);
    severity
}

/// A finding that says what every finding of a rule or chain says.
fn blank(about: &RuleMetadata, of: &[Digest128], pack: &Pack) -> Finding {
    Finding {
        id: id(about, of),
        rule: about.slug.clone(),
        rule_id: about.id.clone(),
        title: about.title.clone(),
        severity: about.level,
        why: about.why.clone(),
        benign: about.benign.clone(),
        attack: about.attack.clone(),
        attack_aliases: about.attack_aliases.clone(),
        attack_version: pack.attack_version.clone(),
        threat_catalogue: about.threat_catalogue.clone(),
        covers: about.covers.clone(),
        artifact: Artifact {
            name: SmolStr::new_static("orgwatch"),
            version: SmolStr::new_static(env!("CARGO_PKG_VERSION")),
            digest: None,
        },
        ..Finding::default()
    }
}

/// The finding of a rule on a record that it matched; its status is `new` until it is decided.
#[inline(never)]
pub fn rule_finding(
    rule: &Rule,
    context: &Context<'_>,
    pack: &Pack,
    settings: &Settings,
) -> Finding {
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
        ..blank(&rule.about, &[summary.key], pack)
    };
    let told = Some(context);
    // In this order, since later templates name what earlier ones gave.
    finding.account = value(&rule.account, &finding, settings, told).map(account_number);
    let named = rule.organization.as_ref();
    finding.organization = named
        .and_then(|template| value(template, &finding, settings, told))
        .or_else(|| settings.ownership.organization.clone());
    let destination = rule.destination_organization.as_ref();
    finding.destination_organization =
        destination.and_then(|template| value(template, &finding, settings, told));
    finding.target = rule.target.as_ref().and_then(|target| {
        let id = value(&target.id, &finding, settings, told)?;
        Some(Target { kind: value(&target.kind, &finding, settings, told), id: Some(id) })
    });
    let details = rule.details.iter();
    finding.details = details
        .filter_map(|(name, template)| {
            Some((name.clone(), value(template, &finding, settings, told)?))
        })
        .collect();
    finding.details.extend(summary.actor.details());
    match summary.unreadable_time.as_deref() {
        None => {}
        Some("") => finding.details.push(("time".into(), "missing".into())),
        Some(written) => {
            let written = shortened(written, MAX_IN_TEXT);
            finding.details.push(("time".into(), format!("cannot be read: {written}")));
        }
    }
    if let Some(origin) = context.origin() {
        let path = origin.path().map(|path| ("record_at", bounded(&path)));
        let form = origin.form.map(|form| ("form", form.as_str().to_owned()));
        let origin = [path, form].into_iter().flatten();
        finding.details.extend(origin.map(|(name, value)| (name.to_owned(), value)));
    }
    write(&mut finding, &rule.about, settings, Some(context));
    if let Some(delegate) = &summary.actor.delegate {
        let account = shortened(delegate, MAX_IN_TEXT);
        finding.summary.push_str(&format!(" Account {account} acted through this principal."));
    }
    finding
}

/// An account that is named by an ARN in it, as its number.
fn account_number(account: String) -> String {
    let number = account_of_arn(arn(&account));
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
