//! Chains: findings that together say more, tied by their values and by event time.
//!
//! A chain fires once for each event that completes it, the last of its members by event time,
//! whatever order they arrive in: an event that comes late, or with another detector's memory,
//! completes what it was missing from. Which events complete a chain follows from the set of events
//! alone, so detectors that shared a stream and merged have found what one would have.

use std::collections::{BTreeMap, BTreeSet};

use orgwatch_sigma::{Chain, ChainKind, Derived, Field, Pack};

use crate::finding::{Finding, Status};
use crate::memory::{EventKey, Memory, Place, Step, StepKey, Strand};
use crate::rules::{self, Context};
use crate::settings::{Mode, Settings};

/// The most parts that a finding names; a flood of attempts would make it as large as itself.
const MAX_PARTS: usize = 100;

/// A chain that a rule feeds, and as which member.
#[derive(Debug, Clone, Copy)]
struct Feed {
    chain: &'static Chain,
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
            chains.by_key.insert(key(chain), chain);
            chains.longest = chains.longest.max(chain.window);
            for (member, rules) in chain.members.iter().enumerate() {
                for (rule, fed) in rules.rules.iter().enumerate() {
                    let feeds = chains.by_rule.entry(&fed.slug).or_default();
                    feeds.push(Feed { chain, member, rule });
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
    pub fn advance(
        &self,
        finding: &Finding,
        step: StepKey,
        context: &Context<'_>,
        memory: &mut Memory,
        found: &mut dyn FnMut(Finding),
    ) {
        let feeds = self.by_rule.get(finding.rule.as_str()).into_iter().flatten();
        let places: Vec<(&Chain, Place)> = feeds
            .flat_map(|feed| {
                places(feed, finding, context).into_iter().map(|place| (feed.chain, place))
            })
            .collect();
        if places.is_empty() {
            return;
        }
        let kept = Step {
            places: places.iter().map(|(_, place)| *place).collect(),
            finding: snapshot(finding),
        };
        memory.step(step, kept);
        for (chain, place) in places {
            // A step that came again completes nothing, and gives again what it has a part in.
            let missing = |key: &StepKey| *key == step;
            let before: &[&dyn Fn(&StepKey) -> bool] = &[&missing];
            let before = if finding.repeat { &[] } else { before };
            for mut chain in complete(chain, place.strand, step, before, context.settings, memory) {
                chain.repeat = finding.repeat;
                found(chain);
            }
        }
    }

    /// Gives the findings of the chains that two memories complete together and neither had: `own`
    /// are the steps of the one before, `came` those that the other had.
    pub fn merged(
        &self,
        own: &BTreeSet<StepKey>,
        came: &BTreeMap<StepKey, BTreeSet<Place>>,
        settings: &Settings,
        memory: &Memory,
        found: &mut dyn FnMut(Finding),
    ) {
        let foreign = |key: &StepKey| !own.contains(key);
        let known = |key: &StepKey| !came.contains_key(key);
        let mut given = BTreeSet::new();
        for (step, places) in came.iter().filter(|(step, _)| foreign(step)) {
            for place in places {
                let Some(chain) = self.by_key.get(&place.strand.chain) else { continue };
                let before: &[&dyn Fn(&StepKey) -> bool] = &[&foreign, &known];
                for chain in complete(chain, place.strand, *step, before, settings, memory) {
                    if given.insert(chain.id.clone()) {
                        found(chain);
                    }
                }
            }
        }
    }
}

fn key(chain: &Chain) -> EventKey {
    EventKey::of(&[&chain.about.id])
}

/// Where a finding stands in a chain: nowhere if it does not count or lacks a value that ties it,
/// in several strands if it affects several accounts.
fn places(feed: &Feed, finding: &Finding, context: &Context<'_>) -> Vec<Place> {
    let rule = &feed.chain.members[feed.member].rules[feed.rule];
    if rule.only.as_ref().is_some_and(|only| !rules::holds(only, context)) {
        return Vec::new();
    }
    let counted = match &feed.chain.kind {
        ChainKind::ValueCount(_, field) => match context.text(field) {
            Some(value) => EventKey::of(&[&value]),
            None => return Vec::new(),
        },
        _ => EventKey([0; 16]),
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
        .filter_map(|group| {
            let strand = Strand { chain: key(feed.chain), group };
            Some(Place { strand, member: u8::try_from(feed.member).ok()?, value: counted })
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// What a chain's finding takes from a part: everything but the texts, which are the rule's.
fn snapshot(finding: &Finding) -> String {
    let kept = Finding {
        status: Status::New,
        status_reason: None,
        title: String::new(),
        summary: String::new(),
        why: String::new(),
        benign: String::new(),
        triage: Vec::new(),
        attack: Vec::new(),
        attack_aliases: Vec::new(),
        threat_catalogue: Vec::new(),
        covers: Vec::new(),
        details: Vec::new(),
        user_agent: finding
            .user_agent
            .as_deref()
            .map(|agent| crate::record::shortened(agent, 256).into()),
        ..finding.clone()
    };
    serde_json::to_string(&kept).unwrap_or_default()
}

/// A step of one strand: the step, its member, its counted value.
type InStrand = (StepKey, u8, EventKey);

/// The findings of a chain that a step has a part in, but for those that were complete before: each
/// of `before` says which steps a memory lacked.
fn complete(
    chain: &Chain,
    strand: Strand,
    step: StepKey,
    before: &[&dyn Fn(&StepKey) -> bool],
    settings: &Settings,
    memory: &Memory,
) -> Vec<Finding> {
    let from = step.time.saturating_sub(chain.window);
    let to = step.time.saturating_add(chain.window);
    let near: Vec<InStrand> = memory.steps().between(strand, from, to).collect();
    let mut found = Vec::new();
    for (at, last) in near.iter().enumerate().filter(|(_, (last, ..))| last.time >= step.time) {
        let Some(window) = window(chain, &near, at) else { continue };
        let was_complete = |lacked: &&dyn Fn(&StepKey) -> bool| {
            let had: Vec<InStrand> =
                window.iter().filter(|(key, ..)| !lacked(key)).copied().collect();
            !lacked(&last.0) && holds(chain, &had, &last.0)
        };
        if !holds(chain, &window, &last.0) || before.iter().any(was_complete) {
            continue;
        }
        let parts = parts(&window, &last.0, memory);
        found.push(rules::chain_finding(chain, last.0.event, &parts, settings));
    }
    found
}

/// The steps that may make the chain with the step at this place as its last; none if it cannot be.
fn window(chain: &Chain, near: &[InStrand], at: usize) -> Option<Vec<InStrand>> {
    let (last, member, _) = near[at];
    let oldest = last.time.saturating_sub(chain.window);
    let within = |steps: &[InStrand]| {
        steps.iter().filter(|(key, ..)| key.time >= oldest).copied().collect::<Vec<_>>()
    };
    if chain.kind != ChainKind::TemporalOrdered {
        return Some(within(&near[..=at]));
    }
    if usize::from(member) + 1 != chain.members.len() {
        return None;
    }
    // What has the same time may stand before it; an earlier attempt is not what led to this one.
    let mut steps = within(&near[..near.partition_point(|(key, ..)| key.time <= last.time)]);
    steps.retain(|(key, of, _)| *key == last || *of != member);
    Some(steps)
}

/// Whether the steps up to the last one, all within the window, are the whole chain.
fn holds(chain: &Chain, window: &[InStrand], last: &StepKey) -> bool {
    match chain.kind {
        ChainKind::Temporal => (0..chain.members.len())
            .all(|member| window.iter().any(|(_, of, _)| usize::from(*of) == member)),
        ChainKind::TemporalOrdered => {
            // Backwards, each member as late as it may be.
            let mut before = *last;
            (0..chain.members.len() - 1).rev().all(|member| {
                let step = window.iter().rev().find(|(key, of, _)| {
                    usize::from(*of) == member
                        && key.time <= before.time
                        && key.event != before.event
                });
                step.map(|(key, ..)| before = *key).is_some()
            })
        }
        ChainKind::EventCount(least) => {
            let mut events: Vec<_> = window.iter().map(|(key, ..)| key.event).collect();
            events.sort_unstable();
            events.dedup();
            events.len() as u64 >= least
        }
        ChainKind::ValueCount(least, _) => {
            let mut values: Vec<_> = window.iter().map(|(.., value)| *value).collect();
            values.sort_unstable();
            values.dedup();
            values.len() as u64 >= least
        }
    }
}

/// The findings of the steps, the last one last; the newest, if there are very many.
fn parts(window: &[InStrand], last: &StepKey, memory: &Memory) -> Vec<Finding> {
    let mut keys: Vec<StepKey> = window.iter().map(|(key, ..)| *key).collect();
    keys.dedup();
    keys.retain(|key| key != last);
    keys.push(*last);
    let newest = &keys[keys.len().saturating_sub(MAX_PARTS)..];
    let finding = |key| serde_json::from_str(&memory.steps().get(key)?.finding).ok();
    newest.iter().filter_map(finding).collect()
}
