//! The content of a page, in the order of the page.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use orgwatch::finding::Severity;
use orgwatch::status::actual_exit;

use super::facts::Facts;
use super::row::Row;
use super::selection::{Detailed, Selection};
use super::time_format::{moment, period, span};
use crate::output::story::of_an_alert;

/// A finding with its place on the page.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) row: &'a Row,
    /// The name that links to it use.
    pub(super) anchor: String,
}

impl Item<'_> {
    pub(super) fn when(&self) -> String {
        match (self.row.from, self.row.to) {
            (Some(from), Some(to)) => period(from, to),
            _ => "time unknown".into(),
        }
    }
}

/// A finding in full.
#[derive(Debug)]
pub(super) struct Card<'a> {
    pub(super) item: Item<'a>,
    pub(super) detailed: &'a Detailed,
    pub(super) facts: Facts<'a>,
    pub(super) steps: Vec<Step>,
}

/// A part of a chain, as it is drawn.
#[derive(Debug)]
pub(super) struct Step {
    id: String,
    row: Option<Rc<Row>>,
    /// Its place on the page, if it is there.
    pub(super) anchor: Option<String>,
    /// The time since the part before it.
    pub(super) after: Option<String>,
}

impl Step {
    pub(super) fn at(&self) -> Option<i64> {
        self.row.as_ref()?.to
    }

    pub(super) fn severity(&self) -> Severity {
        self.row.as_ref().map_or(Severity::Informational, |row| row.severity)
    }

    pub(super) fn when(&self) -> String {
        self.at().map(moment).unwrap_or_default()
    }

    pub(super) fn title(&self) -> &str {
        self.row.as_ref().map_or("A finding of an earlier run", |row| &row.title)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn row(&self) -> Option<&Row> {
        self.row.as_deref()
    }
}

/// The steps of a rule, with the values of one finding of it filled in.
#[derive(Debug)]
pub(super) struct Triage<'a> {
    pub(super) title: &'a str,
    pub(super) steps: &'a [String],
}

/// The findings of an incident, and of those of the days before and after it.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// Empty where it is not known.
    pub(super) account: &'a str,
    pub(super) incident: &'a str,
    /// What to do: for what is gravest first, and for each rule once.
    pub(super) triage: Vec<Triage<'a>>,
    pub(super) anchor: String,
    pub(super) chains: Vec<Card<'a>>,
    pub(super) events: Vec<Card<'a>>,
    /// Those that are on the page in a line only.
    pub(super) summarised: Vec<Item<'a>>,
    /// The number of findings by severity, the gravest first, on the page or not.
    pub(super) counts: Vec<(Severity, u64)>,
}

impl<'a> Group<'a> {
    pub(super) fn items(&self) -> impl Iterator<Item = &Item<'a>> {
        let cards = self.chains.iter().chain(&self.events).map(|card| &card.item);
        cards.chain(&self.summarised)
    }

    pub(super) fn period(&self) -> Option<String> {
        let from = self.items().filter_map(|item| item.row.from).min()?;
        let to = self.items().filter_map(|item| item.row.to).max()?;
        Some(period(from, to))
    }

    /// The gravest chain of the incident, or else its gravest finding.
    pub(super) fn gravest(&self) -> Option<&Card<'a>> {
        let cards = self.chains.iter().chain(&self.events);
        cards.min_by_key(|card| {
            let row = card.item.row;
            let length = row.to.unwrap_or_default().saturating_sub(row.from.unwrap_or_default());
            (
                std::cmp::Reverse(row.severity),
                !of_an_alert(row.status),
                std::cmp::Reverse((card.steps.len(), length)),
            )
        })
    }
}

/// The first of the incidents of neighbouring days, by each of them: an attack may cross midnight.
fn firsts(selection: &Selection) -> BTreeMap<&str, &str> {
    let details = selection.detailed.values().map(|detailed| &detailed.row);
    let before: BTreeMap<&str, Option<&str>> = details
        .chain(selection.summarised.values())
        .map(|row| (row.incident.as_str(), row.before.as_deref()))
        .collect();
    let first = |incident| {
        let mut first = incident;
        while let Some((day, _)) =
            before.get(first).copied().flatten().and_then(|day| before.get_key_value(day))
        {
            first = *day;
        }
        (incident, first)
    };
    before.keys().copied().map(first).collect()
}

/// The steps of each rule once, those of the gravest finding first: what alerts, then the severity, then the
/// exit itself.
fn triage<'a>(detailed: &[&'a Detailed]) -> Vec<Triage<'a>> {
    let mut ranked = detailed.to_vec();
    ranked.sort_by_key(|one| {
        let finding = &one.finding;
        let rank = (
            of_an_alert(finding.status),
            finding.severity,
            actual_exit(finding),
            finding.parts.len(),
        );
        std::cmp::Reverse(rank)
    });
    let mut rules = BTreeSet::new();
    ranked.retain(|one| !one.finding.triage.is_empty() && rules.insert(&one.finding.rule));
    ranked
        .iter()
        .map(|one| Triage { title: &one.finding.title, steps: &one.finding.triage })
        .collect()
}

