//! The host's types of a scan, as its maker of reports asks for them.

use std::borrow::Cow;

#[path = "../../../host-test/src/scan/bucket_path.rs"]
mod bucket_path;
#[path = "../../../host-test/src/scan/filter.rs"]
mod filter;
#[path = "../../../host-test/src/scan/tally.rs"]
mod tally;

pub(crate) use filter::{Filter, FilteredOut};
pub(crate) use tally::Tally;

use crate::plugin::Counts;

/// The event that gave a finding.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) source: &'a str,
    pub(crate) line: u64,
    raw: Vec<u8>,
}

impl<'a> Found<'a> {
    /// Of a long record only the first part is there: the report shows less, and counts its bytes.
    pub(crate) fn new(source: &'a str, line: u64, raw: String, length: usize) -> Self {
        let mut raw = raw.into_bytes();
        raw.resize(raw.len().max(length), b' ');
        Found { source, line, raw }
    }

    /// The record as it was read.
    pub(crate) fn raw(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.raw)
    }
}

/// The totals of a scan.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    pub(crate) files: u64,
    pub(crate) failed: u64,
    pub(crate) bytes: u64,
    pub(crate) counts: Counts,
    pub(crate) repeats: u64,
    pub(crate) filtered_out: FilteredOut,
    pub(crate) files_filtered_out: FilteredOut,
    pub(crate) sources: Tally,
}
