//! The output of a scan: findings on standard output, everything else on standard error.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

use orgwatch::finding::{Finding, Severity, Status as FindingStatus};
use orgwatch_host::input::{self, Source};
use orgwatch_host::output::report::About;
use orgwatch_host::output::{Escaped, Format, Stories, Text, number, plural};
use orgwatch_host::scan::{FileTally, Found, Observer, Tally, Totals};

use super::diagnostics::Diagnostics;
use super::html_report::HtmlReport;
use super::progress::Progress;
use super::summary::{examined, ranked, summarise};
use super::{Status, stdout};

/// How findings are printed: each when it is found, or, as text, all of an incident together.
pub(super) enum Prints {
    Each(Box<dyn Format>),
    Stories(Text, Stories),
}

pub(super) struct Printer {
    prints: Prints,
    min_severity: Severity,
    fail_on: Option<Severity>,
    quiet: bool,
    found: BTreeMap<Severity, u64>,
    hidden: u64,
    tripped: bool,
    diagnostics: Diagnostics,
    page: Option<HtmlReport>,
    /// Why findings are no longer printed, where a page or the result is still to be had.
    unprinted: Option<io::Error>,
    /// The status of the scan, if it went to its end without its findings being printed.
    unread: Option<Status>,
    rules: Tally,
    pub(super) progress: Progress,
}

impl Printer {
    pub(super) fn new(
        prints: Prints,
        min_severity: Severity,
        fail_on: Option<Severity>,
        quiet: bool,
        page: Option<HtmlReport>,
        named: &[PathBuf],
    ) -> Self {
        Printer {
            prints,
            min_severity,
            fail_on,
            quiet,
            found: BTreeMap::new(),
            hidden: 0,
            tripped: false,
            diagnostics: Diagnostics::new(quiet, named),
            page,
            unprinted: None,
            unread: None,
            rules: Tally::default(),
            progress: Progress::default(),
        }
    }

    /// Counts what was said of files without a record.
    pub(super) fn settle(&self, totals: &mut Totals) {
        self.diagnostics.settle(totals);
    }

    /// Writes the page, if there is to be one.
    ///
    /// Fails also where findings could not be printed: what is not delivered is not remembered.
    pub(super) fn finish(
        &mut self,
        totals: &Totals,
        about: impl FnOnce() -> anyhow::Result<About>,
    ) -> anyhow::Result<()> {
        self.tell();
        if let Some(page) = &self.page {
            page.write(&about()?)?;
        }
        self.unread = Some(self.status(totals));
        self.unprinted.take().map_or(Ok(()), |err| Err(err.into()))
    }

    /// The status of the command if the reader of its findings has gone away: with `--fail-on` the
    /// same as otherwise, and none without.
    pub(super) fn status_unread(&self) -> Option<Status> {
        self.fail_on?;
        self.unread.or(self.tripped.then_some(Status::Found))
    }

    /// The exit status.
    pub(super) fn status(&self, totals: &Totals) -> Status {
        match (Status::of(totals), self.tripped) {
            (Status::Done, true) => Status::Found,
            (status, _) => status,
        }
    }

    /// Says how it went, and besides what came of it the rows given.
    pub(super) fn summarise(
        &self,
        totals: &Totals,
        time: Duration,
        more: impl IntoIterator<Item = (&'static str, String)>,
    ) {
        if !self.quiet {
            let mut rows = vec![("findings", self.findings(totals))];
            if !self.found.is_empty() {
                rows.push(("by rule", ranked(&self.rules)));
            }
            rows.extend(examined(totals));
            let page = self.page.as_ref().map(|page| page.file().name().display().to_string());
            rows.extend(page.map(|name| ("report", Escaped(name).to_string())));
            rows.extend(self.diagnostics.passed_over());
            rows.extend(more);
            summarise(totals, time, &rows);
        }
    }

    fn findings(&self, totals: &Totals) -> String {
        let all: u64 = self.found.values().sum();
        let mut text = number(all);
        for (index, (severity, count)) in self.found.iter().rev().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            let _ = write!(text, "{separator}{} {severity}", number(*count));
        }
        if self.hidden > 0 {
            let hidden = number(self.hidden);
            let _ = write!(text, "; {hidden} below {} not printed", self.min_severity);
        }
        if totals.repeats > 0 {
            let _ = write!(text, "; {}", plural(totals.repeats, "duplicate"));
        }
        text
    }
}

