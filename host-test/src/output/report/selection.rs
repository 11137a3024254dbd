//! The findings that a page shows: all of the gravest, a line of others, and
//! the number of the rest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

use orgwatch::finding::{Finding, Severity, Status};

use super::raw::Raw;
use super::row::{Part, Row};
use crate::scan::Found;

/// Limits of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Findings with all that is known of them: the gravest first, of those the ones that nothing
    /// approves, of those the ones that came first.
    pub detailed: usize,
    /// Findings after these, with one line each.
    pub summarised: usize,
    /// Findings that a later chain may name as its parts.
    pub steps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { detailed: 500, summarised: 5_000, steps: 50_000 }
    }
}

/// The most accounts whose findings are counted: anyone can make up account numbers.
pub(super) const MOST_ACCOUNTS: usize = 10_000;

/// The order of findings on a page that has no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank(Reverse<Severity>, bool, u64);

/// A finding in full.
#[derive(Debug)]
pub(super) struct Detailed {
    pub(super) finding: Finding,
    pub(super) raw: Option<Raw>,
    pub(super) parts: Vec<Part>,
    pub(super) row: Row,
}

/// Counts of everything that was given.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) shown: BTreeMap<Severity, u64>,
    pub(super) hidden: BTreeMap<Severity, u64>,
    pub(super) statuses: BTreeMap<Status, u64>,
    /// By slug: title, severity of the gravest, number.
    pub(super) rules: BTreeMap<String, (String, Severity, u64)>,
    /// By account, of so many accounts.
    pub(super) accounts: BTreeMap<String, BTreeMap<Severity, u64>>,
    /// By incident, of as many incidents.
    pub(super) incidents: BTreeMap<String, BTreeMap<Severity, u64>>,
    /// By the reason that an approval gives.
    pub(super) approved: BTreeMap<String, u64>,
}

/// The findings that a page shows, and counts of the others.
#[derive(Debug)]
pub(super) struct Selection {
    limits: Limits,
    given: u64,
    pub(super) detailed: BTreeMap<Rank, Detailed>,
    pub(super) summarised: BTreeMap<Rank, Row>,
    pub(super) omitted: u64,
    pub(super) tally: Tally,
    steps: HashMap<String, Rc<Row>>,
    oldest: VecDeque<String>,
}

impl Selection {
    pub(super) fn new(limits: Limits) -> Self {
        Selection {
            limits,
            given: 0,
            detailed: BTreeMap::new(),
            summarised: BTreeMap::new(),
            omitted: 0,
            tally: Tally::default(),
            steps: HashMap::new(),
            oldest: VecDeque::new(),
        }
    }

    /// Takes a finding that the page is too grave for: it is counted, and drawn in chains.
    pub(super) fn hide(&mut self, finding: &Finding) {
        *self.tally.hidden.entry(finding.severity).or_default() += 1;
        self.step(&Row::of(finding, true));
    }

    /// Takes a finding, and the event that gave it.
    pub(super) fn take(&mut self, finding: &Finding, event: Option<&Found<'_>>) {
        let row = Row::of(finding, false);
        self.count(finding, &row);
        self.step(&row);
        let rank = Rank(Reverse(row.severity), row.status != Status::New, self.given);
        self.given += 1;
        if self.detailed.len() >= self.limits.detailed
            && self.detailed.last_key_value().is_none_or(|(last, _)| *last < rank)
        {
            return self.list(rank, row);
        }
        let part = |id: &String| Part { id: id.clone(), row: self.steps.get(id).cloned() };
        let full = Detailed {
            raw: event.map(Raw::of),
            parts: finding.parts.iter().map(part).collect(),
            finding: finding.clone(),
            row,
        };
        self.detailed.insert(rank, full);
        if self.detailed.len() > self.limits.detailed
            && let Some((rank, last)) = self.detailed.pop_last()
        {
            self.list(rank, last.row);
        }
    }

