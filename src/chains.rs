//! Chains: findings that together say more, tied by their values and by event time.
//!
//! A chain fires once for each event that completes it, the last of its members by event time,
//! whatever order they arrive in: an event that comes late, or with another detector's memory,
//! completes what it was missing from. Which events complete a chain follows from the set of events
//! alone, so detectors that shared a stream and merged have found what one would have. Only of refused
//! attempts not all are told: see [`MAX_REFUSED`].

mod ends;
mod parts;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use orgwatch_sigma::{Chain, ChainKind, Derived, Field, Pack, Rule};

use crate::finding::{Finding, Outcome};
use crate::memory::{
    ALL, Approved, EventKey, Given, Kept, MAX_PLACES, Memory, Place, Places, Saved, SavedStep,
    Step, StepKey, Steps, Strand,
};
use crate::rules::{self, Context};
use crate::settings::{Mode, Settings};
use ends::{Ends, bound_refused, is_complete};

/// The most refused attempts that one step completes a chain for, the newest. Attempts that were refused
/// come by the thousand; calls that succeeded are all told.
pub const MAX_REFUSED: usize = 100;

/// A chain that a rule feeds, and as which member.
#[derive(Debug, Clone, Copy)]
struct Feed {
    chain: &'static Chain,
    /// The chain's, in memory.
    key: EventKey,
    member: usize,
    rule: usize,
}

/// Which rules feed which chains.
#[derive(Debug)]
pub struct Chains {
    by_rule: BTreeMap<&'static str, Vec<Feed>>,
    by_key: BTreeMap<EventKey, &'static Chain>,
}

impl Chains {
    /// The chains of a pack that the settings leave on.
    pub fn new(pack: &'static Pack, settings: &Settings) -> Self {
        let on = |chain: &&Chain| settings.of_rule(&chain.about.slug).mode != Mode::Off;
        let mut chains = Chains { by_rule: BTreeMap::new(), by_key: BTreeMap::new() };
        for chain in pack.chains.iter().filter(on) {
            let key = EventKey::of(&[&chain.about.id]);
            chains.by_key.insert(key, chain);
            for (member, rules) in chain.members.iter().enumerate() {
                for (rule, fed) in rules.rules.iter().enumerate() {
                    let feeds = chains.by_rule.entry(&fed.slug).or_default();
                    feeds.push(Feed { chain, key, member, rule });
                }
            }
        }
        chains
    }

    /// Remembers a finding as a step, and gives the findings of the chains that it completes. A
    /// finding that is a repeat gives those again that it has a part in.
    #[inline(never)]
    pub fn advance(
        &self,
        rule: &Rule,
        finding: &Finding,
        given: Given,
        context: &Context<'_>,
        memory: &mut Memory,
        found: &mut dyn FnMut(Finding),
    ) {
        let feeds = self.by_rule.get(&*finding.rule).map(Vec::as_slice).unwrap_or_default();
        let places = places(feeds, finding, context);
        if places.is_empty() {
            return;
        }
        let Given { time, event, rule: by } = given;
        let step = StepKey { time, event, rule: by, refused: finding.outcome == Outcome::Failure };
        let part = Kept::write(finding, approvals(rule, feeds, finding, time, context.settings));
        // A step that was there before completes nothing; what it has a part in it gives again.
        let again = finding.repeat || memory.steps().get(&step).is_some();
        let added = Step { places, part };
        self.add(step, added, again, memory, &mut |chain, strand, last, steps| {
            let mut whole = parts::finding(chain, strand, last, steps, context.settings);
            whole.repeat = finding.repeat;
            found(whole);
        });
    }

    /// Adds the steps of a memory that was saved, but for those of rules that are not wanted, and gives
    /// the findings of the chains that the two memories complete together and neither had.
    pub fn merge(
        &self,
        saved: &Saved<'_>,
        wanted: impl Fn(EventKey) -> bool,
        settings: &Settings,
        memory: &mut Memory,
        found: &mut dyn FnMut(Finding),
    ) {
        let wanted = || saved.steps().filter(|step| wanted(step.key.rule));
        if memory.steps().count() == 0 {
            // A memory alone completes nothing that it had not.
            for SavedStep { key, places, part } in wanted() {
                memory.add_step(key, Step { places, part: part.into() });
                memory.settle(&key);
            }
            return;
        }
        // Where its steps stand is enough to say what it had.
        let mut theirs = Steps::default();
        for step in wanted() {
            theirs.add(step.key, Step { places: step.places, part: Box::default() });
        }
        let mut told = BTreeSet::new();
        for step in wanted() {
            let known = memory.steps().get(&step.key).map(|step| step.places.as_slice());
            let is_known = |place: &Place| {
                known.is_some_and(|known| known.iter().any(|(known, _)| known == place))
            };
            // What is known already completes nothing more, but may say it otherwise.
            if step.places.iter().all(|(place, _)| is_known(place)) {
                memory.add_step(step.key, Step { places: step.places, part: step.part.into() });
                memory.settle(&step.key);
                continue;
            }
            let added = Step { places: step.places, part: step.part.into() };
            self.add(step.key, added, false, memory, &mut |chain, strand, last, steps| {
                if !is_complete(chain, strand, last, &theirs) && told.insert((strand, last)) {
                    found(parts::finding(chain, strand, last, steps, settings));
                }
            });
        }
    }

