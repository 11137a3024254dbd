//! Chains: findings that together say more, tied by their values and by event time.
//!
//! A chain fires once for each event that completes it, the last of its members by event time,
//! whatever order they arrive in: an event that comes late, or with another detector's memory,
//! completes what it was missing from. Which events complete a chain follows from the set of events
//! alone, so detectors that shared a stream and merged have found what one would have. Only of refused
//! attempts not all are told: see [`MAX_REFUSED`].

mod completions;
mod membership;
mod nested;
mod parts;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use orgwatch_sigma::{Correlation, MAX_NESTING, Pack, Rule};

use crate::digest::{Digest128, Members, Table};
use crate::finding::{Finding, Outcome, SmolStr};
use crate::memory::{
    FindingKey, FindingSnapshot, Group, Membership, Memory, Observation, ObservationKey,
    Observations, Saved, SavedObservation,
};
use crate::rules::Context;
use crate::settings::{Mode, Settings};
use crate::status;
use completions::{Completions, bound_refused, is_complete};
use membership::insert;
use nested::ChainFeed;

/// The most refused attempts that one observation completes a chain for, the newest. Attempts that were
/// refused come by the thousand; calls that succeeded are all told.
pub const MAX_REFUSED: usize = 100;

/// A chain that a rule feeds, and as which member.
#[derive(Debug, Clone, Copy)]
struct RuleFeed {
    /// The chain's number in the pack.
    chain: usize,
    /// The chain's, in memory.
    key: Digest128,
    member: usize,
    rule: usize,
}

/// A chain that is complete for a group with this observation as its last.
#[derive(Debug, Clone, Copy)]
struct Completion {
    /// The chain's number in the pack.
    chain: usize,
    group: Group,
    last: ObservationKey,
}

/// Which rules feed which chains.
#[derive(Debug)]
pub struct Correlations {
    pack: Arc<Pack>,
    by_rule: Table<SmolStr, Vec<RuleFeed>>,
    /// The chains that a chain feeds, by its number.
    by_chain: Table<usize, Vec<ChainFeed>>,
    /// The numbers of the chains in the pack.
    by_key: Table<Digest128, usize>,
    /// The chains, by their numbers, that say where an account goes.
    leads: Members<usize>,
    /// The rules whose findings are told to nobody, by their slugs.
    internal: Members<SmolStr>,
}

impl Correlations {
    /// The chains of a pack that the settings leave on.
    pub fn new(pack: Arc<Pack>, settings: &Settings) -> Self {
        let is_on = |chain: &Correlation| settings.of_rule(&chain.about.slug).mode != Mode::Off;
        let mut by_rule: Table<SmolStr, Vec<RuleFeed>> = Table::default();
        let mut by_chain: Table<_, Vec<ChainFeed>> = Table::default();
        let mut by_key = Table::default();
        let number_of = |slug: &str| pack.correlations.iter().position(|c| *c.about.slug == *slug);
        for (number, chain) in pack.correlations.iter().enumerate().filter(|(_, one)| is_on(one)) {
            let key = Digest128::of(&[&chain.about.id]);
            by_key.insert(key, number);
            for (member, rules) in chain.members.iter().enumerate() {
                for (rule, fed) in rules.rules.iter().enumerate() {
                    let feeds = by_rule.entry(fed.slug.clone()).or_default();
                    feeds.push(RuleFeed { chain: number, key, member, rule });
                }
                for fed in &rules.chains {
                    let Some(nested) = number_of(&fed.slug) else { continue };
                    let feed = ChainFeed { chain: number, key, member, fed: fed.clone() };
                    by_chain.entry(nested).or_default().push(feed);
                }
            }
        }
        let chains = pack.correlations.iter().enumerate();
        let leads = chains.filter(|(_, chain)| status::names_destination(chain, &pack));
        let leads = leads.map(|(number, _)| number).collect();
        let internal = pack.rules.iter().filter(|rule| rule.internal);
        let internal = internal.map(|rule| rule.about.slug.clone()).collect();
        Correlations { pack, by_rule, by_chain, by_key, leads, internal }
    }

