//! Which groups of which chains a finding is in, and the approvals that go with it.

use std::borrow::Cow;

use orgwatch_sigma::{CorrelationKind, Derived, Field, MAX_NESTING, Rule};

use super::{Correlations, RuleFeed, key_before_success, key_of_member};
use crate::digest::Digest128;
use crate::finding::Finding;
use crate::memory::{ALL, Approved, Group, MAX_PLACES, Membership, Places};
use crate::record::is_account;
use crate::rules::{self, Context};
use crate::settings::Settings;
use crate::status;

impl Correlations {
    /// The memberships of a finding in chains: none if it does not count or lacks a value that ties it, in
    /// several groups if it affects several accounts.
    #[inline(never)]
    pub(super) fn memberships(
        &self,
        feeds: &[RuleFeed],
        finding: &Finding,
        context: &Context<'_>,
        settings: &Settings,
    ) -> Places {
        let mut memberships = Places::new();
        let counted: Vec<_> = feeds
            .iter()
            .filter_map(|feed| {
                let chain = self.chain(feed)?;
                let rule = chain.members.get(feed.member)?.rules.get(feed.rule)?;
                let counts =
                    rule.member_filter.as_ref().is_none_or(|filter| rules::holds(filter, context));
                let member_key = match &chain.kind {
                    // Of each account its own.
                    CorrelationKind::ValueCount(_, Field::Derived(Derived::Account)) => None,
                    CorrelationKind::ValueCount(_, field) => {
                        Some(Digest128::of(&[&context.text(field)?]))
                    }
                    _ if rule.before_success => Some(key_before_success(feed.member)),
                    _ => Some(key_of_member(feed.member)),
                };
                counts.then_some((feed.key, &rule.key, member_key))
            })
            .collect();
        let accounts = finding.account.as_deref().unwrap_or_default();
        let organization = tied_organization(finding, settings);
        let mut digests = Digests::default();
        for (which, account) in accounts.split(", ").enumerate().take(MAX_PLACES) {
            for (chain, key, member_key) in &counted {
                let has = |derived| key.contains(&Field::Derived(derived));
                let by_both = has(Derived::AccountAndOrganization);
                let by_account = by_both || member_key.is_none() || has(Derived::Account);
                let ties =
                    if by_both { [Some(account), Some(organization)] } else { [None, Some("")] };
                for tied in ties.into_iter().flatten() {
                    let own = || Some(account.into()).filter(|_| !account.is_empty());
                    let value = |field: &Field| match field {
                        Field::Derived(Derived::Account) => own(),
                        Field::Derived(Derived::Organization) => Some(organization.into()),
                        Field::Derived(Derived::AccountAndOrganization) => Some(tied.into()),
                        Field::Derived(Derived::AccountOrOrganization) => {
                            Some(named_account(context).unwrap_or_else(|| organization.into()))
                        }
                        other => context.text(other),
                    };
                    let Some(values) = key.iter().map(value).collect::<Option<Vec<_>>>() else {
                        continue;
                    };
                    let member_key =
                        member_key.unwrap_or_else(|| digests.of(&[Cow::from(account)]));
                    let group = Group { chain: *chain, group: digests.of(&values) };
                    let membership = Membership { group, member_key };
                    let of_account = u8::try_from(which).ok().filter(|_| by_account).unwrap_or(ALL);
                    insert(&mut memberships, membership, of_account);
                    let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
                    self.note(group, &values, of_account, MAX_NESTING, &mut memberships);
                }
            }
        }
        memberships
    }

    /// The approvals that cover a finding, or a chain that it may complete.
    #[inline(never)]
    pub(super) fn approvals(
        &self,
        rule: &Rule,
        feeds: &[RuleFeed],
        finding: &Finding,
        time: i64,
        settings: &Settings,
    ) -> Vec<Approved> {
        let mut approvals = Vec::new();
        for approval in &settings.approvals {
            let covers =
                |slug: &str| approval.covers(&status::action(rule, finding), &[slug], Some(time));
            let kept = |chain| Approved::new(chain, &approval.reason, &approval.organizations);
            if covers(&finding.rule) {
                approvals.extend(kept(None));
            } else {
                let fed = self.all_fed(feeds.iter().map(|feed| feed.chain));
                let named = fed.into_iter().filter_map(|number| self.pack.correlations.get(number));
                let named = named.filter(|chain| covers(&chain.about.slug));
                approvals.extend(
                    named.filter_map(|chain| kept(Some(Digest128::of(&[&chain.about.id])))),
                );
            }
        }
        approvals
    }
}

/// The digests of values, each made once: most of a rule's chains are tied by the same.
#[derive(Default)]
struct Digests<'a>(Vec<(Vec<Cow<'a, str>>, Digest128)>);

impl<'a> Digests<'a> {
    fn of(&mut self, values: &[Cow<'a, str>]) -> Digest128 {
        if let Some((_, known)) = self.0.iter().rev().find(|(known, _)| known == values) {
            return *known;
        }
        let texts: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        let digest = Digest128::of(&texts);
        self.0.push((values.to_vec(), digest));
        digest
    }
}

/// Adds a membership where there is room.
pub(super) fn insert(memberships: &mut Places, membership: Membership, of_account: u8) {
    if let Err(at) = memberships.binary_search_by_key(&membership, |(membership, _)| *membership)
        && memberships.len() < MAX_PLACES
    {
        memberships.insert(at, (membership, of_account));
    }
}

/// The organization that a chain ties a finding by. Without one in the settings all that is examined counts
/// as one organization: most events do not name theirs.
fn tied_organization<'a>(finding: &'a Finding, settings: &Settings) -> &'a str {
    match settings.ownership.organization {
        Some(_) => finding.organization.as_deref().unwrap_or_default(),
        None => "",
    }
}

/// The account that the removal of a guardrail names: the one that was moved, or that a policy was taken from.
fn named_account<'a>(context: &'a Context<'_>) -> Option<Cow<'a, str>> {
    let is_moved = context.record.at(&["eventName"]).is_some_and(|name| name == "MoveAccount");
    let key = if is_moved { "accountId" } else { "targetId" };
    let named = context.record.at(&["requestParameters", key])?;
    is_account(named.trim()).then_some(named)
}
