//! The findings that a chain is made of.

use std::collections::BTreeSet;

use orgwatch_sigma::{Chain, ChainKind};

use super::slot_of;
use crate::finding::Finding;
use crate::memory::{ALL, Kept, Place, StepKey, Steps, Strand};
use crate::rules;
use crate::settings::Settings;

/// The most parts that a finding names; a flood of attempts would make it as large as itself.
pub(super) const MAX_PARTS: usize = 50;

/// The finding of a chain that is whole with this step as its last.
pub(super) fn finding(
    chain: &'static Chain,
    strand: Strand,
    last: StepKey,
    steps: &Steps,
    settings: &Settings,
) -> Finding {
    let part = |key| Kept::read(&steps.get(key)?.part);
    let keys = keys(chain, strand, last, steps);
    let parts: Vec<Kept<'_>> = keys.iter().filter_map(part).collect();
    // Of several accounts that an event names, the one that this chain is of.
    let places = steps.get(&last).map(|step| step.places.as_slice()).unwrap_or_default();
    let place = places.iter().find(|(place, which)| place.strand == strand && *which != ALL);
    let accounts = parts.last().and_then(|part| part.account.as_deref());
    let account = match place {
        Some((_, which)) => accounts.and_then(|all| all.split(", ").nth(usize::from(*which))),
        None => accounts,
    };
    rules::chain_finding(chain, strand, last.event, account.or(accounts), &parts, settings)
}

/// The steps that make a chain, the last one last: the newest of each slot, so that a flood in one hides no
/// other, and then the newest of all.
fn keys(chain: &Chain, strand: Strand, last: StepKey, steps: &Steps) -> Vec<StepKey> {
    let oldest = StepKey::first_at(last.time.saturating_sub(chain.window));
    let ordered = chain.kind == ChainKind::TemporalOrdered;
    // What has the same time may stand before it; an earlier attempt is not what led to this one.
    let upto = if ordered { StepKey::last_at(last.time) } else { last };
    let of_last = slot_of(chain.members.len() - 1);
    let most = MAX_PARTS - 1;
    let mut newest = BTreeSet::new();
    let mut more = BTreeSet::new();
    for slot in steps.slots(strand).filter(|slot| !ordered || *slot != of_last) {
        let keys = steps.in_slot(Place { strand, slot }, oldest, upto).rev();
        let mut keys = keys.filter(|key| *key != last);
        newest.extend(keys.next());
        if ordered {
            more.extend(keys.take(most));
        }
    }
    if !ordered {
        let keys = steps.between(strand, oldest, upto).rev().map(|(key, _)| key);
        more.extend(keys.filter(|key| *key != last).take(most));
    }
    let mut kept: BTreeSet<StepKey> = newest.into_iter().rev().take(most).collect();
    for key in more.into_iter().rev() {
        if kept.len() == most {
            break;
        }
        kept.insert(key);
    }
    kept.into_iter().chain([last]).collect()
}
