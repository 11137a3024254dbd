//! Diagnostics for unreadable input, on standard error.
//!
//! A path that somebody named and that gave no record is an error: it must not look like a clean result. A
//! file that stands in a named folder may be anything; one that is no log is named once.

use std::error::Error;
use std::fmt::Display;
use std::path::PathBuf;

use orgwatch_host::input::{self, Source};
use orgwatch_host::output::{escape, number, plural};
use orgwatch_host::scan::{FileTally, Totals};

use super::warn;

/// How many unreadable ones of a file are told; then only how many more.
const MOST_TOLD: usize = 20;

/// Reports a file's first unreadable lines, and every path that failed.
#[derive(Debug)]
pub(super) struct Diagnostics {
    /// Says nothing of lines, nor of files that are no logs.
    quiet: bool,
    /// The paths of the command line.
    named: Vec<PathBuf>,
    /// What was said of the current file, or is to be said at its end.
    told: Vec<String>,
    /// Named paths without a record.
    unusable: u64,
    /// Files in folders that are no logs, and how much in them could not be read.
    strays: u64,
    strays_unreadable: u64,
}

impl Diagnostics {
    pub(super) fn new(quiet: bool, named: &[PathBuf]) -> Self {
        let named = named.to_vec();
        let (told, unusable, strays, strays_unreadable) = Default::default();
        Diagnostics { quiet, named, told, unusable, strays, strays_unreadable }
    }

    pub(super) fn unreadable(&mut self, source: &Source, line: u64, reason: &str) {
        if self.told.len() < MOST_TOLD && !self.quiet {
            let text = format!("{source}:{line}: {}", escape(reason, 200));
            if self.is_named(source) {
                warn(&text);
            }
            self.told.push(text);
        }
    }

    pub(super) fn failed(&mut self, what: &dyn Display, err: &dyn Error) {
        warn(&format!("{what}: {}", input::chain(err)));
    }

    pub(super) fn not_a_log(&mut self, source: &Source, err: &input::Error) {
        if self.is_named(source) {
            self.unusable = self.unusable.saturating_add(1);
            return self.failed(source, err);
        }
        self.strays = self.strays.saturating_add(1);
        if !self.quiet {
            warn(&format!("{source}: passed over: {err}"));
        }
    }

    pub(super) fn end(&mut self, source: &Source, held: &FileTally) {
        let told = std::mem::take(&mut self.told);
        let named = self.is_named(source);
        let without_records = held.without_records();
        if let Some(reason) = without_records.filter(|_| !named && held.is_stray()) {
            self.strays = self.strays.saturating_add(1);
            self.strays_unreadable = self.strays_unreadable.saturating_add(held.unreadable);
            if !self.quiet {
                warn(&format!("{source}: passed over: {reason}"));
            }
            return;
        }
        if !named {
            told.iter().for_each(|text| warn(text));
        }
        let more = held.unreadable.saturating_sub(told.len() as u64);
        if more > 0 && !self.quiet {
            warn(&format!("{source}: {} more could not be read", number(more)));
        }
        if let Some(reason) = without_records {
            self.unusable = self.unusable.saturating_add(1);
            warn(&format!("{source}: {reason}"));
        }
    }

    /// Counts paths without a record among those that failed, and what is in files that are no logs among what
    /// is not CloudTrail.
    ///
    /// Where nothing but such files was found, the paths that led to them gave no record.
    pub(super) fn settle(&self, totals: &mut Totals) {
        let counts = &totals.counts;
        let none = counts.rejected == 0 && counts.evaluated == 0 && totals.filtered_out.all() == 0;
        if none && self.strays > 0 && self.unusable == 0 {
            totals.failed = totals.failed.saturating_add(1);
            warn("no CloudTrail record in any of the files");
        }
        totals.failed = totals.failed.saturating_add(self.unusable);
        let moved = self.strays_unreadable.min(totals.counts.unreadable);
        totals.counts.unreadable -= moved;
        totals.counts.foreign = totals.counts.foreign.saturating_add(moved);
    }

    /// The files that are no logs, as a row of the summary.
    pub(super) fn passed_over(&self) -> Option<(&'static str, String)> {
        let text = || format!("{} without a CloudTrail record", plural(self.strays, "file"));
        (self.strays > 0).then(|| ("passed over", text()))
    }

    fn is_named(&self, source: &Source) -> bool {
        match source {
            Source::Stdin => true,
            Source::File(path) => self.named.contains(path),
        }
    }
}
