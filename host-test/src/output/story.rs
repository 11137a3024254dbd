//! Findings for a person, told as a story for each incident.
//!
//! A takeover gives many findings of a few calls, and a flood of attempts thousands that are alike. A
//! story has a headline, who it was and from where, a line for each kind of call, and what to do first.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io;

use anstyle::Style;
use orgwatch::finding::{Finding, Outcome, Severity, Status};
use orgwatch::status::actual_exit;

use super::text::{Text, listed, severity_style, value, who};
use super::{number, plural};

/// The most kinds of findings that are held: more are told in parts.
const MOST_KINDS: usize = 5_000;

/// The most lines for a list of values, such as who acted.
const MOST_VALUES: usize = 4;

/// The steps of a headline's triage that come first.
const FIRST_STEPS: usize = 3;

/// The incidents of findings that were not told yet.
#[derive(Debug, Default)]
pub struct Stories {
    incidents: BTreeMap<String, Incident>,
    kinds: usize,
}

#[derive(Debug, Default)]
struct Incident {
    before: Option<String>,
    kinds: BTreeMap<Kind, Told>,
}

/// Findings that differ in nothing but the time and the id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind([String; 5], &'static str, Severity);

/// The first finding of a kind, the number of them, and the time of the last.
#[derive(Debug)]
struct Told {
    first: Finding,
    count: u64,
    new: u64,
    last: Option<String>,
}

impl Stories {
    /// Takes a finding; tells all when there are too many to hold.
    pub fn take(&mut self, finding: &Finding, how: Text, to: &mut dyn io::Write) -> io::Result<()> {
        let owned = |text: &Option<String>| text.clone().unwrap_or_default();
        let principal = &finding.principal;
        let texts = [
            finding.rule.to_string(),
            finding.event_name.clone(),
            principal.arn.clone().or_else(|| principal.name.clone()).unwrap_or_default(),
            owned(&finding.source_ip),
            // What follows an alert is told with it.
            match finding.status {
                Status::New | Status::FollowUp => String::new(),
                _ => format!("{} {}", finding.status.as_str(), owned(&finding.status_reason)),
            },
        ];
        let kind = Kind(texts, finding.outcome.as_str(), finding.severity);
        let incident = self.incidents.entry(finding.incident.clone()).or_default();
        incident.before.clone_from(&finding.incident_before);
        let kinds = &mut self.kinds;
        let told = incident.kinds.entry(kind).or_insert_with(|| {
            *kinds += 1;
            Told { first: finding.clone(), count: 0, new: 0, last: None }
        });
        told.count += 1;
        told.new += u64::from(finding.status == Status::New);
        told.last = std::mem::take(&mut told.last).max(finding.last_seen.clone());
        let earlier = finding.last_seen < told.first.last_seen;
        let alerts = |one: &Finding| one.status == Status::New;
        if alerts(finding) && !alerts(&told.first)
            || earlier && alerts(finding) == alerts(&told.first)
        {
            told.first = finding.clone();
        }
        if self.kinds >= MOST_KINDS { self.tell(how, to) } else { Ok(()) }
    }

    /// Tells of all incidents, the gravest first, and forgets them.
    pub fn tell(&mut self, how: Text, to: &mut dyn io::Write) -> io::Result<()> {
        self.kinds = 0;
        let mut stories = joined(std::mem::take(&mut self.incidents));
        stories.sort_by_cached_key(|story| {
            (std::cmp::Reverse(story.gravity()), story.since().map(str::to_owned))
        });
        for story in stories {
            let mut text = String::new();
            // Writing to a string does not fail.
            let _ = story.render(how, &mut text);
            to.write_all(text.as_bytes())?;
        }
        to.flush()
    }
}

/// What is told together: an incident, and those of the days before and after it.
struct Story(Vec<Told>);

/// Stories of neighbouring days, which an attack may cross, joined.
fn joined(mut incidents: BTreeMap<String, Incident>) -> Vec<Story> {
    let after: BTreeMap<String, String> = incidents
        .iter()
        .filter_map(|(id, incident)| Some((incident.before.clone()?, id.clone())))
        .collect();
    let starts = |incident: &Incident| {
        incident.before.as_ref().is_none_or(|before| !incidents.contains_key(before))
    };
    let first: Vec<String> =
        incidents.iter().filter(|(_, one)| starts(one)).map(|(id, _)| id.clone()).collect();
    let mut stories = Vec::new();
    for id in first {
        let mut all = Vec::new();
        let mut next = Some(&id);
        while let Some(incident) = next.and_then(|id| incidents.remove(id)) {
            all.extend(incident.kinds.into_values());
            next = next.and_then(|id| after.get(id));
        }
        all.sort_by(|one, other| {
            let key = |told: &Told| (told.first.last_seen.clone(), !told.first.parts.is_empty());
            key(one).cmp(&key(other))
        });
        stories.push(Story(all));
    }
    stories
}

