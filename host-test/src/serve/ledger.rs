//! Which findings are owed: given, and not known to have been taken.
//!
//! A detector gives an event that comes again its findings again, marked as repeats. Whether a
//! repeat has to be delivered is decided here. A finding is owed from the moment it is found until
//! downstream has answered for the batch it was in; a repeat that is not owed was delivered, and is
//! left out. What is owed is saved with the detector's memory, always both at one moment, so that
//! it holds across restarts too.
//!
//! While one batch with a finding is on its way, another that has the same one waits for how that
//! ends: it takes the finding over if the first failed, and leaves it out if it arrived.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orgwatch::finding::Finding;
use orgwatch::memory::EventKey;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Notify;

use crate::plugin::Located;
use crate::state::Owed;

/// What is owed, and what is on its way.
#[derive(Debug)]
pub(super) struct Ledger {
    inner: Mutex<Inner>,
    /// Told when something is no longer on its way.
    landed: Notify,
    /// How many may be owed.
    most: usize,
}

#[derive(Debug, Default)]
struct Inner {
    owed: HashMap<EventKey, i64>,
    by_time: BTreeSet<(i64, EventKey)>,
    floor: Option<i64>,
    flying: HashSet<EventKey>,
    /// Counts changes, so that nothing is saved that was saved already.
    version: u64,
    forgotten: u64,
}

/// What tells a finding from others, and when its last event was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticket {
    key: EventKey,
    time: i64,
}

impl Ticket {
    fn of(finding: &Finding) -> Self {
        let time = finding.last_seen.as_deref().and_then(|time| {
            OffsetDateTime::parse(time, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
        });
        Ticket { key: EventKey::of(&[&finding.id]), time: time.unwrap_or(i64::MIN) }
    }
}

impl Inner {
    fn is_owed(&self, ticket: &Ticket) -> bool {
        self.owed.contains_key(&ticket.key) || self.floor.is_some_and(|floor| ticket.time <= floor)
    }

    fn owe(&mut self, ticket: Ticket, most: usize) {
        if self.owed.insert(ticket.key, ticket.time).is_none() {
            self.by_time.insert((ticket.time, ticket.key));
            self.version += 1;
        }
        while self.owed.len() > most {
            let Some((time, key)) = self.by_time.pop_first() else { break };
            self.owed.remove(&key);
            // Rather twice than never: from here on back, every repeat is delivered.
            self.floor = self.floor.max(Some(time));
            self.forgotten += 1;
        }
    }

