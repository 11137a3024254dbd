//! The findings that a chain is made of.

use orgwatch_sigma::{Correlation, CorrelationKind};

use super::{Completion, Correlations, key_of_last};
use crate::finding::Finding;
use crate::memory::{ALL, Group, Membership, ObservationKey, Observations, Part, Text};
use crate::render::{Parts, correlation_finding};
use crate::settings::Settings;
use crate::status;

/// The most parts that a finding names; a flood of attempts would make it as large as itself.
pub(super) const MAX_PARTS: usize = 50;

impl Correlations {
    /// The finding of a chain that is complete.
    pub(super) fn finding(
        &self,
        chain: &Correlation,
        completion: Completion,
        steps: &Observations,
        settings: &Settings,
    ) -> Finding {
        let Completion { chain: number, group, last } = completion;
        let keys = keys(chain, group, last, steps);
        // All at once: a list that grows would be moved several times, and there is one for each finding.
        let mut all = Vec::with_capacity(keys.len());
        all.extend(keys.into_iter().filter_map(|key| Part::of(&steps.get(&key)?.part)));
        let account = account(group, last, &all, steps);
        let completed_by = all.last().and_then(Part::whole);
        let of = completed_by.as_ref();
        let parts = Parts { all: &all, last: of, account, internal: &self.internal };
        let mut finding =
            correlation_finding(chain, &self.pack, group, last.event, parts, settings);
        let leads = self.leads.contains(&number);
        (finding.status, finding.status_reason) =
            status::of_chain(chain, leads, group, of, &finding, settings);
        finding
    }
}

/// The account that a chain's finding is of: of several that its last event names, the one of this group.
#[inline(never)]
fn account<'a>(
    group: Group,
    last: ObservationKey,
    parts: &'a [Part<'_>],
    steps: &Observations,
) -> Option<&'a str> {
    let memberships = steps.get(&last).map(|step| step.memberships.as_slice()).unwrap_or_default();
    let membership =
        memberships.iter().find(|(membership, which)| membership.group == group && *which != ALL);
    let accounts = parts.last().and_then(|part| part.account).map(Text::as_str);
    let one = membership.and_then(|(_, which)| accounts?.split(", ").nth(usize::from(*which)));
    one.or(accounts)
}

/// The observations that make a chain, the last one last: the newest of each member, so that a flood in
/// one hides no other, and then the newest of all.
#[inline(never)]
fn keys(
    chain: &Correlation,
    group: Group,
    last: ObservationKey,
    steps: &Observations,
) -> Vec<ObservationKey> {
    let oldest = ObservationKey::first_at(last.time.saturating_sub(chain.window));
    let ordered = chain.kind == CorrelationKind::TemporalOrdered;
    // What has the same time may stand before it; an earlier attempt is not what led to this one.
    let upto = if ordered { ObservationKey::last_at(last.time) } else { last };
    let of_last = key_of_last(chain);
    let most = MAX_PARTS - 1;
    let mut newest = Vec::new();
    let mut more = Vec::with_capacity(most);
    if ordered {
        for member_key in
            steps.groups().member_keys(group).filter(|member_key| *member_key != of_last)
        {
            let keys =
                steps.groups().of_member(Membership { group, member_key }, oldest, upto).rev();
            let mut keys = keys.filter(|key| *key != last);
            newest.extend(keys.next());
            more.extend(keys.take(most));
        }
    } else {
        // One more, as the last is among them.
        newest.extend(steps.groups().newest_of_each(group, oldest, upto, MAX_PARTS));
        newest.retain(|key| *key != last);
        let keys = steps.groups().between(group, oldest, upto).rev().map(|(key, _)| key);
        more.extend(keys.filter(|key| *key != last).take(most));
    }
    newest.sort_unstable();
    newest.dedup();
    more.sort_unstable();
    more.dedup();
    let mut kept = newest.split_off(newest.len().saturating_sub(most));
    let of_members = kept.len();
    for key in more.into_iter().rev() {
        if kept.len() == most {
            break;
        }
        if kept.get(..of_members).is_some_and(|kept| kept.binary_search(&key).is_err()) {
            kept.push(key);
        }
    }
    kept.sort_unstable();
    kept.push(last);
    kept
}
