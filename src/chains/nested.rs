//! Chains that feed other chains: each finding of one is an event of the other, at the time of its last part.
//!
//! Another chain may be tied only by values that tie the first, so which group of it a finding would be of is
//! known as soon as any part is seen. Each observation carries that as a note: a membership in a group that
//! no chain asks for, named by the group of the first chain. When the first is complete, its observation in
//! the other is made from the notes of its last part, whenever that came.

use std::collections::BTreeSet;

use orgwatch_sigma::{MAX_NESTING, MemberChain};

use super::{Correlations, insert, key_of_member};
use crate::digest::Digest128;
use crate::finding::Finding;
use crate::memory::{
    ALL, FindingSnapshot, Group, MAX_PLACES, Membership, Observation, ObservationKey, Observations,
    Places,
};

/// A chain that a chain feeds, and as which member.
#[derive(Debug, Clone)]
pub(super) struct ChainFeed {
    /// The number in the pack of the chain that is fed.
    pub(super) chain: usize,
    /// Its key in memory.
    pub(super) key: Digest128,
    pub(super) member: usize,
    pub(super) fed: MemberChain,
}

impl Correlations {
    /// The chains that the chain of a group feeds.
    fn fed_by(&self, group: Group) -> &[ChainFeed] {
        let number = self.by_key.get(&group.chain);
        number.and_then(|number| self.by_chain.get(number)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds the notes of a membership in a group with these values.
    pub(super) fn note(
        &self,
        group: Group,
        values: &[&str],
        of_account: u8,
        depth: usize,
        memberships: &mut Places,
    ) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let value = |number: &u32| values.get(usize::try_from(*number).ok()?).copied();
        for feed in self.fed_by(group) {
            if memberships.len() >= MAX_PLACES {
                return;
            }
            let Some(key) = feed.fed.key.iter().map(value).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let member_key = match &feed.fed.value {
                Some(number) => value(number).map(|value| Digest128::of(&[value])),
                None => Some(key_of_member(feed.member)),
            };
            let Some(member_key) = member_key else { continue };
            let fed = Group { chain: feed.key, group: Digest128::of(&key) };
            insert(memberships, noted(group, fed, member_key), of_account);
            self.note(fed, &key, of_account, depth, memberships);
        }
    }

    /// Whether the chain of a group feeds others.
    pub(super) fn feeds(&self, group: Group) -> bool {
        !self.fed_by(group).is_empty()
    }

    /// The observation, in the chains that it feeds, of a chain that is whole with this one as its last and
    /// gives this finding.
    #[inline(never)]
    pub(super) fn observed(
        &self,
        group: Group,
        last: ObservationKey,
        finding: &Finding,
        steps: &Observations,
    ) -> Option<(ObservationKey, Observation)> {
        let known = steps.get(&last)?;
        let mut memberships = Places::new();
        for feed in self.fed_by(group) {
            for (note, _) in &known.memberships {
                let fed = Group { chain: feed.key, group: note.group.group };
                if *note == noted(group, fed, note.member_key) {
                    insert(&mut memberships, Membership { group: fed, ..*note }, ALL);
                    self.carry(fed, &known.memberships, MAX_NESTING, &mut memberships);
                }
            }
        }
        if memberships.is_empty() {
            return None;
        }
        let approvals = FindingSnapshot::read(&known.part).map(|part| part.approvals);
        let part = FindingSnapshot::write(finding, approvals.unwrap_or_default());
        Some((ObservationKey { rule: group.chain, ..last }, Observation { memberships, part }))
    }

    /// Adds those notes that are of this group, and of what it feeds.
    fn carry(&self, group: Group, notes: &Places, depth: usize, memberships: &mut Places) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for feed in self.fed_by(group) {
            for (note, _) in notes {
                let fed = Group { chain: feed.key, group: note.group.group };
                if *note == noted(group, fed, note.member_key) {
                    insert(memberships, *note, ALL);
                    self.carry(fed, notes, depth, memberships);
                }
            }
        }
    }

    /// These chains, and those that they feed, each once.
    pub(super) fn all_fed(&self, chains: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut all: Vec<usize> = chains.collect();
        let mut at = 0;
        while let Some(chain) = all.get(at).copied() {
            let fed = self.by_chain.get(&chain).map(Vec::as_slice).unwrap_or_default();
            all.extend(fed.iter().map(|feed| feed.chain));
            let mut seen = BTreeSet::new();
            all.retain(|chain| seen.insert(*chain));
            at = at.saturating_add(1);
        }
        all
    }
}

/// The note that a chain which is complete for a group has this membership in a group of another.
fn noted(group: Group, fed: Group, member_key: Digest128) -> Membership {
    let names = [fed.chain, group.chain, group.group].map(|part| part.hex());
    let chain = Digest128::of(&[&names[0], &names[1], &names[2]]);
    Membership { group: Group { chain, group: fed.group }, member_key }
}
