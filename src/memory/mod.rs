//! The memory of a detector: findings that it reported, terms and when they were seen, the observations
//! of chains, the types of policies, and which findings alerted.
//!
//! The memory is a set of small entries with a total order, and adding to it is a union: that makes
//! merging commutative, associative and idempotent. Each part is bounded, and what goes first when it
//! is full is the least entry (the oldest by event time): an entry that stays was never gone, so
//! what is kept depends on what was seen and not on the order it came in. No other rule drops anything:
//! two rules together would depend on which came first.

mod alerts;
mod groups;
mod incidents;
mod observations;
mod policies;
mod sections;
mod silence;
mod snapshot;
mod terms;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::digest::Digest128;
use crate::record::{Record, org_policy};
use crate::text::shortened;

pub use alerts::{Alert, Alerts};
#[cfg(test)]
pub use groups::Groups;
#[cfg(test)]
pub(crate) use groups::work;
pub use incidents::IncidentNames;
pub use observations::{
    ALL, Group, MAX_PLACES, Membership, Observation, ObservationKey, Observations, Places,
};
pub use policies::Policies;
pub use sections::{ALERTS, SECTIONS, Saved, SavedObservation};
pub use silence::{Voice, Voices};
pub use snapshot::{Approved, FindingSnapshot, Part, Text};
pub use terms::Terms;

/// The key of a reported finding: a rule's, of an event. Ordered by event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FindingKey {
    /// Event time in seconds; the least for one without a time.
    pub time: i64,
    /// The event.
    pub event: Digest128,
    /// The rule.
    pub rule: Digest128,
}

/// The most entries of each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Findings remembered as reported.
    pub events: usize,
    /// Spans of time in which terms were seen.
    pub terms: usize,
    /// Observations of chains, for each rule.
    pub steps: usize,
    /// Policies whose type is known.
    pub policies: usize,
    /// Findings remembered as alerts.
    pub alerts: usize,
}

/// The memory.
#[derive(Debug, Clone)]
pub struct Memory {
    limits: Limits,
    given: BTreeSet<FindingKey>,
    terms: Terms,
    steps: Observations,
    policies: Policies,
    voices: Voices,
    alerts: Alerts,
    /// Not saved: they follow from the findings.
    incidents: IncidentNames,
    /// The number of entries evicted.
    evicted: u64,
}

impl Memory {
    /// An empty memory.
    pub fn new(limits: Limits) -> Self {
        Memory {
            limits,
            given: BTreeSet::new(),
            terms: Terms::default(),
            steps: Observations::default(),
            policies: Policies::default(),
            voices: Voices::default(),
            alerts: Alerts::default(),
            incidents: IncidentNames::default(),
            evicted: 0,
        }
    }

    /// Whether a finding was reported before.
    pub fn already_reported(&self, given: &FindingKey) -> bool {
        self.given.contains(given)
    }

    /// Remembers that a finding was reported; says whether it was before.
    pub fn record_finding(&mut self, given: FindingKey) -> bool {
        let repeat = !self.given.insert(given);
        while self.given.len() > self.limits.events {
            self.given.pop_first();
            self.evicted = self.evicted.saturating_add(1);
        }
        repeat
    }

    /// Remembers that terms were seen; says whether they were seen within the window before, on
    /// either side.
    pub fn observe_term(&mut self, term: Digest128, time: i64, window: i64, grace: i64) -> bool {
        let seen = self.terms.observe_term(term, time, window, grace);
        let gone = self.terms.evict_to(self.limits.terms);
        self.evicted = self.evicted.saturating_add(gone);
        seen
    }

    /// Adds an observation of chains, which may be one too many until [`settle`](Self::settle) is
    /// called: what it completes is to be seen before it goes.
    pub fn add_observation(&mut self, key: ObservationKey, step: Observation) {
        self.steps.add(key, step);
    }

    /// Drops what is too many where an observation was added.
    pub fn settle(&mut self, key: &ObservationKey) {
        let gone = self.steps.evict_to(key, self.limits.steps);
        self.evicted = self.evicted.saturating_add(gone);
    }

    /// The observations of chains.
    pub fn steps(&self) -> &Observations {
        &self.steps
    }

    /// Remembers what later records do not say themselves, the type of a policy, and recalls what earlier
    /// ones said of the policy that this one names. No rule has a part in this: one that is off takes
    /// nothing from another.
    pub fn observe(&mut self, record: &Record<'_>) -> Option<String> {
        if !org_policy::is_of_organizations(record) {
            return None;
        }
        if let Some((id, kind)) = org_policy::changed_policy(record) {
            let time = record.time().unwrap_or(i64::MIN);
            self.add_policy(Digest128::of(&[&id]), time, &shortened(&kind, 64));
        }
        self.policy_type(&org_policy::policy_id(record)?).map(str::to_owned)
    }

    fn add_policy(&mut self, id: Digest128, time: i64, kind: &str) {
        self.policies.record(id, time, kind);
        let gone = self.policies.evict_to(self.limits.policies);
        self.evicted = self.evicted.saturating_add(gone);
    }

    /// The type of a policy, if a response named it.
    pub fn policy_type(&self, id: &str) -> Option<&str> {
        self.policies.kind(&Digest128::of(&[id]))
    }

    /// When accounts were last seen, if their silence is to be told.
    pub fn voices(&mut self) -> &mut Voices {
        &mut self.voices
    }

    /// The alerts.
    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// The names of incidents that were asked for last.
    pub fn incidents(&mut self) -> &mut IncidentNames {
        &mut self.incidents
    }

    /// Remembers that a finding alerted.
    pub fn record_alert(&mut self, alert: Alert) {
        self.alerts.add(alert);
        let gone = self.alerts.evict_to(self.limits.alerts);
        self.evicted = self.evicted.saturating_add(gone);
    }

    /// Entries by part, for counters.
    pub fn entry_counts(&self) -> [(&'static str, u64); 5] {
        [
            ("memory_events", self.given.len() as u64),
            ("memory_terms", self.terms.count() as u64),
            ("memory_steps", self.steps.count() as u64),
            ("memory_policies", self.policies.count() as u64),
            ("memory_alerts", self.alerts.iter().len() as u64),
        ]
    }

    /// The number of entries evicted.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Adds all but the observations of a memory that was saved; of those
    /// [`Correlations`](crate::chains::Correlations) sees what they complete.
    pub fn merge(&mut self, saved: &Saved<'_>) {
        saved.given().for_each(|given| {
            self.record_finding(given);
        });
        for (member_key, first, last) in saved.terms() {
            self.terms.extend_interval(member_key, first, last);
            let gone = self.terms.evict_to(self.limits.terms);
            self.evicted = self.evicted.saturating_add(gone);
        }
        for (id, time, kind) in saved.policies() {
            self.add_policy(id, time, kind);
        }
        for (account, voice) in saved.voices() {
            self.voices.add(account, voice);
        }
        let gone = self.alerts.forget(saved.alerts_gone());
        self.evicted = self.evicted.saturating_add(gone);
        saved.alerts().for_each(|alert| self.record_alert(alert));
    }
}