fn print(
    progress: &Progress,
    write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<()> {
    let write = || {
        // Raw, not locked and buffered by lines: one call is one write.
        write(&mut stdout::lock())?;
        io::Write::flush(&mut stdout::lock())
    };
    // Nothing is in the way of what goes elsewhere.
    if io::stdout().is_terminal() { progress.aside(write) } else { write() }
}

impl Printer {
    /// Tells what was not told yet, also where the scan fails.
    pub(super) fn tell(&mut self) {
        if let (None, Prints::Stories(how, stories)) = (&self.unprinted, &mut self.prints) {
            self.unprinted = print(&self.progress, |to| stories.tell(*how, to)).err();
        }
    }

    /// Takes a finding, whether an event gave it or the memory that was loaded.
    pub(super) fn give(&mut self, finding: &Finding) -> io::Result<()> {
        self.take(finding, None)
    }

    fn take(&mut self, finding: &Finding, event: Option<&Found<'_>>) -> io::Result<()> {
        *self.found.entry(finding.severity).or_default() += 1;
        self.rules.add(&finding.rule, 1);
        let fails = self.fail_on.is_some_and(|least| finding.severity >= least);
        self.tripped |= fails && finding.status == FindingStatus::New;
        if finding.severity < self.min_severity {
            self.hidden += 1;
            if let Some(page) = &mut self.page {
                page.report.hidden(finding);
            }
            return Ok(());
        }
        if let Some(page) = &mut self.page {
            page.report.finding(finding, event);
        }
        if self.unprinted.is_none() {
            let printed = match &mut self.prints {
                Prints::Each(format) => print(&self.progress, |to| format.write(finding, to)),
                Prints::Stories(how, stories) => {
                    // Mostly nothing is written.
                    print(&self.progress, |to| stories.take(finding, *how, to))
                }
            };
            self.unprinted = printed.err();
        }
        let Some(err) = &self.unprinted else { return Ok(()) };
        // Their reader may have seen enough. The page is for others, and so is the result, which
        // is known once there is one finding that decides it.
        let pending = self.fail_on.is_some() && !self.tripped;
        if self.page.is_some() || pending && err.kind() == io::ErrorKind::BrokenPipe {
            return Ok(());
        }
        self.unprinted.take().map_or(Ok(()), Err)
    }
}

impl Observer for Printer {
    fn finding(&mut self, found: &Found<'_>) -> io::Result<()> {
        self.take(found.finding, Some(found))
    }

    fn unreadable(&mut self, source: &Source, line: u64, reason: &str) -> io::Result<()> {
        self.progress.aside(|| self.diagnostics.unreadable(source, line, reason));
        if let Some(page) = &mut self.page {
            page.report.unreadable(|| format!("{source}:{line}: {reason}"));
        }
        Ok(())
    }

    fn failed(&mut self, what: &dyn Display, err: &dyn Error) -> io::Result<()> {
        self.progress.aside(|| self.diagnostics.failed(what, err));
        if let Some(page) = &mut self.page {
            page.report.unreadable(|| format!("{what}: {err}"));
        }
        Ok(())
    }

    fn not_a_log(&mut self, source: &Source, err: &input::Error) -> io::Result<()> {
        self.progress.aside(|| self.diagnostics.not_a_log(source, err));
        Ok(())
    }

    fn end(&mut self, source: &Source, held: &FileTally) -> io::Result<()> {
        self.progress.aside(|| self.diagnostics.end(source, held));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_wins_over_what_was_found() {
        let json = Prints::Each(Box::new(orgwatch_host::output::Json));
        let mut printer = Printer::new(json, Severity::Low, None, false, None, &[]);
        let mut totals = Totals::default();
        assert_eq!(printer.status(&totals), Status::Done);
        printer.tripped = true;
        assert_eq!(printer.status(&totals), Status::Found);
        totals.counts.unreadable = 1;
        assert_eq!(printer.status(&totals), Status::Unusable);
        totals = Totals { failed: 1, ..Totals::default() };
        assert_eq!(printer.status(&totals), Status::Unusable);
    }
}
