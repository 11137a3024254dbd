//! Findings for a person, told as a story for each incident.
//!
//! A takeover gives many findings of a few calls, and a flood of attempts thousands that are alike. A
//! story has a headline, who it was and from where, a line for each kind of call, and what to do first.

mod render;

use std::collections::BTreeMap;
use std::io;

use orgwatch::finding::{Finding, Severity, Status};

use super::text::{Text, counted, parts};

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
struct Kind([String; 9], &'static str, Severity);

/// The first finding of a kind, of those that alert if any does, the number of them, and the times of
/// the earliest and the last, which come in any order.
#[derive(Debug)]
struct Told {
    first: Finding,
    count: u64,
    new: u64,
    since: Option<String>,
    last: Option<String>,
}

impl Stories {
    /// Takes a finding; tells all when there are too many to hold.
    pub fn take(&mut self, finding: &Finding, how: Text, to: &mut dyn io::Write) -> io::Result<()> {
        let owned = |text: &Option<String>| text.clone().unwrap_or_default();
        let principal = &finding.principal;
        let target = finding.target.as_ref();
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
            target.map(|target| owned(&target.id)).unwrap_or_default(),
            owned(&finding.destination_organization),
            counted(parts(finding)),
            timeless(finding),
        ];
        let kind = Kind(texts, finding.outcome.as_str(), finding.severity);
        let incident = self.incidents.entry(finding.incident.clone()).or_default();
        incident.before.clone_from(&finding.incident_before);
        let kinds = &mut self.kinds;
        let told = incident.kinds.entry(kind).or_insert_with(|| {
            *kinds += 1;
            Told { first: finding.clone(), count: 0, new: 0, since: None, last: None }
        });
        told.count += 1;
        told.new += u64::from(finding.status == Status::New);
        if told.since.is_none() || finding.last_seen.is_some() && finding.last_seen < told.since {
            told.since.clone_from(&finding.last_seen);
        }
        if finding.last_seen > told.last {
            told.last.clone_from(&finding.last_seen);
        }
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
            let key = |told: &Told| (told.since.clone(), !told.first.parts.is_empty());
            key(one).cmp(&key(other))
        });
        stories.push(Story(all));
    }
    stories
}

/// The summary without the finding's times: it has what else a rule finds worth telling, such as the policy
/// that was attached.
fn timeless(finding: &Finding) -> String {
    let times = [&finding.first_seen, &finding.last_seen].into_iter().flatten();
    times.filter(|time| !time.is_empty()).fold(finding.summary.clone(), |text, time| {
        if text.contains(time) { text.replace(time, "") } else { text }
    })
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

    /// One line had the first name, and the others stood nowhere.
    #[test]
    fn a_line_hides_nothing_that_differs() {
        let attach = |(at, target): (usize, &str)| {
            finding(json!({"target": {"type": "IAM", "id": target},
                "last_seen": format!("2026-06-01T12:00:0{at}Z")}))
        };
        let names = ["backdoor-one", "backdoor-two", "backdoor-three", "backdoor-one"];
        let mut all: Vec<_> = names.into_iter().enumerate().map(attach).collect();
        for one in &mut all {
            one.summary = format!("It happened at {}.", one.last_seen.as_deref().unwrap());
        }
        let text = told(all, PLAIN);
        assert!(names.iter().all(|name| text.matches(name).count() == 1), "{text}");
        assert!(text.contains("2 times"), "{text}");
        let differing = [
            json!({"destination_organization": "o-one"}),
            json!({"destination_organization": "o-two"}),
            json!({"parts": ["1", "2"], "details": {"parts": "a, b"}}),
            json!({"parts": ["1", "2"], "details": {"parts": "a, c"}}),
            json!({"summary": "The one policy."}),
        ];
        let text = told(differing.map(finding), PLAIN);
        assert_eq!(text.matches("a-rule").count(), 5, "{text}");
        assert!(text.contains("together a, b\n") && text.contains("together a, c\n"), "{text}");
    }

    #[test]
    fn the_start_is_the_earliest_in_any_order() {
        let at = |(status, time): (&str, &str)| {
            finding(json!({"status": status, "last_seen": format!("2026-06-01T{time}:00Z")}))
        };
        let times = [("new", "12:30"), ("follow-up", "12:10"), ("follow-up", "12:50")];
        let other = finding(json!({"rule": "b-rule", "last_seen": "2026-06-01T12:20:00Z"}));
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let all = order.map(|n| at(times[n])).into_iter().chain([other.clone()]);
            let text = told(all, PLAIN);
            let line = text.lines().find(|line| line.contains("a-rule")).unwrap();
            assert!(line.contains("when      2026-06-01T12:10:00Z  HIGH"), "{text}");
            assert!(line.ends_with("3 times until 2026-06-01T12:50:00Z"), "{text}");
        }
    }

    #[test]
    fn each_name_is_told_once_with_its_number() {
        let chain = finding(json!({"parts": ["1", "2", "3", "4"],
            "details": {"parts": "member-leave-denied, a, member-leave-denied, a"},
            "attack": ["TA0040", "T1098", "T1098"], "threat_catalogue": ["T1098", "T1098.A001"]}));
        let text = told([chain], Text { color: false, explain: true });
        let parts = "member-leave-denied (2 times), a (2 times)\n";
        assert!(text.contains(&format!("together {parts}")), "{text}");
        assert_eq!(text.matches(parts).count(), 2, "{text}");
        assert!(text.contains("TA0040 · T1098 · T1098.A001\n"), "{text}");
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
