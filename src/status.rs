//! The status of a finding, decided here and nowhere else.
//!
//! The first row that applies gives the status and its reason:
//!
//! | status | when | reason |
//! | --- | --- | --- |
//! | `dry-run` | the settings put the rule or the chain on trial | the settings |
//! | `approved` | an approval covers the event; of a chain, the event that completes it | the approval's |
//! | `learning` | a rule that looks for new terms, and an event before `learning_until` | the date |
//! | `new` | the account's actual exit | none |
//! | `follow-up` | another finding of its class has alerted | the id of that finding |
//! | `new` | otherwise | none |
//!
//! A class is an incident, a severity and a stage: the folder of the rule. One takeover gives many findings,
//! and a flood of attempts thousands; each class alerts once, and what a pager need not ring for again is a
//! follow-up. Memory keeps which finding opened a class, and by its id the finding alerts again when its
//! event comes again.

use orgwatch_sigma::{Correlation, MAX_NESTING, Pack, Rule};

use crate::digest::Digest128;
use crate::finding::{Finding, Outcome, Status};
use crate::incident;
use crate::memory::{Alert, FindingSnapshot, Group, IncidentNames, Memory};
use crate::settings::{Action, Approval, Leads, Mode, Settings};
use crate::time::rfc3339;

/// A status, and the reason for any but `new`.
pub type Decision = (Status, Option<String>);

/// The status of a rule's finding of an event at this time.
pub fn of_rule(rule: &Rule, finding: &Finding, time: Option<i64>, settings: &Settings) -> Decision {
    let action = action(rule, finding);
    let covers = |approval: &&Approval| approval.covers(&action, &[&rule.about.slug], time);
    let approval = settings.approvals.iter().find(covers);
    // An event without a time may be of any time, so it is not taken for an old one.
    let is_before = |until: &i64| time.is_some_and(|time| time < *until);
    let learning_until =
        settings.learning_until.filter(|until| rule.new_terms.is_some() && is_before(until));
    let reason = approval.map(|approval| approval.reason.as_str());
    decide(&rule.about.slug, reason, learning_until, settings)
}

/// The status of a chain's finding, whose last part completed it for a group. Approvals were evaluated
/// when that part was seen, and the verdicts were kept with it. `leads` says whether the chain
/// [names where the account goes](names_destination).
#[inline(never)]
pub fn of_chain(
    chain: &Correlation,
    leads: bool,
    group: Group,
    last: Option<&FindingSnapshot<'_>>,
    finding: &Finding,
    settings: &Settings,
) -> Decision {
    let destination = match finding.destination_organization.as_deref() {
        // The chain is about where the account goes, and that is not known.
        None if leads => Some(""),
        destination => destination,
    };
    let approvals = last.map(|last| last.approvals.as_slice()).unwrap_or_default();
    let approval = approvals.iter().find(|one| one.covers(group.chain, destination));
    let reason = approval.map(|approval| approval.reason.as_str());
    decide(&chain.about.slug, reason, None, settings)
}

/// The table above.
fn decide(
    slug: &str,
    approval: Option<&str>,
    learning_until: Option<i64>,
    settings: &Settings,
) -> Decision {
    if settings.of_rule(slug).mode == Mode::DryRun {
        (Status::DryRun, Some(format!("the settings put {slug} on trial")))
    } else if let Some(reason) = approval {
        (Status::Approved, Some(reason.to_owned()))
    } else if let Some(until) = learning_until {
        (Status::Learning, rfc3339(until).map(|until| format!("learning until {until}")))
    } else {
        (Status::New, None)
    }
}

/// The calls by which an account actually goes out of its organization.
const EXITS: [&str; 4] =
    ["member-left-organization", "account-removed", "account-closed", "organization-deleted"];

/// AWS's word that an account went, an exit where the call is not known: it may have been out of sight.
const DEPARTED: &str = "account-departed";

/// Names the incident of a finding, decides whether it alerts if it is otherwise new, and remembers that it does.
/// Findings that are not new use up no alert.
pub fn alert(finding: &mut Finding, stage: &str, settings: &Settings, memory: &mut Memory) {
    incident::name(finding, settings, memory.incidents());
    let Some(id) = Digest128::from_hex(&finding.id).filter(|_| finding.status == Status::New)
    else {
        return;
    };
    let Some(incident) = Digest128::from_hex(&finding.incident) else { return };
    let day = incident::day(finding).unwrap_or(i64::MIN);
    let class = incident.named(stage, finding.severity as u64);
    let own = Alert { day, class, finding: id };
    let goes = actual_exit(finding);
    let exits = match goes || is_departure(finding) {
        true => exits_of(finding, incident, memory.incidents()),
        false => Vec::new(),
    };
    let alerts = memory.alerts();
    // An account that AWS does not name may be any, whoever else went.
    let known = |exit: &Digest128| finding.account.is_some() && alerts.opener(day, *exit).is_some();
    let is_new = goes || alerts.contains(&own) || !exits.iter().all(known);
    if let Some(opener) = alerts.opener(day, class).filter(|_| !is_new) {
        finding.status = Status::FollowUp;
        finding.status_reason = Some(format!("{} is the alert", opener.hex()));
        return;
    }
    for class in exits.into_iter().filter(|_| goes).chain([class]) {
        memory.record_alert(Alert { class, ..own });
    }
}

/// Whether a finding is of a call by which an account went out of its organization.
pub fn actual_exit(finding: &Finding) -> bool {
    EXITS.contains(&&*finding.rule) && finding.outcome == Outcome::Success
}

fn is_departure(finding: &Finding) -> bool {
    finding.rule == DEPARTED && finding.outcome == Outcome::Success
}

/// The classes that stand for the exits of the accounts that a finding names.
fn exits_of(finding: &Finding, incident: Digest128, known: &mut IncidentNames) -> Vec<Digest128> {
    let accounts = finding.account.as_deref().unwrap_or_default();
    let incidents = match accounts.contains(", ") {
        true => accounts
            .split(", ")
            .map(|account| incident::of_account(account, finding, known))
            .collect(),
        false => vec![incident],
    };
    incidents.into_iter().map(|incident| incident.named("exit", u64::MAX)).collect()
}

/// The part of a rule's finding that approvals look at.
pub fn action<'a>(rule: &Rule, finding: &'a Finding) -> Action<'a> {
    let destination = finding.destination_organization.as_deref();
    Action {
        principal: &finding.principal,
        source_ip: finding.source_ip.as_deref(),
        account: finding.account.as_deref(),
        destination: Leads::to(destination, rule.destination_organization.is_some()),
        details: &finding.details,
    }
}

/// Whether a rule of a chain says where the account goes.
pub fn names_destination(chain: &Correlation, pack: &Pack) -> bool {
    let leads = |slug: &str| {
        let rule = pack.rules.iter().find(|rule| rule.about.slug == slug);
        rule.is_some_and(|rule| rule.destination_organization.is_some())
    };
    // Of chains in chains as well, which are no deeper than this.
    let mut chains = vec![chain];
    for _ in 0..MAX_NESTING {
        let members = || chains.iter().flat_map(|chain| &chain.members);
        if members().flat_map(|member| &member.rules).any(|rule| leads(&rule.slug)) {
            return true;
        }
        let nested = members().flat_map(|member| &member.chains);
        let of = |slug: &str| pack.correlations.iter().find(|chain| chain.about.slug == slug);
        chains = nested.filter_map(|nested| of(&nested.slug)).collect();
    }
    false
}
