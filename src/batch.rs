//! The results of a batch of events: findings with their places, unreadable events, and counts of the rest.

use crate::envelope::{Companion, Form, PACKED};
use crate::finding::Finding;
use crate::prefilter::{Line, Verdict};

/// The most unreadable events that a batch names; all are counted.
pub const MAX_UNREADABLE: usize = 100;

/// A place in a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The record inside that line, from 0.
    pub record: u32,
}

/// A finding and where its event was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The place of its event.
    pub place: Place,
    /// The finding.
    pub finding: Finding,
}

/// An event that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The place of its event.
    pub place: Place,
    /// The reason.
    pub reason: String,
}

/// Counts of a batch. `events` is the sum of the four after it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines, blank ones too.
    pub lines: u64,
    /// Records, and whatever stood where a record should.
    pub events: u64,
    /// Rejected by the prefilter: no rule names such an event. The records of a rejected document
    /// are counted by their `eventName` keys.
    pub rejected: u64,
    /// Looked at by the rules.
    pub evaluated: u64,
    /// Not readable.
    pub unreadable: u64,
    /// JSON that is not CloudTrail.
    pub foreign: u64,
    /// Of those that are not CloudTrail: notifications that point to records elsewhere.
    pub notifications: u64,
    /// Of those that are not CloudTrail: other companions of its records (digests, Insights, findings).
    pub companions: u64,
    /// Of those that rules name or not: in the form of OCSF.
    pub ocsf: u64,
    /// The same, in that of the Elastic Common Schema.
    pub ecs: u64,
    /// The same, as rows of a query.
    pub query_rows: u64,
    /// Evaluated ones that a rule names and that are without a time that can be
    /// read. They take part in no chain, and everything about them is new.
    pub without_time: u64,
}

/// The result of [`Detector::detect_batch`](crate::detector::Detector::detect_batch).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// The findings, in the order of their events.
    pub findings: Vec<Located>,
    /// Counts of the events.
    pub counts: Counts,
    /// The first [`MAX_UNREADABLE`] that could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// A line that may match: its number from 1, and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Span {
    pub line: u32,
    pub offset: u32,
    pub length: u32,
}

/// The result of [`Detector::screen`](crate::detector::Detector::screen).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Screened {
    /// The lines that any rule could match.
    pub spans: Vec<Span>,
    /// Counts of the other events.
    pub counts: Counts,
    /// The first [`MAX_UNREADABLE`] that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Every line begins and ends with a brace, and in none is a key `"data"`: nothing of what a host puts together
    /// or unpacks is there. It may be false where that is so.
    pub are_plain: bool,
}

impl Batch {
    pub(crate) fn report(&mut self, unreadable: impl IntoIterator<Item = Unreadable>) {
        let room = MAX_UNREADABLE.saturating_sub(self.unreadable.len());
        self.unreadable.extend(unreadable.into_iter().take(room));
    }
}

/// Adds to a counter, which stays at its greatest value.
pub(crate) fn count(counter: &mut u64, more: u64) {
    *counter = counter.saturating_add(more);
}

impl Counts {
    /// Counts a line; says whether it is a candidate, whose records are counted when it is read.
    #[inline]
    pub(crate) fn count(
        &mut self,
        line: Line<'_>,
        verdict: Verdict,
        unreadable: &mut Vec<Unreadable>,
    ) -> bool {
        count(&mut self.lines, 1);
        match verdict {
            Verdict::Blank => return false,
            Verdict::Candidate => return true,
            Verdict::Rejected(events, form) => {
                count(&mut self.events, events);
                count(&mut self.rejected, events);
                self.of_form(form, events);
                return false;
            }
            Verdict::Foreign(events, companion) => {
                self.foreign(companion, events);
                return false;
            }
            Verdict::Unreadable(reason) => self.unreadable(line, reason, unreadable),
            Verdict::Packed => self.unreadable(line, PACKED, unreadable),
        }
        count(&mut self.events, 1);
        false
    }

    /// Counts what is not CloudTrail.
    pub(crate) fn foreign(&mut self, companion: Option<Companion>, events: u64) {
        count(&mut self.events, events);
        count(&mut self.foreign, events);
        match companion {
            None => {}
            Some(Companion::Notification) => count(&mut self.notifications, events),
            Some(_) => count(&mut self.companions, events),
        }
    }

    /// Counts records in other forms than CloudTrail's own.
    pub(crate) fn of_form(&mut self, form: Option<Form>, events: u64) {
        match form {
            None => {}
            Some(Form::Ocsf) => count(&mut self.ocsf, events),
            Some(Form::Ecs) => count(&mut self.ecs, events),
            Some(Form::Row) => count(&mut self.query_rows, events),
        }
    }

    fn unreadable(&mut self, line: Line<'_>, reason: &str, unreadable: &mut Vec<Unreadable>) {
        count(&mut self.unreadable, 1);
        if unreadable.len() < MAX_UNREADABLE {
            let place = Place { line: line.number, record: 0 };
            unreadable.push(Unreadable { place, reason: reason.to_owned() });
        }
    }
}
