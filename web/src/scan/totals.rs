//! The totals of a scan in the page, as its report is told them.

use serde::{Deserialize, Serialize};

/// Those that the page shows or the report has.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) failed: u64,
    /// Files that are no logs, in a folder.
    pub(crate) passed_over: u64,
    pub(crate) bytes: u64,
    pub(crate) repeats: u64,
    pub(crate) events: u64,
    pub(crate) evaluated: u64,
    pub(crate) rejected: u64,
    pub(crate) foreign: u64,
    pub(crate) notifications: u64,
    pub(crate) unreadable: u64,
    pub(crate) without_time: u64,
}
