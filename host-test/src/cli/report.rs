//! What a scan says: findings on standard output, everything else on standard error.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{Display, Write as _};
use std::io;
use std::time::Duration;

use orgwatch::finding::{Finding, Severity, Status as FindingStatus};
use orgwatch_host::input::Source;
use orgwatch_host::output::{Format, escape};
use orgwatch_host::scan::{Observer, Totals};

use super::{Status, say};

/// How many unreadable ones of a file are told; then only how many more.
const MOST_TOLD: u64 = 20;

pub(super) struct Report<'a> {
    format: &'a dyn Format,
    min_severity: Severity,
    fail_on: Option<Severity>,
    quiet: bool,
    found: BTreeMap<Severity, u64>,
    hidden: u64,
    tripped: bool,
    /// How many unreadable ones of the current file have been told.
    told: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(
        format: &'a dyn Format,
        min_severity: Severity,
        fail_on: Option<Severity>,
        quiet: bool,
    ) -> Self {
        Report {
            format,
            min_severity,
            fail_on,
            quiet,
            found: BTreeMap::new(),
            hidden: 0,
            tripped: false,
            told: 0,
        }
    }

    /// What the command ends with.
    pub(super) fn status(&self, totals: &Totals) -> Status {
        if totals.failed > 0 || totals.counts.unreadable > 0 {
            Status::Unusable
        } else if self.tripped {
            Status::Found
        } else {
            Status::Done
        }
    }

    pub(super) fn summarise(&self, totals: &Totals, time: Duration) {
        if self.quiet {
            return;
        }
        // By bytes, so that it does not pass through `say`, which makes one line of everything.
        let text = self.summary(totals, time);
        let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
    }

    fn summary(&self, totals: &Totals, time: Duration) -> String {
        let counts = &totals.counts;
        let seconds = time.as_secs_f64().max(1e-6);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{} in {}, {}",
            plural(counts.events, "event"),
            plural(totals.files, "file"),
            bytes(totals.bytes)
        );
        let _ = writeln!(text, "  findings        {}", self.findings(totals));
        let _ = writeln!(text, "  not CloudTrail  {}", number(counts.foreign));
        let trapped = match counts.trapped {
            0 => String::new(),
            trapped => format!(", on {} of which the detector failed", number(trapped)),
        };
        let _ = writeln!(text, "  unreadable      {}{trapped}", number(counts.unreadable));
        if totals.failed > 0 {
            let _ = writeln!(text, "  not read        {}", plural(totals.failed, "path"));
        }
        let _ = writeln!(
            text,
            "  time            {seconds:.2} s: {} events/s, {}/s",
            number((counts.events as f64 / seconds) as u64),
            bytes((totals.bytes as f64 / seconds) as u64)
        );
        text
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
            let _ = write!(text, "; {} came again", number(totals.repeats));
        }
        text
    }
}

impl Observer for Report<'_> {
    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        *self.found.entry(finding.severity).or_default() += 1;
        let fails = self.fail_on.is_some_and(|least| finding.severity >= least);
        self.tripped |= fails && finding.status == FindingStatus::New;
        if finding.severity < self.min_severity {
            self.hidden += 1;
            return Ok(());
        }
        // Raw, not locked and buffered by lines: one call is one write.
        self.format.write(finding, &mut io::stdout().lock())?;
        io::Write::flush(&mut io::stdout())
    }

    fn unreadable(&mut self, source: &Source, line: u64, reason: &str) -> io::Result<()> {
        if self.told < MOST_TOLD && !self.quiet {
            self.told += 1;
            say(&format!("{source}:{line}: {}", escape(reason, 200)));
        }
        Ok(())
    }

    fn failed(&mut self, what: &dyn Display, err: &dyn Error) -> io::Result<()> {
        let mut text = format!("{what}: {err}");
        let mut cause = err.source();
        while let Some(err) = cause {
            let _ = write!(text, ": {err}");
            cause = err.source();
        }
        say(&text);
        Ok(())
    }

    fn end(&mut self, source: &Source, unreadable: u64) -> io::Result<()> {
        let more = unreadable.saturating_sub(self.told);
        if more > 0 && !self.quiet {
            say(&format!("{source}: {} more could not be read", number(more)));
        }
        self.told = 0;
        Ok(())
    }
}

fn plural(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", number(count), if count == 1 { "" } else { "s" })
}

/// With commas between thousands.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if value < 999.95 {
            return if unit == "bytes" {
                format!("{bytes} bytes")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1000), "1,000");
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(plural(1, "event"), "1 event");
        assert_eq!(plural(0, "event"), "0 events");
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(415_687), "415.7 kB");
        assert_eq!(bytes(999_990), "1.0 MB");
        assert_eq!(bytes(2_000_000_000_000), "2.0 TB");
    }

    #[test]
    fn what_could_not_be_read_wins_over_what_was_found() {
        let mut report = Report::new(&orgwatch_host::output::Json, Severity::Low, None, false);
        let mut totals = Totals::default();
        assert_eq!(report.status(&totals), Status::Done);
        report.tripped = true;
        assert_eq!(report.status(&totals), Status::Found);
        totals.counts.unreadable = 1;
        assert_eq!(report.status(&totals), Status::Unusable);
        totals = Totals { failed: 1, ..Totals::default() };
        assert_eq!(report.status(&totals), Status::Unusable);
    }
}
