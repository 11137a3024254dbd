//! Findings across time: a lane for each account, and a line for each of its chains.

use orgwatch::finding::Severity;

use super::scale::{Scale, Tick, X};
use super::time_format::{clock, moment};
use super::view::{Group, Item};

/// The most accounts that have a lane.
const MOST_LANES: usize = 40;

/// The most chains that are drawn below an account's lane.
const MOST_CHAINS: usize = 12;

/// Findings nearer than this are one mark, in hundredths of a percent.
const NEAR: i64 = 150;

/// A timeline.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    pub(super) lanes: Vec<Lane<'a>>,
    pub(super) ticks: Vec<Tick>,
    /// Stretches of time between which some was cut out.
    pub(super) pieces: Vec<(X, X)>,
    /// Accounts that have no lane.
    pub(super) more: usize,
    /// Findings whose time is not known.
    pub(super) timeless: usize,
}

/// An account.
#[derive(Debug)]
pub(super) struct Lane<'a> {
    pub(super) account: &'a str,
    pub(super) anchor: String,
    pub(super) findings: u64,
    pub(super) marks: Vec<Mark>,
    pub(super) chains: Vec<Line<'a>>,
    /// Chains that are not drawn.
    pub(super) more: usize,
}

/// One finding, or several that stand too near to be told apart.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) x: X,
    pub(super) severity: Severity,
    pub(super) count: usize,
    pub(super) anchor: String,
    pub(super) title: String,
}

/// A chain, from its first part to its last.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) rule: &'a str,
    pub(super) severity: Severity,
    pub(super) anchor: String,
    pub(super) from: X,
    pub(super) to: X,
    pub(super) nodes: Vec<(X, Severity)>,
    pub(super) title: String,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(groups: &[Group<'a>]) -> Self {
        let items = || groups.iter().flat_map(Group::items);
        let times = items().flat_map(|item| [item.row.from, item.row.to]);
        let scale = Scale::new(times.flatten().collect());
        let lanes: Vec<Lane<'a>> = groups.iter().map(|group| lane(group, &scale)).collect();
        Timeline {
            more: lanes.len().saturating_sub(MOST_LANES),
            lanes: lanes.into_iter().take(MOST_LANES).collect(),
            ticks: scale.ticks(),
            pieces: scale.pieces(),
            timeless: items().filter(|item| item.row.to.is_none()).count(),
        }
    }
}

fn lane<'a>(group: &Group<'a>, scale: &Scale) -> Lane<'a> {
    let chains = || group.chains.iter().filter(|card| card.item.row.to.is_some());
    let mut events: Vec<&Item<'a>> = group
        .events
        .iter()
        .map(|card| &card.item)
        .chain(&group.summarised)
        .filter(|item| item.row.to.is_some())
        .collect();
    events.sort_by_key(|item| item.row.to);
    let line = |item: &Item<'a>, parts: Vec<(Option<i64>, Severity)>| {
        let (from, to) = (item.row.from.unwrap_or_default(), item.row.to.unwrap_or_default());
        Line {
            rule: &item.row.rule,
            severity: item.row.severity,
            anchor: item.anchor.clone(),
            from: scale.x(from),
            to: scale.x(to),
            nodes: parts.iter().filter_map(|(at, one)| Some((scale.x((*at)?), *one))).collect(),
            title: format!("{}: {} to {}", item.row.title, moment(from), moment(to)),
        }
    };
    Lane {
        account: group.account,
        anchor: group.anchor.clone(),
        findings: group.counts.iter().map(|(_, count)| count).sum(),
        marks: marks(&events, scale),
        chains: chains()
            .take(MOST_CHAINS)
            .map(|card| {
                line(&card.item, card.steps.iter().map(|s| (s.at(), s.severity())).collect())
            })
            .collect(),
        more: chains().count().saturating_sub(MOST_CHAINS),
    }
}

/// Findings in the order of their times, those that are near each other together.
fn marks(events: &[&Item<'_>], scale: &Scale) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let mut from = 0;
    for item in events {
        let row = item.row;
        let at = row.to.unwrap_or_default();
        let x = scale.x(at);
        match marks.last_mut().filter(|mark| x.0 - mark.x.0 < NEAR) {
            Some(mark) => {
                mark.count += 1;
                if row.severity > mark.severity {
                    mark.severity = row.severity;
                    mark.anchor.clone_from(&item.anchor);
                }
                let end = if at - from < 86_400 { clock(at) } else { moment(at) };
                mark.title = format!("{} findings: {} to {end}", mark.count, moment(from));
            }
            None => {
                from = at;
                let title = format!("{}: {}", moment(at), row.title);
                let (severity, anchor) = (row.severity, item.anchor.clone());
                marks.push(Mark { x, severity, count: 1, anchor, title });
            }
        }
    }
    marks
}
