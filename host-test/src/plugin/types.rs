//! Inputs and results of a detector, in the host's terms.

pub use orgwatch::batch::{Located, Place, Unreadable};
use orgwatch::finding::Severity;

/// Counts of a batch by outcome. `events` is the sum of `rejected`, `evaluated`, `foreign` and
/// `unreadable`.
///
/// Those of the core, and `trapped`: a type of its own, since no guest may fill that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines.
    pub lines: u64,
    /// Records seen.
    pub events: u64,
    /// Rejected by the prefilter: no rule names such an event.
    pub rejected: u64,
    /// Looked at by rules.
    pub evaluated: u64,
    /// Not readable, [`trapped`](Self::trapped) ones included.
    pub unreadable: u64,
    /// JSON that is not a CloudTrail record.
    pub foreign: u64,
    /// Of those: notifications that point to records elsewhere.
    pub notifications: u64,
    /// Of those: other companions of CloudTrail's records, such as digest files, Insights, findings.
    pub companions: u64,
    /// Records in the form of OCSF.
    pub ocsf: u64,
    /// Records in the form of the Elastic Common Schema.
    pub ecs: u64,
    /// Records as rows of a query.
    pub query_rows: u64,
    /// Of those looked at by rules, and with a name that some rule wants: without a time that can be
    /// read.
    pub without_time: u64,
    /// Events on which the guest trapped or ran out of time. Only the host knows of these.
    pub trapped: u64,
}

impl std::ops::AddAssign for Counts {
    /// Saturates: the numbers are a guest's, and may be anything.
    fn add_assign(&mut self, other: Counts) {
        let add = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        add(&mut self.lines, other.lines);
        add(&mut self.events, other.events);
        add(&mut self.rejected, other.rejected);
        add(&mut self.evaluated, other.evaluated);
        add(&mut self.unreadable, other.unreadable);
        add(&mut self.foreign, other.foreign);
        add(&mut self.notifications, other.notifications);
        add(&mut self.companions, other.companions);
        add(&mut self.ocsf, other.ocsf);
        add(&mut self.ecs, other.ecs);
        add(&mut self.query_rows, other.query_rows);
        add(&mut self.without_time, other.without_time);
        add(&mut self.trapped, other.trapped);
    }
}

/// The result of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// In the order of their places.
    pub findings: Vec<Located>,
    /// Events by outcome.
    pub counts: Counts,
    /// The first unreadable ones; [`Counts::unreadable`] counts all.
    pub unreadable: Vec<Unreadable>,
}

/// A line of a batch that holds a possible match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its number, from 1.
    pub line: u32,
    /// Where in the batch its bytes start.
    pub offset: usize,
    /// How many there are.
    pub length: usize,
}

/// The lines of a batch that any rule could match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Screened {
    pub spans: Vec<Span>,
    pub counts: Counts,
    /// The first unreadable ones that no span holds.
    pub unreadable: Vec<Unreadable>,
    /// Every line begins and ends with a brace, and in none is a key `"data"`. A guest does not say so.
    pub are_plain: bool,
}

impl Screened {
    /// The lines that any rule could match, out of the batch that was screened: of its findings and of
    /// its memory, [`Detector::detect_batch`](super::Detector::detect_batch) of these makes what it
    /// would make of all, and has only these to keep for a guest that has to be replaced.
    pub fn candidates(&self, events: &[u8]) -> Vec<u8> {
        let length = self.spans.iter().map(|span| span.length + 1).sum();
        let mut candidates = Vec::with_capacity(length);
        for span in &self.spans {
            candidates.extend_from_slice(&events[span.offset..span.offset + span.length]);
            if candidates.last() != Some(&b'\n') {
                candidates.push(b'\n');
            }
        }
        candidates
    }
}

/// A counter or gauge of a detector.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counter {
    pub name: String,
    pub value: u64,
}

/// A component's version and rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// `orgwatch`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component, as `sha256:<hex>`.
    pub digest: String,
    /// The version of ATT&CK that the rules' ids are of.
    pub attack_version: String,
    /// The format of the memory that it saves.
    pub state_format: u32,
    /// Its rules.
    pub rules: Vec<Rule>,
    /// The event sources that rules look at.
    pub sources: Vec<String>,
    /// The shapes of input understood.
    pub envelopes: Vec<String>,
}

/// One rule of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Rule {
    pub slug: String,
    pub id: String,
    pub title: String,
    pub description: String,
    pub severity: Severity,
    /// Its category: the folder of the pack it stands in.
    pub group: String,
    /// The event names it wants, in lower case: none if any, an empty list for a chain.
    pub event_names: Option<Vec<String>>,
    pub attack: Vec<String>,
    pub attack_aliases: Vec<String>,
    pub threat_catalogue: Vec<String>,
    pub covers: Vec<String>,
}