impl Story {
    /// What needs a person most comes first: what alerts, then the severity.
    fn gravity(&self) -> (bool, Severity) {
        let headline = self.headline();
        (needs_someone(headline), headline.severity)
    }

    fn since(&self) -> Option<&str> {
        self.0.iter().find_map(|told| told.first.last_seen.as_deref())
    }

    fn findings(&self) -> impl DoubleEndedIterator<Item = &Finding> {
        self.0.iter().map(|told| &told.first)
    }

    /// The account's exit, or else the gravest finding, of those the one of most parts, the first of these.
    fn headline(&self) -> &Finding {
        let rank = |finding: &&Finding| {
            let alerts = needs_someone(finding);
            (alerts, finding.severity, actual_exit(finding), finding.parts.len())
        };
        // A story has a finding, and the last of equals is what `max_by_key` gives.
        self.findings().rev().max_by_key(rank).unwrap_or(&self.0[0].first)
    }

    fn render(&self, how: Text, out: &mut String) -> fmt::Result {
        let headline = self.headline();
        let dim = Style::new().dimmed();
        how.styled(
            out,
            severity_style(headline.severity),
            &headline.severity.as_str().to_uppercase(),
        )?;
        match &headline.account {
            Some(account) => write!(out, "  account {}", value(account))?,
            None => out.push_str("  account unknown"),
        }
        if let Some(organization) = &headline.organization {
            write!(out, "  {}", value(organization))?;
        }
        let (all, new) =
            self.0.iter().fold((0, 0), |(all, new), told| (all + told.count, new + told.new));
        write!(out, "  {}, {}  ", plural(all, "finding"), alerts(new))?;
        how.styled(out, dim, &format!("incident {}", value(&headline.incident)))?;
        out.push_str("\n  ");
        how.styled(out, Style::new().bold(), &value(&headline.summary))?;
        out.push('\n');

        let row = |out: &mut String, name: &str, text: &str| -> fmt::Result {
            out.push_str("  ");
            how.styled(out, dim, &format!("{name:<8}"))?;
            writeln!(out, "  {}", text.trim_end())
        };
        let few = |out: &mut String, name: &str, of: &dyn Fn(&Finding) -> String| -> fmt::Result {
            let (values, more) = distinct(self.findings().map(of));
            for (at, text) in values.iter().enumerate() {
                row(out, if at == 0 { name } else { "" }, text)?;
            }
            match more {
                0 => Ok(()),
                _ => row(out, "", &format!("and {} more", number(more))),
            }
        };
        few(out, "who", &|finding| who(&finding.principal))?;
        few(out, "from", &|finding| {
            // The program's name and version: what follows differs with each call.
            let agent = finding
                .user_agent
                .as_deref()
                .map(|agent| agent.split_whitespace().next().unwrap_or_default().to_owned());
            listed([&finding.source_ip, &finding.region, &agent].into_iter().flatten())
        })?;
        few(out, "to", &|finding| listed(&finding.destination_organization))?;
        for (at, told) in self.0.iter().enumerate() {
            self.line(told, how, if at == 0 { "when" } else { "" }, out)?;
        }
        for (at, step) in headline.triage.iter().take(FIRST_STEPS).enumerate() {
            row(
                out,
                if at == 0 { "do first" } else { "" },
                &format!("{}. {}", at + 1, value(step)),
            )?;
        }
        out.push('\n');
        if how.explain {
            for told in &self.0 {
                how.render(&told.first, out)?;
            }
        }
        Ok(())
    }

    /// What happened when, by whom and from where.
    fn line(&self, told: &Told, how: Text, name: &str, out: &mut String) -> fmt::Result {
        let finding = &told.first;
        let dim = Style::new().dimmed();
        out.push_str("  ");
        how.styled(out, dim, &format!("{name:<8}"))?;
        write!(
            out,
            "  {}  ",
            value(finding.last_seen.as_deref().unwrap_or("time unknown        "))
        )?;
        // In capitals what alerts, as in the headline.
        let severity = match finding.status {
            Status::New => finding.severity.as_str().to_uppercase(),
            _ => finding.severity.as_str().to_owned(),
        };
        let severity = format!("{severity:<8}");
        how.styled(out, severity_style(finding.severity), &severity)?;
        write!(out, "  {}", value(&finding.rule))?;
        if !finding.parts.is_empty() {
            let parts = finding.details.iter().find(|(name, _)| name == "parts");
            let parts = parts.map(|(_, parts)| value(parts)).unwrap_or_default();
            how.styled(out, dim, &format!("  together {parts}"))?;
        } else {
            let refused = if finding.outcome == Outcome::Failure { ", refused" } else { "" };
            let name = finding.principal.name.as_deref().or(finding.principal.kind.as_deref());
            let by = name.map(|name| format!(" by {}", value(name))).unwrap_or_default();
            let from = finding.source_ip.as_deref().map(|ip| format!(" from {}", value(ip)));
            let from = from.unwrap_or_default();
            let call = value(&finding.event_name);
            how.styled(out, dim, &format!("  {call}{refused}{by}{from}"))?;
        }
        if told.count > 1 {
            let last = told.last.as_deref().map(value).unwrap_or_default();
            write!(out, ", {} times until {last}", number(told.count))?;
        }
        match finding.status {
            Status::New | Status::FollowUp => {}
            status => {
                let reason = finding.status_reason.as_deref().unwrap_or_default();
                write!(out, "  {} {}", status.as_str(), value(reason))?;
            }
        }
        out.push('\n');
        Ok(())
    }
}

