//! Organization policies in records: the one that an event is about, its type, and whether it is a guard.

use std::borrow::Cow;

use super::{Ownership, Record};

/// The names of the events that are looked at even if no rule is about them, in lower case: a response to
/// one says the type of the policy that it created or changed.
pub const POLICY_EVENTS: [&str; 2] = ["createpolicy", "updatepolicy"];

/// The types of policies that limit what accounts may do.
const GUARDING: [&str; 2] = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"];

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
    Some((id, policy_type(record)?))
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
