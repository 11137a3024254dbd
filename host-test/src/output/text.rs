//! Findings for a person at a terminal.

use std::fmt::{self, Write as _};
use std::io;

use anstyle::{AnsiColor, Style};
use orgwatch::finding::{Finding, Principal, Severity, Status};

use super::{Format, escape, number};

/// A few lines for each finding, every value escaped.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text {
    /// With colours.
    pub color: bool,
    /// With why it matters and what to do.
    pub explain: bool,
}

/// A user agent or an error message can be as long as the sender likes.
const LONGEST: usize = 400;

impl Format for Text {
    fn write(&self, finding: &Finding, to: &mut dyn io::Write) -> io::Result<()> {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.render(finding, &mut text);
        to.write_all(text.as_bytes())
    }
}

impl Text {
    pub(super) fn render(&self, finding: &Finding, out: &mut String) -> fmt::Result {
        let severity = finding.severity.as_str().to_uppercase();
        self.styled(out, severity_style(finding.severity), &severity)?;
        let time = finding.last_seen.as_ref().or(finding.first_seen.as_ref());
        write!(out, "  {}", value(time.map_or("time unknown", String::as_str)))?;
        match &finding.account {
            Some(account) => write!(out, "  account {}", value(account))?,
            None => out.push_str("  account unknown"),
        }
        if let Some(organization) = &finding.organization {
            write!(out, "  {}", value(organization))?;
        }
        out.push_str("  ");
        self.styled(out, Style::new().dimmed(), &value(&finding.rule))?;
        out.push_str("\n  ");
        self.styled(out, Style::new().bold(), &value(&finding.summary))?;
        out.push('\n');

        let mut rows = facts(finding);
        // What follows an alert has the prose of one.
        if self.explain && finding.status != Status::FollowUp {
            rows.extend(explanation(finding));
        }
        rows.retain(|(_, value)| !value.trim().is_empty());
        // As wide as the names are, unless somebody's rule has a sentence for a name.
        let names = rows.iter().map(|(name, _)| name.chars().count());
        let width = names.max().unwrap_or_default().min(24);
        for (name, value) in rows {
            out.push_str("  ");
            self.styled(out, Style::new().dimmed(), &format!("{name:<width$}"))?;
            writeln!(out, "  {}", value.trim_end())?;
        }
        out.push('\n');
        Ok(())
    }

    pub(super) fn styled(&self, out: &mut String, style: Style, text: &str) -> fmt::Result {
        if self.color { write!(out, "{style}{text}{style:#}") } else { out.write_str(text) }
    }
}

/// Names and values, escaped; a value that is not known is empty.
type Rows = Vec<(String, String)>;

fn facts(finding: &Finding) -> Rows {
    let mut rows = Rows::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    row("who", who(&finding.principal));
    let from = [&finding.source_ip, &finding.region, &finding.user_agent];
    row("from", listed(from.into_iter().flatten()));
    row("call", listed([&finding.event_source, &finding.event_name]));
    row("outcome", outcome(finding));
    let target = finding.target.iter().flat_map(|target| [&target.kind, &target.id]);
    row("target", listed(target.flatten()));
    row("to", listed(&finding.destination_organization));
    for (name, detail) in &finding.details {
        let is_parts = name == "parts" && !finding.parts.is_empty();
        row(&value(name), if is_parts { value(&counted(detail)) } else { value(detail) });
    }
    if finding.status != Status::New {
        let reason = finding.status_reason.as_deref().unwrap_or_default();
        row("status", format!("{} {}", finding.status.as_str(), value(reason)));
    }
    rows
}

fn explanation(finding: &Finding) -> Rows {
    let mut rows = Rows::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    row("why", value(&finding.why));
    row("benign", value(&finding.benign));
    for (number, step) in (1..).zip(&finding.triage) {
        let name = if number == 1 { "do" } else { "" };
        row(name, format!("{number}. {}", value(step)));
    }
    let attack: Vec<_> = finding.attack.iter().chain(&*finding.threat_catalogue).collect();
    // A technique of both stands once.
    let once = |at: &usize| !attack[..*at].contains(&attack[*at]);
    row("attack", listed((0..attack.len()).filter(once).map(|at| attack[at])));
    row("events", listed(&finding.events));
    row("finding", value(&finding.id));
    rows
}