    /// Adds a step, and tells of the chains that are complete with it and were not without it; or, if it
    /// comes again, of those that it has a part in.
    fn add(
        &self,
        step: StepKey,
        added: Step,
        again: bool,
        memory: &mut Memory,
        found: &mut dyn FnMut(&'static Chain, Strand, StepKey, &Steps),
    ) {
        let places = added.places.clone();
        let known = |place: &Place| self.by_key.get(&place.strand.chain).copied();
        let mut ends = Vec::new();
        for (place, _) in &places {
            let Some(chain) = known(place) else { continue };
            let mut of_place =
                Ends { chain, place: *place, step, steps: memory.steps() }.all(again);
            if !again {
                // What is complete without it, it does not complete.
                let steps = memory.steps();
                of_place.retain(|last| !is_complete(chain, place.strand, *last, steps));
            }
            ends.push((chain, place.strand, of_place));
        }
        ends.sort_by(|(one, ..), (other, ..)| one.about.slug.cmp(&other.about.slug));
        memory.add_step(step, added);
        for (chain, strand, mut ends) in ends {
            ends.retain(|last| is_complete(chain, strand, *last, memory.steps()));
            bound_refused(&mut ends);
            for last in ends {
                found(chain, strand, last, memory.steps());
            }
        }
        memory.settle(&step);
    }
}

/// Where a finding stands in chains: nowhere if it does not count or lacks a value that ties it, in
/// several strands if it affects several accounts.
fn places(feeds: &[Feed], finding: &Finding, context: &Context<'_>) -> Places {
    let mut places = Places::new();
    let counted: Vec<_> = feeds
        .iter()
        .filter_map(|feed| {
            let rule = &feed.chain.members[feed.member].rules[feed.rule];
            let counts = rule.only.as_ref().is_none_or(|only| rules::holds(only, context));
            let slot = match &feed.chain.kind {
                ChainKind::ValueCount(_, field) => EventKey::of(&[&context.text(field)?]),
                _ => slot_of(feed.member),
            };
            counts.then_some((feed.key, &rule.key, slot))
        })
        .collect();
    let accounts = finding.account.as_deref().unwrap_or_default();
    for (which, account) in accounts.split(", ").enumerate().take(MAX_PLACES) {
        for (chain, key, slot) in &counted {
            let by_account = key.contains(&Field::Derived(Derived::Account));
            let value = |field: &Field| match field {
                Field::Derived(Derived::Account) => {
                    Some(account.into()).filter(|_| !account.is_empty())
                }
                other => context.text(other),
            };
            let Some(group) = key.iter().map(value).collect::<Option<Vec<_>>>() else { continue };
            let group: Vec<&str> = group.iter().map(AsRef::as_ref).collect();
            let strand = Strand { chain: *chain, group: EventKey::of(&group) };
            let place = Place { strand, slot: *slot };
            let of_account = u8::try_from(which).ok().filter(|_| by_account).unwrap_or(ALL);
            if let Err(at) = places.binary_search_by_key(&place, |(place, _)| *place)
                && places.len() < MAX_PLACES
            {
                places.insert(at, (place, of_account));
            }
        }
    }
    places
}

/// The approvals that cover a finding, or a chain that it may complete.
fn approvals(
    rule: &Rule,
    feeds: &[Feed],
    finding: &Finding,
    time: i64,
    settings: &Settings,
) -> Vec<Approved> {
    let mut approvals = Vec::new();
    for approval in &settings.approvals {
        let covers = |slug: &str| approval.covers(&rules::done(rule, finding), &[slug], Some(time));
        let kept = |chain| Approved::new(chain, &approval.reason, &approval.organizations);
        if covers(&finding.rule) {
            approvals.extend(kept(None));
        } else {
            let named = feeds.iter().filter(|feed| covers(&feed.chain.about.slug));
            approvals.extend(named.filter_map(|feed| kept(Some(feed.key))));
        }
    }
    approvals
}

/// The slot of a member.
fn slot_of(member: usize) -> EventKey {
    let mut slot = [0; 16];
    slot[..8].copy_from_slice(&(member as u64).to_be_bytes());
    EventKey::new(slot)
}
