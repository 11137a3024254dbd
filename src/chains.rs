//! Chains: findings that together say more, tied by their values and by event time.
//!
//! A chain fires once for each event that completes it, the last of its members by event time,
//! whatever order they arrive in: an event that comes late, or with another detector's memory,
//! completes what it was missing from. Which events complete a chain follows from the set of events
//! alone, so detectors that shared a stream and merged have found what one would have.

use std::collections::{BTreeMap, BTreeSet};

use orgwatch_sigma::{Chain, ChainKind, Derived, Field, Pack};

use crate::finding::Finding;
use crate::memory::{EventKey, Kept, Memory, Place, Step, StepKey, Steps, Strand};
use crate::rules::{self, Context};
use crate::settings::{Mode, Settings};

/// The most parts that a finding names; a flood of attempts would make it as large as itself.
const MAX_PARTS: usize = 50;

/// The most chains that one step completes: those of a flood that came before what completes them.
const MAX_ENDS: usize = 100;

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
    longest: i64,
}

impl Chains {
    /// The chains of a pack that the settings leave on.
    pub fn new(pack: &'static Pack, settings: &Settings) -> Self {
        let on = |chain: &&Chain| settings.of_rule(&chain.about.slug).mode != Mode::Off;
        let mut chains = Chains { by_rule: BTreeMap::new(), by_key: BTreeMap::new(), longest: 0 };
        for chain in pack.chains.iter().filter(on) {
            let key = EventKey::of(&[&chain.about.id]);
            chains.by_key.insert(key, chain);
            chains.longest = chains.longest.max(chain.window);
            for (member, rules) in chain.members.iter().enumerate() {
                for (rule, fed) in rules.rules.iter().enumerate() {
                    let feeds = chains.by_rule.entry(&fed.slug).or_default();
                    feeds.push(Feed { chain, key, member, rule });
                }
            }
        }
        chains
    }

    /// The longest window of any chain, in seconds.
    pub fn longest(&self) -> i64 {
        self.longest
    }

    /// Remembers a finding as a step, and gives the findings of the chains that it completes. A
    /// finding that is a repeat gives those again that it has a part in.
    #[inline(never)]
    pub fn advance(
        &self,
        finding: &Finding,
        step: StepKey,
        context: &Context<'_>,
        memory: &mut Memory,
        found: &mut dyn FnMut(Finding),
    ) {
        let feeds = self.by_rule.get(&*finding.rule).into_iter().flatten();
        let places: Vec<(&'static Chain, Place)> = feeds
            .flat_map(|feed| {
                places(feed, finding, context).into_iter().map(|place| (feed.chain, place))
            })
            .collect();
        if places.is_empty() {
            return;
        }
        // What is complete without it, it does not complete.
        let before: BTreeSet<(Strand, StepKey)> = match finding.repeat {
            true => BTreeSet::new(),
            false => ends(&places, step, memory.steps()).collect(),
        };
        let kept = Step {
            places: places.iter().map(|(_, place)| *place).collect(),
            part: Kept::write(finding),
        };
        memory.step(step, kept);
        let steps = memory.steps();
        for (chain, place) in &places {
            for last in complete_from(chain, *place, step, steps) {
                if !before.contains(&(place.strand, last)) {
                    let parts = parts(chain, place.strand, last, steps);
                    let mut whole =
                        rules::chain_finding(chain, last.event, &parts, context.settings);
                    whole.repeat = finding.repeat;
                    found(whole);
                }
            }
        }
    }

    /// Gives the findings of the chains that two memories complete together and neither had: `own`
    /// and `other` are the steps of each, `memory` has both.
    pub fn merged(
        &self,
        own: &Steps,
        other: &Steps,
        settings: &Settings,
        memory: &Memory,
        found: &mut dyn FnMut(Finding),
    ) {
        let steps = memory.steps();
        let had = |memory: &Steps, chain, strand, last: &StepKey| {
            memory.get(last).is_some() && is_complete(chain, strand, *last, memory)
        };
        let mut given = BTreeSet::new();
        for (step, kept) in other.iter().filter(|(step, _)| own.get(step).is_none()) {
            for place in &kept.places {
                let Some(chain) = self.by_key.get(&place.strand.chain) else { continue };
                for last in complete_from(chain, *place, *step, steps) {
                    let new = !had(own, chain, place.strand, &last)
                        && !had(other, chain, place.strand, &last)
                        && given.insert((place.strand, last));
                    if new {
                        let parts = parts(chain, place.strand, last, steps);
                        found(rules::chain_finding(chain, last.event, &parts, settings));
                    }
                }
            }
        }
    }
}

/// The steps, from this one on, that complete chains which this one has a place in.
fn ends<'a>(
    places: &'a [(&Chain, Place)],
    step: StepKey,
    steps: &'a Steps,
) -> impl Iterator<Item = (Strand, StepKey)> + 'a {
    places.iter().flat_map(move |(chain, place)| {
        complete_from(chain, *place, step, steps).into_iter().map(|last| (place.strand, last))
    })
}

