//! Findings that are not acknowledged downstream yet.
//!
//! A detector gives an event that comes again its findings again, marked as repeats. Whether a
//! repeat has to be delivered is decided by this list: a finding is on it from the moment it is
//! found until downstream has acknowledged it.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use orgwatch::digest::Digest128;
use orgwatch::finding::Finding;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The list holds so many findings. Beyond it the oldest by event time cannot be distinguished from
/// delivered ones, and repeats as old as they are delivered again.
const MAX: usize = 100_000;

/// Senders whose batch failed try again sooner than this.
const LONGEST_RETRY: Duration = Duration::from_secs(3600);

/// Findings that are not acknowledged downstream yet.
#[derive(Debug, Clone, Default)]
pub struct Undelivered {
    times: HashMap<Digest128, i64>,
    by_time: BTreeSet<(i64, Digest128)>,
    /// An event time in seconds since 1970: a finding of that time or before may be undelivered without
    /// being on the list.
    watermark: Option<i64>,
    /// Since when nothing is on the list.
    empty_since: Option<Instant>,
    /// Findings that no event carries, since loading or merging a memory completed them: no sender
    /// brings them again.
    loose: HashMap<Digest128, Finding>,
    forgotten: u64,
    version: u64,
}

/// The layout of the state's section.
#[derive(Default, Serialize, Deserialize)]
struct Layout {
    watermark: Option<i64>,
    findings: Vec<(i64, [u8; 16])>,
    /// As JSON.
    loose: Vec<String>,
}

/// The key of a finding on the list: a digest of its id, and the time of its last event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FindingKey {
    pub(crate) id: Digest128,
    time: i64,
}

impl FindingKey {
    pub(crate) fn of(finding: &Finding) -> Self {
        let time = finding.last_seen.as_deref().and_then(|time| {
            OffsetDateTime::parse(time, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
        });
        FindingKey { id: Digest128::of(&[&finding.id]), time: time.unwrap_or(i64::MIN) }
    }
}

impl Undelivered {
    /// Whether a finding has to be delivered: it is on the list, or as old as what had to be
    /// forgotten.
    pub(crate) fn holds(&self, key: &FindingKey) -> bool {
        self.times.contains_key(&key.id)
            || self.watermark.is_some_and(|watermark| key.time <= watermark)
    }

    /// Takes up a finding that the detector gave. False for one that was delivered before.
    pub(crate) fn take_up(&mut self, finding: &Finding) -> bool {
        self.take_up_within(finding, MAX)
    }

    fn take_up_within(&mut self, finding: &Finding, most: usize) -> bool {
        let key = FindingKey::of(finding);
        self.lower_watermark(LONGEST_RETRY);
        let wanted = !finding.repeat || self.holds(&key);
        if wanted {
            self.insert(key, most);
        }
        wanted
    }

    /// Takes up a finding that no event carries.
    pub(crate) fn take_up_loose(&mut self, finding: Finding) {
        let key = FindingKey::of(&finding);
        self.insert(key, MAX);
        self.loose.insert(key.id, finding);
    }

    /// The findings that no event carries, in the order of their ids.
    pub(crate) fn loose(&self) -> Vec<Finding> {
        let mut loose: Vec<_> = self.loose.values().cloned().collect();
        loose.sort_by(|one, other| one.id.cmp(&other.id));
        loose
    }

    fn insert(&mut self, key: FindingKey, most: usize) {
        if self.times.insert(key.id, key.time).is_none() {
            self.by_time.insert((key.time, key.id));
            self.version = self.version.wrapping_add(1);
        }
        self.empty_since = None;
        while self.times.len() > most {
            let Some((time, key)) = self.by_time.pop_first() else { break };
            self.times.remove(&key);
            // Rather twice than never: from here on back, every repeat is delivered.
            self.watermark = self.watermark.max(Some(time));
            self.forgotten = self.forgotten.saturating_add(1);
        }
    }

    /// Takes a finding off the list: downstream has acknowledged it.
    pub(crate) fn settle(&mut self, key: &Digest128) {
        self.loose.remove(key);
        if let Some(time) = self.times.remove(key) {
            self.by_time.remove(&(time, *key));
            self.version = self.version.wrapping_add(1);
        }
        if self.times.is_empty() && self.empty_since.is_none() {
            self.empty_since = Some(Instant::now());
        }
    }

