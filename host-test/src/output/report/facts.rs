//! Who, what, from where, and what came of it.

use orgwatch::finding::{Finding, Outcome, Status};

use super::link::Link;

/// A finding as names and values.
#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    /// The event.
    pub(super) event: Vec<Fact<'a>>,
    /// Its names, here and elsewhere.
    pub(super) names: Vec<Fact<'a>>,
    pub(super) attack: Vec<Link<'a>>,
    /// Older names of the same in other systems.
    pub(super) aliases: Vec<Link<'a>>,
    pub(super) catalogue: Vec<Link<'a>>,
}

/// A name and its values.
#[derive(Debug)]
pub(super) struct Fact<'a> {
    pub(super) name: &'a str,
    pub(super) values: Vec<Value<'a>>,
}

/// A value, and what it is where that does not show.
#[derive(Debug)]
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    pub(super) what: &'static str,
    /// Whether every character of it counts.
    pub(super) exact: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        let (event, names) = (event(finding), names(finding));
        let links = |ids: &'a [String], link: fn(&'a str) -> Link<'a>| {
            ids.iter().map(|id| link(id)).collect::<Vec<_>>()
        };
        Facts {
            event,
            names,
            attack: links(&finding.attack, Link::attack),
            aliases: links(&finding.attack_aliases, Link::attack),
            catalogue: links(&finding.threat_catalogue, Link::catalogue),
        }
    }
}

/// Collects what is there.
#[derive(Default)]
struct Rows<'a>(Vec<Fact<'a>>);

impl<'a> Rows<'a> {
    fn row(&mut self, name: &'a str, values: impl IntoIterator<Item = Option<Value<'a>>>) {
        let shown = |value: &Value<'_>| !value.text.trim().is_empty();
        let values: Vec<_> = values.into_iter().flatten().filter(shown).collect();
        if !values.is_empty() {
            self.0.push(Fact { name, values });
        }
    }
}

fn exact(text: &str) -> Value<'_> {
    Value { text, what: "", exact: true }
}

fn named<'a>(what: &'static str, text: &'a Option<String>) -> Option<Value<'a>> {
    text.as_deref().map(|text| Value { text, what, exact: true })
}

fn plain(text: &str) -> Option<Value<'_>> {
    Some(Value { text, what: "", exact: false })
}

fn event(finding: &Finding) -> Vec<Fact<'_>> {
    let mut rows = Rows::default();
    let who = &finding.principal;
    let name = who.arn.as_ref().or(who.name.as_ref()).map(|name| exact(name));
    let mfa = who.mfa.map(|mfa| if mfa { "with a second factor" } else { "no second factor" });
    rows.row(
        "Who",
        [
            name,
            who.kind.as_deref().and_then(plain),
            named("access key", &who.access_key_id),
            named("session of", &who.issuer),
            mfa.and_then(plain),
            who.console.filter(|console| *console).and_then(|_| plain("from a console session")),
        ],
    );
    rows.row("From", [named("", &finding.source_ip), named("region", &finding.region)]);
    rows.row("With", [named("", &finding.user_agent)]);
    rows.row("Call", [Some(exact(&finding.event_name)), named_str("of", &finding.event_source)]);
    let outcome = match finding.outcome {
        Outcome::Success => "It succeeded",
        Outcome::Failure => "It failed",
        Outcome::Unknown => "It is not known how it ended",
    };
    rows.row("Outcome", [plain(outcome), named("", &finding.outcome_reason)]);
    if let Some(target) = &finding.target {
        rows.row("Target", [named("", &target.id), target.kind.as_deref().and_then(plain)]);
    }
    if let Some(handshake) = &finding.handshake {
        let action = handshake.action.as_deref().and_then(plain);
        let state = handshake.state.as_deref().and_then(plain);
        rows.row("Handshake", [named("", &handshake.id), action, state]);
    }
    rows.row(
        "Account",
        [
            named("", &finding.account),
            named("acting", &finding.accounts.acting),
            named("recorded in", &finding.accounts.recipient),
        ],
    );
    rows.row("Organization", [named("", &finding.organization)]);
    rows.row("Going to", [named("", &finding.destination_organization)]);
    // A chain's parts are drawn.
    for (name, value) in finding.details.iter().filter(|(name, _)| name != "parts") {
        rows.row(name, [Some(exact(value))]);
    }
    if finding.status != Status::New {
        let reason = finding.status_reason.as_deref().and_then(plain);
        rows.row("Status", [plain(status(finding.status)), reason]);
    }
    rows.row("Events", finding.events.iter().map(|id| Some(exact(id))));
    rows.0
}

fn named_str<'a>(what: &'static str, text: &'a str) -> Option<Value<'a>> {
    Some(Value { text, what, exact: true })
}

fn names(finding: &Finding) -> Vec<Fact<'_>> {
    let mut rows = Rows::default();
    rows.row("Rule", [Some(exact(&finding.rule)), named_str("id", &finding.rule_id)]);
    rows.row("Finding", [Some(exact(&finding.id))]);
    rows.row("Covers", finding.covers.iter().map(|other| plain(other)));
    rows.0
}

/// A status as it is shown.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::New => "new",
        Status::Approved => "approved",
        Status::Learning => "learning",
        Status::DryRun => "dry-run",
        Status::FollowUp => "follow-up",
        Status::Other => "other",
    }
}
