//! Organization policies in records: the one that an event is about, its type, and whether it is a guard.

use std::borrow::Cow;

use super::{Ownership, Record, is_account, policy};

/// The names of the events that are looked at even if no rule is about them, in lower case: a response to
/// one says the type of the policy that it created or changed.
pub const POLICY_EVENTS: [&str; 2] = ["createpolicy", "updatepolicy"];

/// The types of policies that limit what accounts may do.
const GUARDING: [&str; 2] = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"];

/// What is added to the type of a policy that is remembered, if its content denies everything.
const DENIES_EVERYTHING: &str = " denying everything";

/// The remembered type of a policy, and whether its content denied everything.
pub fn remembered(kind: &str) -> (&str, bool) {
    match kind.strip_suffix(DENIES_EVERYTHING) {
        Some(kind) => (kind, true),
        None => (kind, false),
    }
}

/// Whether an event of this name says the type of a policy that later events only give the id of.
pub fn is_policy_event(event_name: &str) -> bool {
    POLICY_EVENTS.iter().any(|name| event_name.eq_ignore_ascii_case(name))
}

/// Whether the record is one of AWS Organizations.
pub fn is_of_organizations(record: &Record<'_>) -> bool {
    record.at(&["eventSource"]).is_some_and(|source| source == "organizations.amazonaws.com")
}

/// The id and the type of the policy that the event created or changed, if the record says both.
pub fn changed_policy<'a>(record: &Record<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    if !is_policy_event(&record.at(&["eventName"])?) {
        return None;
    }
    let id = record.at(&["responseElements", "policy", "policySummary", "id"])?;
    let kind = policy_type(record)?;
    let content = content(record);
    Some((
        id,
        match content.is_some_and(|content| policy::denies_everything(&content)) {
            true => format!("{kind}{DENIES_EVERYTHING}").into(),
            false => kind,
        },
    ))
}

/// The content of an organization policy that the record carries.
fn content<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let response = || record.at(&["responseElements", "policy", "content"]);
    record.at(&["requestParameters", "content"]).or_else(response)
}

/// Whether the content that the record carries denies leaving the organization.
pub fn denies_leave(record: &Record<'_>) -> Option<bool> {
    let content = is_of_organizations(record).then(|| content(record))??;
    policy::denies(&content, "organizations:leaveorganization")
}

/// Whether the content that the record carries denies everything.
pub fn denies_everything(record: &Record<'_>) -> bool {
    is_of_organizations(record)
        && content(record).is_some_and(|content| policy::denies_everything(&content))
}

/// The kind of what the request's `targetId` names.
pub fn target_is(record: &Record<'_>, ownership: &Ownership) -> Option<&'static str> {
    let target = record.at(&["requestParameters", "targetId"])?;
    let target = target.trim();
    Some(match () {
        () if ownership.management_account.as_deref() == Some(target) => "management",
        () if ownership.quarantine.contains(target) => "quarantine",
        () if is_account(target) => "account",
        () if target.starts_with("r-") => "root",
        () if target.starts_with("ou-") => "unit",
        () => return None,
    })
}

/// The id of the organization policy that the request names.
pub fn policy_id<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    is_of_organizations(record).then(|| record.at(&["requestParameters", "policyId"]))?
}

/// The type of the organization policy that the event is about, if the record itself says it.
pub fn policy_type<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    if !is_of_organizations(record) {
        return None;
    }
    let request = |key| record.at(&["requestParameters", key]);
    let summary = |key| record.at(&["responseElements", "policy", "policySummary", key]);
    // `arn:aws:organizations::<management>:policy/<o-id>/service_control_policy/<p-id>`
    let from_arn = || {
        let arn = summary("arn")?;
        let kind = arn.split('/').nth(2)?;
        kind.ends_with("_policy").then(|| kind.to_ascii_uppercase().into())
    };
    // CreatePolicy calls it `type`, the others `policyType`.
    request("policyType").or_else(|| request("type")).or_else(|| summary("type")).or_else(from_arn)
}

/// Whether the request concerns a policy that the user guards; disabling a guarding type does.
pub fn concerns_guard(
    record: &Record<'_>,
    policy_type: Option<&str>,
    ownership: &Ownership,
) -> bool {
    let guards = &ownership.guard_policies;
    if let Some(id) = policy_id(record) {
        return guards.iter().any(|guard| guard == id.trim());
    }
    let is_disabled = is_of_organizations(record)
        && record.at(&["eventName"]).is_some_and(|name| name == "DisablePolicyType");
    is_disabled && !guards.is_empty() && policy_type.is_some_and(|kind| GUARDING.contains(&kind))
}