/// Whether a finding is an alert, or follows one.
fn needs_someone(finding: &Finding) -> bool {
    of_an_alert(finding.status)
}

/// Whether a status is that of an alert, or of what follows one.
pub(super) fn of_an_alert(status: Status) -> bool {
    matches!(status, Status::New | Status::FollowUp)
}

fn alerts(new: u64) -> String {
    if new == 0 { "no alert".to_owned() } else { plural(new, "alert") }
}

/// Different values in their order, a few of them, and how many more there are.
fn distinct(values: impl Iterator<Item = String>) -> (Vec<String>, u64) {
    let mut seen = std::collections::BTreeSet::new();
    let mut all: Vec<String> = values.filter(|text| !text.is_empty()).collect();
    all.retain(|text| seen.insert(text.clone()));
    let more = all.len().saturating_sub(MOST_VALUES) as u64;
    all.truncate(MOST_VALUES);
    (all, more)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::output::tests::{hostile, least};

    const PLAIN: Text = Text { color: false, explain: false };

    fn told(findings: impl IntoIterator<Item = Finding>, how: Text) -> String {
        let (mut stories, mut out) = (Stories::default(), Vec::new());
        for finding in findings {
            stories.take(&finding, how, &mut out).unwrap();
        }
        stories.tell(how, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn finding(more: Value) -> Finding {
        let mut value = least();
        for (key, one) in more.as_object().unwrap() {
            value[key] = one.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn no_value_reaches_the_terminal_unescaped() {
        let text = told([hostile()], Text { color: false, explain: true });
        let bad = |char: &char| char.is_control() && *char != '\n' || *char == '\u{202e}';
        assert_eq!(text.chars().find(bad), None, "{text}");
        assert!(text.lines().all(|line| !line.starts_with("CRITICAL  forged")), "{text}");
    }

    #[test]
    fn findings_that_are_alike_have_one_line() {
        let attempt = |n: u32| {
            let status = if n == 0 { "new" } else { "follow-up" };
            finding(json!({"id": format!("{n:032}"), "status": status, "outcome": "failure",
                "last_seen": format!("2026-06-01T12:{:02}:{:02}Z", n / 60, n % 60)}))
        };
        let exit = finding(json!({"rule": "member-left-organization", "severity": "critical",
            "summary": "It left.", "triage": ["Call."], "last_seen": "2026-06-01T13:00:00Z"}));
        let text = told((0..1000).map(attempt).chain([exit]), PLAIN);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            format!(
                "CRITICAL  account unknown  1,001 findings, 2 alerts  incident {}",
                "2".repeat(32)
            )
        );
        assert_eq!(lines[1], "  It left.");
        assert!(lines[2].contains("refused, 1,000 times until 2026-06-01T12:16:39Z"), "{text}");
        assert!(lines[4].ends_with("do first  1. Call."), "{text}");
        assert_eq!(text.lines().count(), 6, "{text}");
    }

    #[test]
    fn neighbouring_days_are_one_story_and_the_gravest_comes_first() {
        let of = |incident: &str, before: &str, severity: &str, status: &str| {
            finding(json!({"incident": incident, "incident_before": before, "severity": severity,
                "status": status, "rule": format!("rule-{incident}")}))
        };
        let text = told(
            [
                of("c", "b", "low", "new"),
                of("x", "w", "critical", "approved"),
                of("b", "a", "high", "new"),
                of("m", "k", "medium", "new"),
            ],
            PLAIN,
        );
        let heads: Vec<&str> =
            text.lines().filter(|line| !line.starts_with(' ') && !line.is_empty()).collect();
        assert_eq!(heads.len(), 3, "{text}");
        assert!(
            heads[0].starts_with("HIGH") && heads[0].contains("2 findings, 2 alerts"),
            "{text}"
        );
        assert!(heads[1].starts_with("MEDIUM") && heads[2].starts_with("CRITICAL"), "{text}");
        assert!(heads[2].contains("no alert"), "{text}");
    }

    #[test]
    fn more_than_can_be_held_is_told_in_parts_and_not_lost() {
        let all = (0..2 * MOST_KINDS + 1).map(|n| finding(json!({"source_ip": n.to_string()})));
        let text = told(all, PLAIN);
        assert_eq!(text.matches("a-rule").count(), 2 * MOST_KINDS + 1);
        let heads = text.lines().filter(|line| line.starts_with("HIGH"));
        assert_eq!(heads.count(), 3);
    }
}
