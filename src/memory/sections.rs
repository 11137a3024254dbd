//! The memory as sections of a [state](crate::state), and back.
//!
//! Each part is a section: postcard's form of a sequence of its entries, in their order, so that the same
//! memory is always the same bytes.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::observations::{MAX_PLACES, ObservationKey, Places};
use super::terms::Interval;
use super::{Alert, FindingKey, FindingSnapshot, Memory, Observation, Voice};
use crate::digest::Digest128;
use crate::record::is_account;
use crate::state::{self, Bytes, StateError};

/// The sections of a detector's state, one for each part of the memory. What else a state file holds is a
/// host's, which takes it out before it hands the rest to a detector.
pub const SECTIONS: [&str; 6] = ["given", "terms", "steps", "policies", "silence", ALERTS];

/// The section of the alerts. Before its entries stands the last day that went.
pub const ALERTS: &str = "alerts";

/// The longest snapshot, and the longest type of a policy, in bytes.
const MAX_PART: usize = 16 * 1024;
const MAX_KIND: usize = 256;

type Term = (Interval, i64, i64);
type Policy<'a> = (Digest128, i64, &'a str);

/// An observation as it was saved.
#[derive(Debug, Clone, Deserialize)]
pub struct SavedObservation<'a> {
    /// The observation.
    pub key: ObservationKey,
    /// Its memberships.
    pub memberships: Places,
    /// The snapshot of the finding.
    pub part: &'a [u8],
}

impl Memory {
    /// The memory as bytes.
    pub fn save(&self) -> Vec<u8> {
        const KEY: usize = size_of::<ObservationKey>();
        let keys = |count: usize| count.saturating_mul(KEY);
        let step = |step: &Observation| {
            let memberships = keys(step.memberships.len()).saturating_mul(2);
            memberships.saturating_add(step.part.len()).saturating_add(KEY)
        };
        let room = self.steps.iter().map(|(_, of)| step(of)).fold(0, usize::saturating_add);
        let steps =
            self.steps.iter().map(|(key, step)| (key, &step.memberships, Bytes(&step.part)));
        let parts = [
            section(self.given.iter(), keys(self.given.len())),
            section(self.terms.iter(), keys(self.terms.count())),
            section(steps, room),
            section(self.policies.iter(), keys(self.policies.count())),
            section(self.voices.iter(), keys(self.voices.iter().len())),
            self.save_alerts(),
        ];
        let sections: Vec<_> = SECTIONS.into_iter().zip(parts.iter().map(Vec::as_slice)).collect();
        state::encode(&sections)
    }

    fn save_alerts(&self) -> Vec<u8> {
        // Writing to memory does not fail.
        let mut out = postcard::to_allocvec(&self.alerts.gone()).unwrap_or_default();
        let alerts = self.alerts.iter();
        let room = alerts.len().saturating_mul(size_of::<Alert>());
        out.extend(section(alerts, room));
        out
    }
}

/// A memory that was saved: its entries are read when they are asked for, so that it takes no room of its
/// own beside the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Saved<'a> {
    given: &'a [u8],
    terms: &'a [u8],
    steps: &'a [u8],
    policies: &'a [u8],
    silence: &'a [u8],
    alerts: &'a [u8],
    alerts_gone: Option<i64>,
}

impl<'a> Saved<'a> {
    /// Takes bytes apart, and reads all of them once: nothing of a state that cannot be used is taken.
    pub fn read(state: &'a [u8]) -> Result<Self, StateError> {
        let mut parts: [Option<&[u8]>; SECTIONS.len()] = [None; SECTIONS.len()];
        for (name, bytes) in state::decode(state)? {
            let mut known = SECTIONS.iter().zip(&mut parts);
            let part = known.find(|(section, _)| **section == name).map(|(_, part)| part);
            let part = part.ok_or_else(|| StateError::Section(name.to_owned()))?;
            if part.replace(bytes).is_some() {
                return Err(StateError::Damaged);
            }
        }
        let [given, terms, steps, policies, silence, alerts] = parts.map(Option::unwrap_or_default);
        let (alerts_gone, alerts) = match alerts {
            [] => (None, alerts),
            _ => postcard::take_from_bytes(alerts).map_err(|_| StateError::Damaged)?,
        };
        let step = |step: &SavedObservation<'_>| {
            let bounded = step.memberships.len() <= MAX_PLACES && step.part.len() <= MAX_PART;
            let sorted = step.memberships.is_sorted_by(|(one, _), (next, _)| one < next);
            bounded && sorted && FindingSnapshot::read(step.part).is_some()
        };
        check(given, |_: &FindingKey| true)?;
        check(terms, |(_, first, last): &Term| first <= last)?;
        check(steps, step)?;
        check(policies, |(.., kind): &Policy<'_>| kind.len() <= MAX_KIND)?;
        check(silence, |(account, _): &(&str, Voice)| is_account(account))?;
        check(alerts, |_: &Alert| true)?;
        Ok(Saved { given, terms, steps, policies, silence, alerts, alerts_gone })
    }

    /// The findings that were given.
    pub fn given(&self) -> impl Iterator<Item = FindingKey> {
        Entries::of(self.given)
    }

    /// The intervals in which terms were seen, and the first and the last time in each.
    pub fn terms(&self) -> impl Iterator<Item = Term> {
        Entries::of(self.terms)
    }

    /// The observations of chains, in order.
    pub fn steps(&self) -> impl Iterator<Item = SavedObservation<'a>> + use<'a> {
        Entries::of(self.steps)
    }

