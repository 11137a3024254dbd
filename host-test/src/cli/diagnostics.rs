//! Diagnostics for unreadable input, on standard error, at once.

use std::error::Error;
use std::fmt::{Display, Write as _};

use orgwatch_host::input::Source;
use orgwatch_host::output::{escape, number};

use super::warn;

/// The number of unreadable lines of a file that are reported; further ones are only counted.
const MOST_REPORTED: u64 = 20;

/// Reports a file's first unreadable lines, and every path that failed.
#[derive(Debug)]
pub(super) struct Diagnostics {
    /// Reports no lines.
    quiet: bool,
    /// Unreadable lines of the current file that have been reported.
    reported: u64,
}

impl Diagnostics {
    pub(super) fn new(quiet: bool) -> Self {
        Diagnostics { quiet, reported: 0 }
    }

    pub(super) fn unreadable(&mut self, source: &Source, line: u64, reason: &str) {
        if self.reported < MOST_REPORTED && !self.quiet {
            self.reported += 1;
            warn(&format!("{source}:{line}: {}", escape(reason, 200)));
        }
    }

    pub(super) fn failed(&mut self, what: &dyn Display, err: &dyn Error) {
        let mut text = format!("{what}: {err}");
        let mut cause = err.source();
        while let Some(err) = cause {
            let _ = write!(text, ": {err}");
            cause = err.source();
        }
        warn(&text);
    }

    pub(super) fn end(&mut self, source: &Source, unreadable: u64) {
        let more = unreadable.saturating_sub(self.reported);
        if more > 0 && !self.quiet {
            warn(&format!("{source}: {} more could not be read", number(more)));
        }
        self.reported = 0;
    }
}