    fn settle(&mut self, key: &EventKey) {
        if let Some(time) = self.owed.remove(key) {
            self.by_time.remove(&(time, *key));
            self.version += 1;
        }
    }
}

impl Ledger {
    /// One that goes on from what was owed, and keeps track of no more than so many findings.
    pub(super) fn new(owed: Owed, most: usize) -> Self {
        let mut inner = Inner { floor: owed.floor, ..Inner::default() };
        for (time, key) in owed.findings {
            inner.owe(Ticket { key, time }, most);
        }
        inner.version = 0;
        Ledger { inner: Mutex::new(inner), landed: Notify::new(), most }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Every change is whole before anything can panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Owes what was just found, and gives it back without what was delivered before and without
    /// what is there twice. To be called where the detector is, so that nothing is saved in between.
    pub(super) fn owe(&self, found: Vec<Located>) -> Vec<Located> {
        let mut inner = self.inner();
        let mut seen = HashSet::new();
        let mut kept = Vec::new();
        for located in found {
            let ticket = Ticket::of(&located.finding);
            let wanted = !located.finding.repeat || inner.is_owed(&ticket);
            if wanted && seen.insert(ticket.key) {
                inner.owe(ticket, self.most);
                kept.push(located);
            }
        }
        kept
    }

    /// What is owed, and a number that changes with it.
    pub(super) fn save(&self) -> (Owed, u64) {
        let inner = self.inner();
        let findings = inner.by_time.iter().copied().collect();
        (Owed { floor: inner.floor, findings }, inner.version)
    }

    /// Changes whenever something is owed or no longer.
    pub(super) fn version(&self) -> u64 {
        self.inner().version
    }

    /// How many are owed, and how many had to be forgotten.
    pub(super) fn sizes(&self) -> (u64, u64) {
        let inner = self.inner();
        (inner.owed.len() as u64, inner.forgotten)
    }

    /// Takes what is still owed of some findings on its way, and waits while any of it is on its way
    /// elsewhere. All or nothing: who waits holds up nobody.
    pub(super) async fn take(self: &Arc<Self>, found: Vec<Located>) -> Flight {
        let tickets: Vec<Ticket> = found.iter().map(|one| Ticket::of(&one.finding)).collect();
        loop {
            let landed = self.landed.notified();
            let mut landed = std::pin::pin!(landed);
            landed.as_mut().enable();
            {
                let mut inner = self.inner();
                let owed: Vec<bool> = tickets.iter().map(|one| inner.is_owed(one)).collect();
                let mut wanted = tickets.iter().zip(&owed).filter(|(_, owed)| **owed);
                if !wanted.any(|(ticket, _)| inner.flying.contains(&ticket.key)) {
                    let mut owed = owed.into_iter();
                    let mut found = found;
                    found.retain(|_| owed.next().unwrap_or(true));
                    let keys: Vec<_> =
                        found.iter().map(|one| Ticket::of(&one.finding).key).collect();
                    inner.flying.extend(&keys);
                    return Flight { ledger: Arc::clone(self), keys, found };
                }
            }
            landed.await;
        }
    }
}

/// Findings on their way. Unless they [arrived](Flight::arrived) they stay owed.
#[derive(Debug)]
pub(super) struct Flight {
    ledger: Arc<Ledger>,
    keys: Vec<EventKey>,
    /// In the order of their places.
    pub(super) found: Vec<Located>,
}

impl Flight {
    /// Downstream has them.
    pub(super) fn arrived(self) {
        let mut inner = self.ledger.inner();
        for key in &self.keys {
            inner.settle(key);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut inner = self.ledger.inner();
        for key in &self.keys {
            inner.flying.remove(key);
        }
        drop(inner);
        self.ledger.landed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Place;

    /// A finding of a time in seconds, with an id of its own.
    fn found(time: i64, repeat: bool) -> Located {
        let record = br#"{"eventSource":"organizations.amazonaws.com","eventID":"1",
            "eventName":"LeaveOrganization","eventTime":"2026-06-01T12:00:00Z"}"#;
        let found = orgwatch::detector::Detector::open("{}").unwrap().detect(record).unwrap();
        let mut finding = found.into_iter().next().unwrap();
        finding.id = format!("{time:032x}");
        let at = OffsetDateTime::from_unix_timestamp(time).unwrap();
        finding.last_seen = Some(at.format(&Rfc3339).unwrap());
        finding.repeat = repeat;
        Located { place: Place { line: 1, record: 0 }, finding }
    }

    fn ledger(most: usize) -> Arc<Ledger> {
        Arc::new(Ledger::new(Owed::default(), most))
    }

    #[tokio::test]
    async fn a_repeat_is_given_as_long_as_it_is_owed() {
        let ledger = ledger(10);
        assert_eq!(ledger.owe(vec![found(1, false), found(1, true)]).len(), 1);
        // Failed: the flight is dropped.
        assert_eq!(ledger.take(vec![found(1, false)]).await.found.len(), 1);
        let again = ledger.owe(vec![found(1, true), found(2, true)]);
        assert_eq!(again.len(), 1);
        ledger.take(again).await.arrived();
        assert!(ledger.owe(vec![found(1, true)]).is_empty());
        assert_eq!(ledger.save().0, Owed::default());
    }

    #[tokio::test]
    async fn who_waits_takes_over_what_failed_and_leaves_what_arrived() {
        for arrives in [false, true] {
            let ledger = ledger(10);
            let both = ledger.owe(vec![found(1, false), found(2, false)]);
            let first = ledger.take(vec![both[0].clone()]).await;
            let waiting = tokio::spawn({
                let ledger = Arc::clone(&ledger);
                async move { ledger.take(both).await.found.len() }
            });
            tokio::task::yield_now().await;
            assert!(!waiting.is_finished());
            if arrives {
                first.arrived();
            } else {
                drop(first);
            }
            assert_eq!(waiting.await.unwrap(), if arrives { 1 } else { 2 });
        }
    }

    /// Rather twice than never.
    #[tokio::test]
    async fn beyond_its_bound_it_gives_again_what_it_cannot_know() {
        let ledger = ledger(2);
        ledger.owe((1..=4).map(|time| found(time, false)).collect());
        assert_eq!(ledger.sizes(), (2, 2));
        let (owed, _) = ledger.save();
        assert_eq!((owed.floor, owed.findings.len()), (Some(2), 2));
        // The oldest by event time went; they are given again, and so is all as old.
        for time in [1, 2, 3, 4] {
            assert_eq!(ledger.owe(vec![found(time, true)]).len(), 1, "{time}");
        }
        assert!(ledger.owe(vec![found(5, true)]).is_empty());
        let flight = ledger.take((1..=5).map(|time| found(time, true)).collect()).await;
        assert_eq!(flight.found.len(), 4);
        flight.arrived();
        // Kept when it is saved and taken up again.
        let again = Arc::new(Ledger::new(ledger.save().0, 2));
        assert_eq!(again.owe(vec![found(1, true)]).len(), 1);
        assert!(again.owe(vec![found(3, true)]).is_empty());
    }
}
