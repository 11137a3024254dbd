//! A finding in a line.

use std::rc::Rc;

use orgwatch::finding::{Finding, Outcome, Severity, Status};
use orgwatch::time::parse as parse_time;

use super::facts::status;
use crate::output::escape;

/// The most characters of a value in a line.
const LINE: usize = 300;

/// A part of a chain.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) id: String,
    /// The finding; none if an earlier run found it.
    pub(super) row: Option<Rc<Row>>,
}

/// A finding in a line.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) rule: String,
    pub(super) title: String,
    pub(super) severity: Severity,
    pub(super) status: Status,
    pub(super) account: String,
    pub(super) incident: String,
    pub(super) before: Option<String>,
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
    pub(super) call: String,
    pub(super) failed: bool,
    pub(super) who: String,
    pub(super) summary: String,
    pub(super) chain: bool,
    /// Too light for this page.
    pub(super) hidden: bool,
}

impl Row {
    pub(super) fn of(finding: &Finding, hidden: bool) -> Self {
        let line = |text: &str| escape(text, LINE);
        let time = |text: &Option<String>| text.as_deref().and_then(parse_time);
        let principal = &finding.principal;
        let who = principal.arn.as_ref().or(principal.name.as_ref());
        let (from, to) = (time(&finding.first_seen), time(&finding.last_seen));
        Row {
            id: finding.id.clone(),
            rule: finding.rule.to_string(),
            title: line(&finding.title),
            severity: finding.severity,
            status: finding.status,
            account: finding.account.as_deref().map(line).unwrap_or_default(),
            incident: finding.incident.clone(),
            before: finding.incident_before.clone(),
            from: from.or(to),
            to: to.or(from),
            call: line(&finding.event_name),
            failed: finding.outcome == Outcome::Failure,
            who: who.map(|who| line(who)).unwrap_or_default(),
            summary: line(&finding.summary),
            chain: !finding.parts.is_empty(),
            hidden,
        }
    }

    /// Its class in the style sheet.
    pub(super) fn class(&self) -> String {
        let other = if self.status == Status::New { "" } else { " is-other" };
        format!("is-{}{other}", self.severity)
    }

    /// Its status, where it is not new.
    pub(super) fn status(&self) -> Option<&'static str> {
        (self.status != Status::New).then(|| status(self.status))
    }
}
