//! The content of a page, in the order of the page.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use orgwatch::finding::Severity;

use super::facts::Facts;
use super::selection::{Detailed, Row, Selection};
use super::time_format::{moment, period, span};

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

/// The findings of one account.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// Empty where it is not known.
    pub(super) account: &'a str,
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

    /// The gravest chain of the account, or else its gravest finding.
    pub(super) fn gravest(&self) -> Option<&Card<'a>> {
        let cards = self.chains.iter().chain(&self.events);
        cards.min_by_key(|card| {
            let row = card.item.row;
            let length = row.to.unwrap_or_default().saturating_sub(row.from.unwrap_or_default());
            (
                std::cmp::Reverse(row.severity),
                row.status,
                std::cmp::Reverse((card.steps.len(), length)),
            )
        })
    }
}

/// Findings by account, the gravest account first, each in the order of time.
pub(super) fn groups(selection: &Selection) -> Vec<Group<'_>> {
    let mut accounts: BTreeMap<&str, (Vec<&Detailed>, Vec<&Row>)> = BTreeMap::new();
    for detailed in selection.detailed.values() {
        accounts.entry(&detailed.row.account).or_default().0.push(detailed);
    }
    for row in selection.summarised.values() {
        accounts.entry(&row.account).or_default().1.push(row);
    }
    let counts = |account: &str| -> Vec<(Severity, u64)> {
        let counts = selection.tally.accounts.get(account).into_iter().flatten().rev();
        counts.map(|(severity, count)| (*severity, *count)).collect()
    };
    let mut accounts: Vec<_> = accounts.into_iter().collect();
    accounts.sort_by_cached_key(|(account, _)| (std::cmp::Reverse(counts(account)), *account));

    let mut numbers = Anchors::default();
    let mut groups: Vec<Group<'_>> = accounts
        .into_iter()
        .enumerate()
        .map(|(index, (account, (mut detailed, mut summarised)))| {
            detailed.sort_by_key(|detailed| in_time(&detailed.row));
            summarised.sort_by_key(|row| in_time(row));
            let (chains, events) = detailed.into_iter().partition(|detailed| detailed.row.chain);
            let mut cards =
                |all: Vec<_>| all.into_iter().map(|detailed| numbers.card(detailed)).collect();
            let (chains, events) = (cards(chains), cards(events));
            let summarised = summarised.into_iter().map(|row| numbers.item(row, 'l')).collect();
            let (anchor, counts) = (format!("a{}", index + 1), counts(account));
            Group { account, anchor, chains, events, summarised, counts }
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
        let step = |part: &super::selection::Part| {
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
