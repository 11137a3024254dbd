//! The templates, filled in.

use std::borrow::Borrow;

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use orgwatch::finding::{Severity, Status};
use sha2::{Digest as _, Sha256};

use super::about::{About, Approval};
use super::facts::status;
use super::selection::{MOST_ACCOUNTS, Selection};
use super::time_format::{moment, period};
use super::timeline::Timeline;
use super::view::{self, Group};
use crate::output::{number, plural};

const STYLE: &str = include_str!("style.css");

#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Page<'a> {
    style: &'static str,
    style_hash: String,
    about: &'a About,
    selection: &'a Selection,
    unread: &'a [String],
    total: u64,
    /// Every severity, the gravest first.
    severities: Vec<Level>,
    groups: Vec<Group<'a>>,
    timeline: Option<Timeline<'a>>,
    rules: Vec<Rule<'a>>,
    silent: Vec<&'a str>,
    approvals: Vec<Approval<'a>>,
}

/// A severity, and how many findings have it.
struct Level {
    severity: Severity,
    shown: u64,
    hidden: u64,
}

/// A rule that found something.
struct Rule<'a> {
    slug: &'a str,
    title: &'a str,
    severity: Severity,
    count: u64,
}

impl<'a> Page<'a> {
    pub(super) fn new(selection: &'a Selection, unread: &'a [String], about: &'a About) -> Self {
        let groups = view::groups(selection);
        let tally = &selection.tally;
        let of = |map: &std::collections::BTreeMap<Severity, u64>, severity| {
            map.get(&severity).copied().unwrap_or_default()
        };
        let level = |severity| Level {
            severity,
            shown: of(&tally.shown, severity),
            hidden: of(&tally.hidden, severity),
        };
        let mut rules: Vec<Rule<'_>> = tally
            .rules
            .iter()
            .map(|(slug, (title, severity, count))| Rule {
                slug,
                title,
                severity: *severity,
                count: *count,
            })
            .collect();
        rules.sort_by_key(|rule| (std::cmp::Reverse((rule.severity, rule.count)), rule.slug));
        let found = |slug: &str| tally.rules.contains_key(slug);
        let all = about.component.rules.iter().map(|rule| rule.slug.as_str());
        Page {
            style: STYLE,
            style_hash: format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(STYLE))),
            about,
            selection,
            unread,
            total: tally.shown.values().sum(),
            severities: Severity::ALL.into_iter().rev().map(level).collect(),
            timeline: timeline(&groups),
            groups,
            rules,
            silent: all.filter(|slug| !found(slug)).collect(),
            approvals: about
                .settings
                .approvals(|reason| tally.approved.get(reason).copied().unwrap_or_default()),
        }
    }

    /// The subject of the page, in a line.
    fn headline(&self) -> String {
        if self.total == 0 {
            return match (self.hidden(), self.about.totals.repeats) {
                (0, 0) => "No findings".into(),
                (0, _) => "No new findings".into(),
                _ => format!("No findings of severity {} or above", self.about.min_severity),
            };
        }
        let found = plural(self.total, "finding");
        match &self.groups[..] {
            [one] if one.account.is_empty() => found,
            [one] if self.selection.tally.accounts.len() == 1 => {
                format!("{found} in account {}", one.account)
            }
            _ => match self.selection.tally.accounts.len() {
                MOST_ACCOUNTS => {
                    format!("{found} in {} accounts or more", number(MOST_ACCOUNTS as u64))
                }
                many => format!("{found} in {}", plural(many as u64, "account")),
            },
        }
    }

    fn hidden(&self) -> u64 {
        self.severities.iter().map(|level| level.hidden).sum()
    }

    /// From the first event of a finding to the last.
    fn period(&self) -> Option<String> {
        let rows = || self.groups.iter().flat_map(Group::items).map(|item| item.row);
        let from = rows().filter_map(|row| row.from).min()?;
        Some(period(from, rows().filter_map(|row| row.to).max()?))
    }

    fn number(&self, count: impl Borrow<u64>) -> String {
        number(*count.borrow())
    }

    fn plural(&self, count: impl Borrow<u64>, noun: &str) -> String {
        plural(*count.borrow(), noun)
    }

    fn moment(&self, seconds: &i64) -> String {
        format!("{} UTC", moment(*seconds))
    }

    /// Whether everything was read.
    fn is_whole(&self) -> bool {
        self.about.totals.failed == 0 && self.about.totals.counts.unreadable == 0
    }

    /// The findings that are not new: approved, say.
    fn others(&self) -> Vec<String> {
        let statuses = self.selection.tally.statuses.iter();
        let others = statuses.filter(|(one, _)| **one != Status::New);
        others.map(|(one, count)| format!("{} {}", number(*count), status(*one))).collect()
    }
}

/// The timeline of these groups; none where no time is known.
fn timeline<'a>(groups: &[view::Group<'a>]) -> Option<Timeline<'a>> {
    let timed = groups.iter().flat_map(view::Group::items).any(|item| item.row.to.is_some());
    timed.then(|| Timeline::new(groups))
}