/// Where a finding stands in a chain: nowhere if it does not count or lacks a value that ties it,
/// in several strands if it affects several accounts.
fn places(feed: &Feed, finding: &Finding, context: &Context<'_>) -> Vec<Place> {
    let rule = &feed.chain.members[feed.member].rules[feed.rule];
    if rule.only.as_ref().is_some_and(|only| !rules::holds(only, context)) {
        return Vec::new();
    }
    let slot = match &feed.chain.kind {
        ChainKind::ValueCount(_, field) => match context.text(field) {
            Some(value) => EventKey::of(&[&value]),
            None => return Vec::new(),
        },
        _ => slot_of(feed.member),
    };
    let accounts = finding.account.as_deref().unwrap_or_default();
    let groups = accounts.split(", ").filter_map(|account| {
        let value = |field: &Field| match field {
            Field::Derived(Derived::Account) => {
                Some(account.into()).filter(|_| !account.is_empty())
            }
            other => context.text(other),
        };
        let group = rule.key.iter().map(value).collect::<Option<Vec<_>>>()?;
        let group: Vec<&str> = group.iter().map(AsRef::as_ref).collect();
        Some(EventKey::of(&group))
    });
    let mut places: Vec<Place> = groups
        .take(MAX_PARTS)
        .map(|group| Place { strand: Strand { chain: feed.key, group }, slot })
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// The slot of a member.
fn slot_of(member: usize) -> EventKey {
    let mut slot = [0; 16];
    slot[..8].copy_from_slice(&(member as u64).to_be_bytes());
    EventKey::new(slot)
}

/// The steps that complete a chain for which this step may matter: itself, and later ones in the
/// window up to the next step of the same slot, which does for them what this one would. No more
/// than [`MAX_ENDS`], the first.
fn complete_from(chain: &Chain, place: Place, step: StepKey, steps: &Steps) -> Vec<StepKey> {
    let strand = place.strand;
    let within = StepKey::last_at(step.time.saturating_add(chain.window));
    let least = chain.members.len();
    let next = || steps.in_slot(place, step, within).find(|next| *next > step);
    let ends: Vec<StepKey> = match &chain.kind {
        // In order, only the last member completes: this step itself, or later ones.
        ChainKind::TemporalOrdered if place.slot == slot_of(least - 1) => {
            steps.in_slot(place, step, step).collect()
        }
        ChainKind::TemporalOrdered => {
            let last = Place { strand, slot: slot_of(least - 1) };
            let to = match next() {
                Some(next) if least == 2 => StepKey::last_at(next.time),
                _ => within,
            };
            steps.in_slot(last, StepKey::first_at(step.time), to).take(MAX_ENDS).collect()
        }
        // From so many steps on the count is reached without this one.
        ChainKind::EventCount(count) => {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            steps
                .between(strand, step, within)
                .map(|(key, _)| key)
                .take(count.min(MAX_ENDS))
                .collect()
        }
        ChainKind::Temporal | ChainKind::ValueCount(..) => {
            let to = next().unwrap_or(within);
            steps.between(strand, step, to).map(|(key, _)| key).take(MAX_ENDS).collect()
        }
    };
    ends.into_iter().filter(|last| is_complete(chain, strand, *last, steps)).collect()
}

/// Whether a chain is whole with this step as its last.
fn is_complete(chain: &Chain, strand: Strand, last: StepKey, steps: &Steps) -> bool {
    let oldest = StepKey::first_at(last.time.saturating_sub(chain.window));
    let any = |slot| steps.in_slot(Place { strand, slot }, oldest, last).next().is_some();
    match &chain.kind {
        ChainKind::Temporal => (0..chain.members.len()).map(slot_of).all(any),
        ChainKind::TemporalOrdered => {
            // Backwards, each member as late as it may be; equal times satisfy the order.
            let mut before = last;
            (0..chain.members.len() - 1).rev().map(slot_of).all(|slot| {
                let upto = StepKey::last_at(before.time);
                let mut earlier = steps.in_slot(Place { strand, slot }, oldest, upto).rev();
                let step = earlier.find(|key| key.event != before.event);
                step.map(|key| before = key).is_some()
            })
        }
        ChainKind::EventCount(least) => {
            let least = usize::try_from(*least).unwrap_or(usize::MAX);
            let mut events = BTreeSet::new();
            let mut keys = steps.between(strand, oldest, last);
            keys.any(|(key, _)| {
                events.insert(key.event);
                events.len() >= least
            })
        }
        ChainKind::ValueCount(least, _) => {
            let least = usize::try_from(*least).unwrap_or(usize::MAX);
            steps.slots(strand).filter(|slot| any(*slot)).take(least).count() == least
        }
    }
}

/// What is kept of the steps that make a chain, the last one last; of the newest, if there are very
/// many.
fn parts(chain: &Chain, strand: Strand, last: StepKey, steps: &Steps) -> Vec<Kept> {
    let oldest = StepKey::first_at(last.time.saturating_sub(chain.window));
    let ordered = chain.kind == ChainKind::TemporalOrdered;
    // What has the same time may stand before it; an earlier attempt is not what led to this one.
    let upto = if ordered { StepKey::last_at(last.time) } else { last };
    let of_last = slot_of(chain.members.len() - 1);
    let mut keys = vec![last];
    for (key, slot) in steps.between(strand, oldest, upto).rev() {
        if keys.len() == MAX_PARTS {
            break;
        }
        if key != last && !(ordered && slot == of_last) && keys.last() != Some(&key) {
            keys.push(key);
        }
    }
    let part = |key| Kept::read(&steps.get(key)?.part);
    keys.iter().rev().filter_map(part).collect()
}