pub(super) fn value(text: &str) -> String {
    escape(text, LONGEST)
}

pub(super) fn listed<'a>(values: impl IntoIterator<Item = &'a String>) -> String {
    let values: Vec<String> = values.into_iter().map(|text| value(text)).collect();
    values.join(" · ")
}

/// The rules whose findings are in a chain, as its details have them.
pub(super) fn parts(finding: &Finding) -> &str {
    let parts = finding.details.iter().find(|(name, _)| name == "parts");
    parts.filter(|_| !finding.parts.is_empty()).map_or("", |(_, parts)| parts)
}

/// A list with each name once, and how often it stands there.
pub(super) fn counted(list: &str) -> String {
    let mut names: Vec<(&str, u64)> = Vec::new();
    for name in list.split(", ") {
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => names.push((name, 1)),
        }
    }
    let told = names.into_iter().map(|(name, count)| match count {
        1 => name.to_owned(),
        count => format!("{name} ({} times)", number(count)),
    });
    told.collect::<Vec<_>>().join(", ")
}

pub(super) fn who(principal: &Principal) -> String {
    let mut words = Vec::new();
    let name = principal.arn.as_ref().or(principal.name.as_ref());
    words.extend(name.map(|name| value(name)));
    words.extend(principal.kind.as_ref().map(|kind| value(kind)));
    words.extend(principal.access_key_id.as_ref().map(|key| format!("key {}", value(key))));
    words.extend(principal.mfa.map(|mfa| if mfa { "MFA" } else { "no MFA" }.to_owned()));
    if principal.console == Some(true) {
        words.push("console".to_owned());
    }
    words.join(" · ")
}

fn outcome(finding: &Finding) -> String {
    let outcome = finding.outcome.as_str();
    match &finding.outcome_reason {
        Some(reason) => format!("{outcome}: {}", value(reason)),
        None => outcome.to_owned(),
    }
}

pub(super) fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::White.on(AnsiColor::Red).bold(),
        Severity::High => AnsiColor::Red.on_default().bold(),
        Severity::Medium => AnsiColor::Yellow.on_default().bold(),
        Severity::Low => AnsiColor::Cyan.on_default(),
        Severity::Informational => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::hostile;

    fn render(format: Text, finding: &Finding) -> String {
        let mut out = Vec::new();
        format.write(finding, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_value_reaches_the_terminal_unescaped() {
        let text = render(Text { color: false, explain: true }, &hostile());
        let bad = |char: &char| char.is_control() && *char != '\n' || *char == '\u{202e}';
        assert_eq!(text.chars().find(bad), None, "{text}");
        // Nor does a value make lines of its own.
        assert!(text.lines().all(|line| !line.starts_with("CRITICAL  forged")), "{text}");
        // Every text of the finding is there to be escaped.
        assert!(text.matches("\\u{1b}").count() > 20, "{text}");
    }

    #[test]
    fn colours_only_where_they_were_asked_for() {
        let finding = hostile();
        assert!(render(Text { color: true, explain: false }, &finding).contains("\u{1b}["));
        assert!(!render(Text::default(), &finding).contains('\u{1b}'));
    }

    #[test]
    fn what_is_absent_takes_no_line() {
        let finding: Finding = serde_json::from_value(crate::output::tests::least()).unwrap();
        let text = render(Text { color: false, explain: true }, &finding);
        let expected = "HIGH  time unknown  account unknown  a-rule\n  It happened.\n  \
                        call     organizations.amazonaws.com · LeaveOrganization\n  \
                        outcome  success\n  why      It matters.\n  benign   Routine.\n  \
                        finding  00000000000000000000000000000000\n\n";
        assert_eq!(text, expected);
    }
}
