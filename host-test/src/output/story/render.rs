//! A story as text: its headline, a line for each kind of call, and what to do first.

use std::fmt::{self, Write as _};

use anstyle::Style;
use orgwatch::finding::{Finding, Outcome, Severity, Status};
use orgwatch::status::actual_exit;

use super::super::text::{Text, counted, listed, parts, severity_style, value, who};
use super::super::{number, plural};
use super::{Story, Told, of_an_alert};

/// The most lines for a list of values, such as who acted.
const MOST_VALUES: usize = 4;

/// The steps of a headline's triage that come first.
const FIRST_STEPS: usize = 3;

impl Story {
    /// What needs a person most comes first: what alerts, then the severity.
    pub(super) fn gravity(&self) -> (bool, Severity) {
        let headline = self.headline();
        (needs_someone(headline), headline.severity)
    }

    pub(super) fn since(&self) -> Option<&str> {
        self.0.iter().find_map(|told| told.since.as_deref())
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

    pub(super) fn render(&self, how: Text, out: &mut String) -> fmt::Result {
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
        write!(out, "  {}  ", value(told.since.as_deref().unwrap_or("time unknown        ")))?;
        // In capitals what alerts, as in the headline.
        let severity = match finding.status {
            Status::New => finding.severity.as_str().to_uppercase(),
            _ => finding.severity.as_str().to_owned(),
        };
        let severity = format!("{severity:<8}");
        how.styled(out, severity_style(finding.severity), &severity)?;
        write!(out, "  {}", value(&finding.rule))?;
        if !finding.parts.is_empty() {
            let parts = value(&counted(parts(finding)));
            how.styled(out, dim, &format!("  together {parts}"))?;
        } else {
            let refused = if finding.outcome == Outcome::Failure { ", refused" } else { "" };
            let name = finding.principal.name.as_deref().or(finding.principal.kind.as_deref());
            let by = name.map(|name| format!(" by {}", value(name))).unwrap_or_default();
            let from = finding.source_ip.as_deref().map(|ip| format!(" from {}", value(ip)));
            let from = from.unwrap_or_default();
            let call = value(&finding.event_name);
            let target = finding.target.as_ref().and_then(|target| target.id.as_ref());
            // The account stands in the headline.
            let target = target.filter(|target| finding.account.as_ref() != Some(target));
            let on = target.map(|target| format!(" on {}", value(target))).unwrap_or_default();
            how.styled(out, dim, &format!("  {call}{on}{refused}{by}{from}"))?;
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