    /// Once nothing has been on the list for so long, no sender has a finding left that was
    /// forgotten: repeats can be distinguished from undelivered ones again.
    fn lower_watermark(&mut self, after: Duration) {
        if self.watermark.is_some()
            && self.empty_since.is_some_and(|since| since.elapsed() >= after)
        {
            self.watermark = None;
            self.version = self.version.wrapping_add(1);
        }
    }

    /// Changes with the list.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The number of findings on the list, and of forgotten ones.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        (self.times.len() as u64, self.forgotten)
    }

    /// As the section of a state; none if there is nothing to say.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        if self.watermark.is_none() && self.times.is_empty() {
            return None;
        }
        let findings = self.by_time.iter().map(|(time, key)| (*time, key.bytes()));
        // A finding has no key that is not text.
        let loose = self.loose().into_iter().filter_map(|one| serde_json::to_string(&one).ok());
        let layout = Layout {
            watermark: self.watermark,
            findings: findings.collect(),
            loose: loose.collect(),
        };
        postcard::to_allocvec(&layout).ok()
    }

    /// Decodes a section; none if it is damaged.
    pub(super) fn decode(section: &[u8]) -> Option<Self> {
        let layout: Layout = postcard::from_bytes(section).ok()?;
        let mut list = Undelivered { watermark: layout.watermark, ..Undelivered::default() };
        for (time, id) in layout.findings {
            list.insert(FindingKey { id: Digest128::new(id), time }, MAX);
        }
        for finding in layout.loose {
            list.take_up_loose(serde_json::from_str(&finding).ok()?);
        }
        list.empty_since = list.times.is_empty().then(Instant::now);
        list.version = 0;
        Some(list)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A finding of a time in seconds, with an id of its own.
    pub(crate) fn found(time: i64, repeat: bool) -> Finding {
        let record = br#"{"eventSource":"organizations.amazonaws.com","eventID":"1",
            "eventName":"LeaveOrganization","eventTime":"2026-06-01T12:00:00Z"}"#;
        let found = orgwatch::detector::Detector::open("{}").unwrap().detect(record).unwrap();
        let mut finding = found.into_iter().next().unwrap();
        finding.id = format!("{time:032x}");
        let at = OffsetDateTime::from_unix_timestamp(time).unwrap();
        finding.last_seen = Some(at.format(&Rfc3339).unwrap());
        finding.repeat = repeat;
        finding
    }

    fn again(list: &Undelivered) -> Undelivered {
        Undelivered::decode(&list.encode().unwrap()).unwrap()
    }

    /// Rather twice than never.
    #[test]
    fn beyond_its_bound_it_gives_again_what_it_cannot_know() {
        let mut list = Undelivered::default();
        for time in 1..=4 {
            assert!(list.take_up_within(&found(time, false), 2));
        }
        assert_eq!(list.sizes(), (2, 2));
        let mut list = again(&list);
        // The oldest by event time went; they are given again, and so is all as old.
        for time in [1, 2, 3, 4] {
            assert!(list.holds(&FindingKey::of(&found(time, true))), "{time}");
        }
        assert!(!list.take_up(&found(5, true)));
    }

    /// The watermark was only ever raised: after one outage every old repeat was delivered again for the
    /// life of the state.
    #[test]
    fn what_was_forgotten_is_forgotten_once_no_sender_has_it_any_more() {
        let mut list = Undelivered::default();
        for time in 1..=3 {
            list.take_up_within(&found(time, false), 2);
        }
        list.lower_watermark(Duration::ZERO);
        assert!(list.holds(&FindingKey::of(&found(1, true))), "not while findings are undelivered");
        for time in 2..=3 {
            list.settle(&FindingKey::of(&found(time, false)).id);
        }
        list.lower_watermark(LONGEST_RETRY);
        assert!(list.holds(&FindingKey::of(&found(1, true))), "not while a sender may try again");
        // Neither does a restart make it go on for ever.
        let mut list = again(&list);
        list.lower_watermark(Duration::ZERO);
        assert!(!list.take_up(&found(1, true)));
        assert_eq!(list.encode(), None);
    }

    #[test]
    fn a_finding_without_an_event_is_kept_whole() {
        let mut list = Undelivered::default();
        list.take_up_loose(found(1, false));
        let mut list = again(&list);
        assert_eq!(list.loose(), [found(1, false)]);
        list.settle(&FindingKey::of(&found(1, false)).id);
        assert!(list.loose().is_empty());
        assert_eq!(Undelivered::decode(b"\x07").map(|_| ()), None);
    }
}