    fn list(&mut self, rank: Rank, row: Row) {
        self.summarised.insert(rank, row);
        if self.summarised.len() > self.limits.summarised {
            self.summarised.pop_last();
            self.omitted += 1;
        }
    }

    fn count(&mut self, finding: &Finding, row: &Row) {
        let tally = &mut self.tally;
        if tally.accounts.len() < MOST_ACCOUNTS || tally.accounts.contains_key(&row.account) {
            let account = tally.accounts.entry(row.account.clone()).or_default();
            *account.entry(row.severity).or_default() += 1;
        }
        let incidents = &mut tally.incidents;
        if incidents.len() < MOST_ACCOUNTS || incidents.contains_key(&row.incident) {
            let incident = incidents.entry(row.incident.clone()).or_default();
            *incident.entry(row.severity).or_default() += 1;
        }
        *tally.shown.entry(finding.severity).or_default() += 1;
        *tally.statuses.entry(finding.status).or_default() += 1;
        if finding.status == Status::Approved {
            let reason = finding.status_reason.clone().unwrap_or_default();
            *tally.approved.entry(reason).or_default() += 1;
        }
        let first = || (finding.title.to_string(), finding.severity, 0);
        let rule = tally.rules.entry(finding.rule.to_string()).or_insert_with(first);
        rule.1 = rule.1.max(finding.severity);
        rule.2 += 1;
    }

    /// Remembers a finding that may be a part of a chain.
    fn step(&mut self, row: &Row) {
        if row.chain || self.limits.steps == 0 {
            return;
        }
        if self.oldest.len() >= self.limits.steps
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.steps.remove(&oldest);
        }
        if self.steps.insert(row.id.clone(), Rc::new(row.clone())).is_none() {
            self.oldest.push_back(row.id.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::tests::least;

    fn finding(id: u32, severity: &str, status: &str, parts: &[u32]) -> Finding {
        let mut value = least();
        value["id"] = id.to_string().into();
        value["severity"] = severity.into();
        value["status"] = status.into();
        value["parts"] = json!(parts.iter().map(u32::to_string).collect::<Vec<_>>());
        serde_json::from_value(value).unwrap()
    }

    fn ids<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<&'a str> {
        rows.into_iter().map(|row| row.id.as_str()).collect()
    }

    #[test]
    fn the_gravest_are_kept_in_full() {
        let mut selection = Selection::new(Limits { detailed: 2, summarised: 2, steps: 10 });
        for (id, severity, status) in [
            (1, "low", "new"),
            (2, "high", "approved"),
            (3, "medium", "new"),
            (4, "high", "new"),
            (5, "critical", "new"),
            (6, "high", "new"),
        ] {
            selection.take(&finding(id, severity, status, &[]), None);
        }
        assert_eq!(ids(selection.detailed.values().map(|full| &full.row)), ["5", "4"]);
        assert_eq!(ids(selection.summarised.values()), ["6", "2"]);
        assert_eq!(selection.omitted, 2);
        assert_eq!(selection.tally.shown[&Severity::High], 3);
        assert_eq!(selection.tally.rules["a-rule"], ("A title".into(), Severity::Critical, 6));
    }

    #[test]
    fn chains_know_parts_that_are_not_shown() {
        let mut selection = Selection::new(Limits { detailed: 1, summarised: 0, steps: 2 });
        selection.take(&finding(1, "low", "new", &[]), None);
        selection.take(&finding(2, "low", "new", &[]), None);
        selection.hide(&finding(3, "low", "new", &[]));
        selection.take(&finding(4, "critical", "new", &[1, 2, 3]), None);
        let (_, chain) = selection.detailed.first_key_value().unwrap();
        let known: Vec<_> = chain.parts.iter().map(|part| part.row.is_some()).collect();
        // The first is too long ago.
        assert_eq!(known, [false, true, true]);
        assert_eq!(selection.tally.hidden[&Severity::Low], 1);
    }
}
