//! Findings for a person, told as a story for each incident.
//!
//! A takeover gives many findings of a few calls, and a flood of attempts thousands that are alike. A
//! story has a headline, who it was and from where, a line for each kind of call, and what to do first.

mod render;

use std::collections::BTreeMap;
use std::io;

use orgwatch::finding::{Finding, Severity, Status};

use super::text::Text;

/// The most kinds of findings that are held: more are told in parts.
const MOST_KINDS: usize = 5_000;

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

/// Whether a status is that of an alert, or of what follows one.
pub(super) fn of_an_alert(status: Status) -> bool {
    matches!(status, Status::New | Status::FollowUp)
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
