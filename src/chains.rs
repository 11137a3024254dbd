//! Chains: findings that together say more, tied by their values and by event time.
//!
//! A chain fires once for each event that completes it, the last of its members by event time,
//! whatever order they arrive in: an event that comes late, or with another detector's memory,
//! completes what it was missing from. Which events complete a chain follows from the set of events
//! alone, so detectors that shared a stream and merged have found what one would have.

use std::collections::BTreeMap;

use orgwatch_sigma::{Chain, ChainKind, Derived, Field, Pack};

use crate::finding::{Finding, Status};
use crate::memory::{EventKey, Given, Memory, Place, Step, StepKey, Strand};
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
        let places: Vec<(&Chain, Place)> =
            feeds.filter_map(|feed| Some((feed.chain, place(feed, finding, context)?))).collect();
        if places.is_empty() {
            return;
        }
        let kept = Step {
            places: places.iter().map(|(_, place)| *place).collect(),
            finding: snapshot(finding),
        };
        memory.step(step, kept);
        for (chain, place) in places {
            let settings = context.settings;
            complete(chain, place.strand, step, finding.repeat, settings, memory, found);
        }
    }

    /// Gives the findings of the chains that steps from another memory complete.
    pub fn merged(
        &self,
        steps: &[(StepKey, std::collections::BTreeSet<Place>)],
        settings: &Settings,
        memory: &mut Memory,
        found: &mut dyn FnMut(Finding),
    ) {
        for (step, places) in steps {
            for place in places {
                if let Some(chain) = self.by_key.get(&place.strand.chain) {
                    complete(chain, place.strand, *step, false, settings, memory, found);
                }
            }
        }
    }
}

fn key(chain: &Chain) -> EventKey {
    EventKey::of(&[&chain.about.id])
}

/// Where a finding stands in a chain; none if it does not count, or lacks a value that ties it.
fn place(feed: &Feed, finding: &Finding, context: &Context<'_>) -> Option<Place> {
    let rule = &feed.chain.members[feed.member].rules[feed.rule];
    if rule.only.as_ref().is_some_and(|only| !rules::holds(only, context)) {
        return None;
    }
    let value = |field: &Field| match field {
        Field::Derived(Derived::Account) => finding.account.clone().map(Into::into),
        other => context.text(other),
    };
    let group = rule.key.iter().map(value).collect::<Option<Vec<_>>>()?;
    let group: Vec<&str> = group.iter().map(AsRef::as_ref).collect();
    let counted = match &feed.chain.kind {
        ChainKind::ValueCount(_, field) => EventKey::of(&[&value(field)?]),
        _ => EventKey([0; 16]),
    };
    Some(Place {
        strand: Strand { chain: key(feed.chain), group: EventKey::of(&group) },
        member: u8::try_from(feed.member).ok()?,
        value: counted,
    })
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

/// Gives the findings of a chain that a step has a part in: those that were not given before, or,
/// for a step that came again, all.
fn complete(
    chain: &Chain,
    strand: Strand,
    step: StepKey,
    again: bool,
    settings: &Settings,
    memory: &mut Memory,
    found: &mut dyn FnMut(Finding),
) {
    let from = step.time.saturating_sub(chain.window);
    let to = step.time.saturating_add(chain.window);
    let near: Vec<InStrand> = memory.steps().between(strand, from, to).collect();
    for (at, (last, member, _)) in near.iter().enumerate() {
        let given = Given { time: last.time, event: last.event, rule: strand.chain };
        if last.time < step.time || (memory.was_given(&given) && !again) {
            continue;
        }
        let oldest = last.time.saturating_sub(chain.window);
        let upto = match chain.kind {
            // In order, what has the same time may stand before it.
            ChainKind::TemporalOrdered if usize::from(*member) + 1 == chain.members.len() => {
                near.partition_point(|(key, ..)| key.time <= last.time)
            }
            ChainKind::TemporalOrdered => continue,
            _ => at + 1,
        };
        let mut window: Vec<InStrand> =
            near[..upto].iter().filter(|(key, ..)| key.time >= oldest).copied().collect();
        if !holds(chain, &window, last) {
            continue;
        }
        if chain.kind == ChainKind::TemporalOrdered {
            // Earlier attempts are not what led to this one.
            window.retain(|(key, of, _)| key == last || of != member);
        }
        let parts = parts(&window, last, memory);
        let mut finding = rules::chain_finding(chain, last.event, &parts, settings);
        finding.repeat = memory.give(given);
        found(finding);
    }
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