/// Findings by incident, the gravest first, each in the order of time.
pub(super) fn groups(selection: &Selection) -> Vec<Group<'_>> {
    let firsts = firsts(selection);
    let first = |row: &Row| firsts.get(row.incident.as_str()).copied().unwrap_or_default();
    let mut incidents: BTreeMap<&str, (Vec<&Detailed>, Vec<&Row>)> = BTreeMap::new();
    for detailed in selection.detailed.values() {
        incidents.entry(first(&detailed.row)).or_default().0.push(detailed);
    }
    for row in selection.summarised.values() {
        incidents.entry(first(row)).or_default().1.push(row);
    }
    let mut of_first: BTreeMap<&str, BTreeMap<Severity, u64>> = BTreeMap::new();
    for (incident, first) in &firsts {
        let counts = of_first.entry(first).or_default();
        for (severity, count) in selection.tally.incidents.get(*incident).into_iter().flatten() {
            *counts.entry(*severity).or_default() += count;
        }
    }
    let counts = |first: &str| -> Vec<(Severity, u64)> {
        let counts = of_first.get(first).into_iter().flatten().rev();
        counts.map(|(severity, count)| (*severity, *count)).collect()
    };
    let mut incidents: Vec<_> = incidents.into_iter().collect();
    let account = |(detailed, summarised): &(Vec<&'_ Detailed>, Vec<&'_ Row>)| {
        let details = detailed.iter().map(|detailed| &detailed.row);
        let mut rows = details.chain(summarised.iter().copied());
        rows.find(|row| !row.account.is_empty()).map(|row| row.account.clone())
    };
    incidents.sort_by_cached_key(|(first, rows)| {
        (std::cmp::Reverse(counts(first)), account(rows), *first)
    });

    let mut numbers = Anchors::default();
    let mut groups: Vec<Group<'_>> = incidents
        .into_iter()
        .enumerate()
        .map(|(index, (incident, (mut detailed, mut summarised)))| {
            let rows = detailed.iter().map(|detailed| &detailed.row);
            let rows = rows.chain(summarised.iter().copied());
            let mut accounts = rows.map(|row| row.account.as_str());
            let account = accounts.find(|account| !account.is_empty()).unwrap_or_default();
            drop(accounts);
            let triage = triage(&detailed);
            detailed.sort_by_key(|detailed| in_time(&detailed.row));
            summarised.sort_by_key(|row| in_time(row));
            let (chains, events) = detailed.into_iter().partition(|detailed| detailed.row.chain);
            let mut cards =
                |all: Vec<_>| all.into_iter().map(|detailed| numbers.card(detailed)).collect();
            let (chains, events) = (cards(chains), cards(events));
            let summarised = summarised.into_iter().map(|row| numbers.item(row, 'l')).collect();
            let (anchor, counts) = (format!("a{}", index + 1), counts(incident));
            Group { account, incident, triage, anchor, chains, events, summarised, counts }
        })
        .collect();
    for group in &mut groups {
        for card in group.chains.iter_mut().chain(&mut group.events) {
            card.steps = numbers.steps(card.detailed);
        }
    }
    groups
}

/// Chains that begin together stand together.
fn in_time(row: &Row) -> impl Ord {
    (row.from.is_none(), row.from, row.to)
}

/// Hands out places on the page, and remembers whose they are.
#[derive(Debug, Default)]
struct Anchors<'a> {
    given: usize,
    by_id: HashMap<&'a str, String>,
}

impl<'a> Anchors<'a> {
    fn item(&mut self, row: &'a Row, kind: char) -> Item<'a> {
        self.given += 1;
        let anchor = format!("{kind}{}", self.given);
        self.by_id.insert(&row.id, anchor.clone());
        Item { row, anchor }
    }

    fn card(&mut self, detailed: &'a Detailed) -> Card<'a> {
        let item = self.item(&detailed.row, 'f');
        let facts = Facts::of(&detailed.finding);
        Card { item, detailed, facts, steps: Vec::new() }
    }

    /// The parts of a chain, with the times between them.
    fn steps(&self, detailed: &Detailed) -> Vec<Step> {
        let mut before = None;
        let step = |part: &super::row::Part| {
            let at = part.row.as_ref().and_then(|row| row.to);
            let after =
                before.zip(at).map(|(before, at): (i64, i64)| span(at.saturating_sub(before)));
            before = at.or(before);
            let anchor = self.by_id.get(part.id.as_str()).cloned();
            Step { id: part.id.clone(), row: part.row.clone(), anchor, after }
        };
        detailed.parts.iter().map(step).collect()
    }
}