    fn chain(&self, feed: &RuleFeed) -> Option<&Correlation> {
        self.pack.correlations.get(feed.chain)
    }

    /// Remembers a finding as an observation, and gives the findings of the chains that it completes. A
    /// finding that is a repeat gives those again that it has a part in.
    #[inline(never)]
    pub fn advance(
        &self,
        rule: &Rule,
        finding: &Finding,
        given: FindingKey,
        context: &Context<'_>,
        settings: &Settings,
        memory: &mut Memory,
    ) -> Vec<Finding> {
        let mut completed = Vec::new();
        let Some((step, added)) = self.seen(rule, finding, given, context, settings) else {
            return completed;
        };
        // An observation that was there before completes nothing; what it has a part in it gives again.
        let again = finding.repeat || memory.steps().get(&step).is_some();
        let mut adding = vec![(step, added, MAX_NESTING)];
        while let Some((step, added, depth)) = adding.pop() {
            for completion in self.add(step, added, again, memory) {
                let found = self.found(completion, depth, &mut adding, settings, memory.steps());
                completed.extend(found.map(|found| Finding { repeat: finding.repeat, ..found }));
            }
            memory.settle(&step);
        }
        completed
    }

    /// A finding as an observation; none if it has no part in any chain.
    #[inline(never)]
    fn seen(
        &self,
        rule: &Rule,
        finding: &Finding,
        given: FindingKey,
        context: &Context<'_>,
        settings: &Settings,
    ) -> Option<(ObservationKey, Observation)> {
        let feeds = self.by_rule.get(&*finding.rule).map(Vec::as_slice).unwrap_or_default();
        let memberships = self.memberships(feeds, finding, context, settings);
        if memberships.is_empty() {
            return None;
        }
        let FindingKey { time, event, rule: by } = given;
        let refused = finding.outcome == Outcome::Failure;
        let approvals = self.approvals(rule, feeds, finding, time, settings);
        let part = FindingSnapshot::write(finding, approvals);
        Some((ObservationKey { time, event, rule: by, refused }, Observation { memberships, part }))
    }

    /// Adds the observations of a memory that was saved, but for those of rules that are not wanted,
    /// and gives the findings of the chains that the two memories complete together and neither had.
    pub fn merge(
        &self,
        saved: &Saved<'_>,
        wanted: impl Fn(Digest128) -> bool,
        settings: &Settings,
        memory: &mut Memory,
        found: &mut dyn FnMut(Finding),
    ) {
        let wanted = || saved.steps().filter(|step| wanted(step.key.rule));
        if memory.steps().count() == 0 {
            // A memory alone completes nothing that it had not.
            for SavedObservation { key, memberships, part } in wanted() {
                memory.add_observation(key, Observation { memberships, part: part.into() });
                memory.settle(&key);
            }
            return;
        }
        // The memberships of its observations are enough to say what it had.
        let mut theirs = Observations::default();
        for step in wanted() {
            theirs
                .add(step.key, Observation { memberships: step.memberships, part: Box::default() });
        }
        let mut told = BTreeSet::new();
        for step in wanted() {
            let known = memory.steps().get(&step.key).map(|step| step.memberships.as_slice());
            let is_known = |membership: &Membership| {
                known.is_some_and(|known| known.iter().any(|(known, _)| known == membership))
            };
            // A known observation completes nothing more, but the other detector may hold another
            // snapshot of it.
            if step.memberships.iter().all(|(membership, _)| is_known(membership)) {
                memory.add_observation(
                    step.key,
                    Observation { memberships: step.memberships, part: step.part.into() },
                );
                memory.settle(&step.key);
                continue;
            }
            let added = Observation { memberships: step.memberships, part: step.part.into() };
            let mut adding = vec![(step.key, added, MAX_NESTING)];
            while let Some((step, added, depth)) = adding.pop() {
                for completion in self.add(step, added, false, memory) {
                    let Completion { chain, group, last } = completion;
                    let whole =
                        self.found(completion, depth, &mut adding, settings, memory.steps());
                    let of = self.pack.correlations.get(chain);
                    let is_new = || of.is_some_and(|of| !is_complete(of, group, last, &theirs));
                    if let Some(whole) = whole.filter(|_| is_new() && told.insert((group, last))) {
                        found(whole);
                    }
                }
                memory.settle(&step);
            }
        }
    }