    /// When accounts were last seen.
    pub fn voices(&self) -> impl Iterator<Item = (&'a str, Voice)> + use<'a> {
        Entries::of(self.silence)
    }

    /// The types of policies.
    pub fn policies(&self) -> impl Iterator<Item = Policy<'a>> + use<'a> {
        Entries::of(self.policies)
    }

    /// The alerts.
    pub fn alerts(&self) -> impl Iterator<Item = Alert> + use<'a> {
        Entries::of(self.alerts)
    }

    /// The last day whose alerts went.
    pub fn alerts_gone(&self) -> Option<i64> {
        self.alerts_gone
    }
}

/// A section of these entries, for which there is room: growing would take twice as much.
fn section<T: Serialize>(entries: impl ExactSizeIterator<Item = T>, room: usize) -> Vec<u8> {
    let out = Vec::with_capacity(room.saturating_add(10));
    let out = state::append(&entries.len(), out);
    entries.fold(out, |out, entry| state::append(&entry, out))
}

/// Whether a section can be read to its end, and whether all of its entries may be.
fn check<'a, T: Deserialize<'a>>(
    section: &'a [u8],
    allowed: impl Fn(&T) -> bool,
) -> Result<(), StateError> {
    let mut entries = Entries::of(section);
    if entries.all(|entry| allowed(&entry)) && entries.left == 0 && entries.rest.is_empty() {
        Ok(())
    } else {
        Err(StateError::Damaged)
    }
}

/// The entries of a section, one after the other. It ends at one that cannot be read.
struct Entries<'a, T> {
    left: u64,
    rest: &'a [u8],
    of: PhantomData<T>,
}

impl<'a, T: Deserialize<'a>> Entries<'a, T> {
    fn of(section: &'a [u8]) -> Self {
        // A section that is not there is empty.
        let (left, rest) = match section {
            [] => (0, section),
            _ => postcard::take_from_bytes(section).unwrap_or((u64::MAX, section)),
        };
        Entries { left, rest, of: PhantomData }
    }
}

impl<'a, T: Deserialize<'a>> Iterator for Entries<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let left = self.left.checked_sub(1)?;
        let (entry, rest) = postcard::take_from_bytes(self.rest).ok()?;
        (self.left, self.rest) = (left, rest);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Group, Limits, Membership, Observation};

    const LIMITS: Limits = Limits { events: 10, terms: 10, steps: 10, policies: 10, alerts: 10 };

    fn key(byte: u8) -> Digest128 {
        Digest128::new([byte; 16])
    }

    fn sample() -> Memory {
        let mut memory = Memory::new(LIMITS);
        memory.record_finding(FindingKey { time: -5, event: key(1), rule: key(2) });
        memory.observe_term(key(3), 1000, 100, 0);
        // Nothing but the texts that must be there, and those empty.
        let part = vec![0; 26];
        let membership =
            Membership { group: Group { chain: key(4), group: key(5) }, member_key: key(6) };
        let step = ObservationKey { time: 5, event: key(1), rule: key(2), refused: true };
        memory.add_observation(
            step,
            Observation { memberships: vec![(membership, 0)], part: part.into() },
        );
        memory.add_policy(Digest128::of(&["p-1"]), 7, "TAG_POLICY");
        memory.voices().spoke("111122223333", 7);
        memory.record_alert(Alert { day: 5, class: key(7), finding: key(8) });
        memory
    }

    fn loaded(state: &[u8]) -> Result<Memory, StateError> {
        let saved = Saved::read(state)?;
        let mut memory = Memory::new(LIMITS);
        memory.merge(&saved);
        for step in saved.steps() {
            let part = step.part.into();
            memory.add_observation(step.key, Observation { memberships: step.memberships, part });
        }
        Ok(memory)
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let saved = sample().save();
        let memory = loaded(&saved).unwrap();
        assert_eq!(memory.entry_counts().map(|(_, count)| count), [1, 1, 1, 1, 1]);
        assert_eq!(memory.save(), saved);
        assert_eq!(memory.policy_type("p-1"), Some("TAG_POLICY"));
    }

    #[test]
    fn a_section_that_is_missing_is_empty_and_one_that_is_unknown_is_refused_by_name() {
        let state = sample().save();
        let sections = state::decode(&state).unwrap();
        let some = state::encode(&sections[1..3]);
        assert_eq!(loaded(&some).unwrap().entry_counts().map(|(_, count)| count), [0, 1, 1, 0, 0]);
        let more = state::encode(&[&sections[..], &[("incidents", &[])]].concat());
        assert_eq!(loaded(&more).unwrap_err(), StateError::Section("incidents".into()));
        let twice = state::encode(&[&sections[..], &sections[..1]].concat());
        assert_eq!(loaded(&twice).unwrap_err(), StateError::Damaged);
    }

    #[test]
    fn a_section_that_does_not_hold_what_it_says_is_refused() {
        let state = sample().save();
        let sections = state::decode(&state).unwrap();
        for (name, bytes) in sections {
            for damaged in [
                &bytes[..bytes.len() - 1],
                &[bytes, &[0]].concat(),
                // More than there can be.
                &[&[0xff, 0xff, 0xff, 0xff, 0x0f], &bytes[1..]].concat(),
                &[0xff; 12],
            ] {
                let state = state::encode(&[(name, damaged)]);
                assert_eq!(loaded(&state).unwrap_err(), StateError::Damaged, "{name}");
            }
        }
    }
}
