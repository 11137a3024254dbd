//! What came out of one file.

use crate::input::Unreadable;
use crate::plugin::Counts;

/// The reason of what is prose and no JSON.
const PROSE: &str = "not JSON";

/// What a file held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileTally {
    /// Whether it held any record, whether a rule wants it or not.
    pub records: bool,
    /// Notifications that point to records elsewhere.
    pub notifications: u64,
    /// Other companions of records: digests, Insights, findings, objects without a record.
    pub companions: u64,
    /// JSON that is none of these.
    pub foreign: u64,
    /// What could not be read.
    pub unreadable: u64,
    /// Whether something that could not be read is more than prose.
    pub broken: bool,
}

impl FileTally {
    /// Adds what was counted in a part of it.
    pub(super) fn add(&mut self, counts: &Counts) {
        self.records |= counts.rejected > 0 || counts.evaluated > 0;
        self.notifications = self.notifications.saturating_add(counts.notifications);
        self.companions = self.companions.saturating_add(counts.companions);
        let known = counts.notifications.saturating_add(counts.companions);
        self.foreign = self.foreign.saturating_add(counts.foreign.saturating_sub(known));
        self.unreadable = self.unreadable.saturating_add(counts.unreadable);
    }

    /// Takes note of why something could not be read.
    pub(super) fn note(&mut self, unreadable: &[Unreadable]) {
        self.broken |= unreadable.iter().any(|one| !one.reason.ends_with(PROSE));
    }

    /// What is to be said of a file without a record; none if there is one, or nothing that could be one.
    pub fn without_records(&self) -> Option<&'static str> {
        if self.records {
            return None;
        }
        match (self.unreadable, self.foreign, self.notifications) {
            (0, 0, 0) => None,
            (_, 0, 1..) if !self.broken => Some(
                "notifications of S3 or SNS, which hold no record: scan the objects that they point to",
            ),
            (1.., _, _) if self.broken => Some("no CloudTrail record in it could be read"),
            (1.., 0, 0) => Some("text that is no JSON, without a CloudTrail record"),
            _ => Some("JSON without a CloudTrail record"),
        }
    }

    /// Whether a file without a record may be passed over where nobody named it: nothing in it is broken.
    pub fn is_stray(&self) -> bool {
        !self.records && !self.broken
    }
}

impl std::ops::AddAssign for FileTally {
    fn add_assign(&mut self, other: FileTally) {
        self.records |= other.records;
        self.broken |= other.broken;
        let add = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        add(&mut self.notifications, other.notifications);
        add(&mut self.companions, other.companions);
        add(&mut self.foreign, other.foreign);
        add(&mut self.unreadable, other.unreadable);
    }
}