    /// The finding of a chain that is complete, unless the chain is internal. What the chain feeds others with is
    /// to be added next. Not called from where observations are added: rendering goes deep, and an interpreter
    /// has little stack.
    fn found(
        &self,
        completion: Completion,
        depth: usize,
        adding: &mut Vec<(ObservationKey, Observation, usize)>,
        settings: &Settings,
        steps: &Observations,
    ) -> Option<Finding> {
        let Completion { chain, group, last } = completion;
        let chain = self.pack.correlations.get(chain)?;
        let depth = depth.checked_sub(1).filter(|_| self.feeds(group));
        if chain.internal && depth.is_none() {
            return None;
        }
        let finding = self.finding(chain, completion, steps, settings);
        if let Some(depth) = depth {
            let fed = self.observed(group, last, &finding, steps);
            adding.extend(fed.map(|(step, added)| (step, added, depth)));
        }
        Some(finding).filter(|_| !chain.internal)
    }

    /// Adds an observation, and gives the chains that are complete with it and were not without it; or, if it
    /// comes again, those that it has a part in.
    fn add(
        &self,
        step: ObservationKey,
        added: Observation,
        again: bool,
        memory: &mut Memory,
    ) -> Vec<Completion> {
        let open = self.open(step, &added, again, memory.steps());
        memory.add_observation(step, added);
        self.complete(open, memory.steps())
    }

    /// What this observation may be the completion of, by chain and group, in the order of the chains' slugs.
    #[inline(never)]
    fn open(
        &self,
        step: ObservationKey,
        added: &Observation,
        again: bool,
        steps: &Observations,
    ) -> Vec<(usize, Group, Vec<ObservationKey>)> {
        let mut open = Vec::new();
        for (membership, _) in &added.memberships {
            let Some(number) = self.by_key.get(&membership.group.chain).copied() else { continue };
            let Some(chain) = self.pack.correlations.get(number) else { continue };
            let membership = *membership;
            let mut last = Completions { chain, membership, step, steps }.all(again);
            if !again {
                // A chain that is complete without the observation is not completed by it.
                last.retain(|last| !is_complete(chain, membership.group, *last, steps));
            }
            open.push((number, membership.group, last));
        }
        let slug =
            |number: usize| self.pack.correlations.get(number).map(|chain| &chain.about.slug);
        open.sort_by(|(one, ..), (other, ..)| slug(*one).cmp(&slug(*other)));
        open
    }

    /// Those that are complete.
    #[inline(never)]
    fn complete(
        &self,
        open: Vec<(usize, Group, Vec<ObservationKey>)>,
        steps: &Observations,
    ) -> Vec<Completion> {
        let mut whole = Vec::new();
        for (number, group, mut last) in open {
            let Some(chain) = self.pack.correlations.get(number) else { continue };
            last.retain(|last| is_complete(chain, group, *last, steps));
            bound_refused(&mut last);
            let complete = |last| Completion { chain: number, group, last };
            whole.extend(last.into_iter().map(complete));
        }
        whole
    }
}

/// The key of a member in its group.
fn key_of_member(member: usize) -> Digest128 {
    Digest128::new((u128::from(member as u64) << 64).to_be_bytes())
}

/// The key of a member's events that count only before a call that succeeded.
fn key_before_success(member: usize) -> Digest128 {
    Digest128::new(((u128::from(member as u64) << 64) | 1).to_be_bytes())
}

/// The key of a chain's last member.
fn key_of_last(chain: &Correlation) -> Digest128 {
    key_of_member(chain.members.len().saturating_sub(1))
}
