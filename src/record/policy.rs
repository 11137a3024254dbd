//! Policy documents in requests: what they say, and whether they allow leaving.
//!
//! A document is JSON in text, percent-encoded in older records, or an object where a pipeline has
//! parsed it. A document that cannot be read allows nothing that could be named; that it was there is
//! [told](is_unreadable).

use std::borrow::Cow;

use orgwatch_sigma::Glob;

use super::{Found, Record, arn};
use crate::json::{Kind, Tape, Value};

/// The calls that take an account out of its organization: as a finding names it, as patterns are compared
/// with it, the type of its resources if it has any, and whether it is the management account's.
const EXITS: [(&str, &str, Option<&str>, bool); 5] = [
    ("organizations:LeaveOrganization", LEAVE, None, false),
    ("organizations:AcceptHandshake", "organizations:accepthandshake", Some("handshake"), false),
    (
        "organizations:RemoveAccountFromOrganization",
        "organizations:removeaccountfromorganization",
        Some("account"),
        true,
    ),
    ("organizations:CloseAccount", "organizations:closeaccount", Some("account"), true),
    ("account:CloseAccount", "account:closeaccount", Some("account"), true),
];

/// The action that every member can leave with.
const LEAVE: &str = "organizations:leaveorganization";

/// Parameters in which a request may carry a policy that grants permissions.
const PERMISSIONS: &[&str] = &["policyDocument", "inlinePolicy"];

/// The managed policy that grants everything in Organizations, in any partition.
const FULL_ACCESS: &str = ":aws:policy/AWSOrganizationsFullAccess";

/// AWS's word for what it never shows.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// The most layers of text, encoding and lists around a document.
const MAX_LAYERS: usize = 4;

/// Whether the request grants the permission to leave the organization.
pub fn grants_leave(record: &Record<'_>) -> bool {
    is_full_access_attached(record) || grants(record, LEAVE, None)
}

/// The calls that take an account out of its organization and that a policy in the request allows. Those of
/// the management account count only in it.
pub fn allows(record: &Record<'_>, in_management: bool) -> Vec<&'static str> {
    let all = is_full_access_attached(record);
    let counts = EXITS.iter().filter(|(.., management)| in_management || !management);
    counts
        .filter(|(name, action, resources, _)| {
            (all && name.starts_with("organizations:")) || grants(record, action, *resources)
        })
        .map(|(name, ..)| *name)
        .collect()
}

fn is_full_access_attached(record: &Record<'_>) -> bool {
    let attached = ["policyArn", "managedPolicyArn"];
    let mut attached = attached.iter().filter_map(|key| record.at(&["requestParameters", key]));
    attached.any(|policy| arn(&policy).ends_with(FULL_ACCESS))
}

/// Whether a policy in the request allows an action; one that has resources of its own may be allowed on
/// some of them.
fn grants(record: &Record<'_>, action: &str, resources: Option<&str>) -> bool {
    let mut grants = false;
    for key in PERMISSIONS {
        policies(record, key, &mut |policy| {
            grants |= allowed_in(policy, action, resources);
        });
    }
    grants
}

/// Whether the statements of a policy allow an action.
fn allowed_in(policy: Value<'_>, action: &str, resources: Option<&str>) -> bool {
    let (mut allowed, mut denied) = (false, false);
    for statement in statements(policy) {
        let concerned = concerns(statement, action);
        match text(statement, "Effect").as_deref() {
            Some("Allow") => {
                let some = resources.is_some_and(|kind| names_resource(statement, action, kind));
                allowed |= concerned && (some || is_everywhere(statement));
            }
            // A denial under a condition leaves a way.
            Some("Deny") if !is_conditional(statement) => {
                // Going over to another organization takes the permission to leave as well.
                let leaving = resources == Some("handshake") && concerns(statement, LEAVE);
                denied |= (concerned || leaving) && is_everywhere(statement);
            }
            _ => {}
        }
    }
    allowed && !denied
}

/// Whether the text of an organization policy denies an action on every resource, whatever the condition.
pub(super) fn denies(content: &str, action: &str) -> Option<bool> {
    let mut denied = None;
    let mut tape = Tape::default();
    tape.parse(content.trim()).ok()?;
    document(Value::root(&tape, content.trim()), MAX_LAYERS, &mut |policy| {
        let any = statements(policy).any(|statement| {
            text(statement, "Effect").is_some_and(|effect| effect == "Deny")
                && concerns(statement, action)
                && is_everywhere(statement)
        });
        denied = Some(denied.unwrap_or(false) || any);
    });
    denied
}

/// Whether the text of an organization policy denies everything to everybody.
pub(super) fn denies_everything(content: &str) -> bool {
    let mut tape = Tape::default();
    if tape.parse(content.trim()).is_err() {
        return false;
    }
    let mut everything = false;
    document(Value::root(&tape, content.trim()), MAX_LAYERS, &mut |policy| {
        everything |= statements(policy).any(|statement| {
            let all = |actions: Value<'_>| {
                texts(actions).iter().any(|text| text.trim().trim_matches('*').is_empty())
            };
            text(statement, "Effect").is_some_and(|effect| effect == "Deny")
                && statement.get("Action").is_some_and(all)
                && is_everywhere(statement)
                && !is_conditional(statement)
        });
    });
    everything
}

/// Visits the `Statement` of each policy that stands under a key of the request.
pub(super) fn policies(record: &Record<'_>, key: &str, visit: &mut dyn FnMut(Value<'_>)) {
    match record.look(&["requestParameters", key]) {
        // Keys may be flattened as far as the statements.
        Found::Missing => {
            let statements = record.look(&["requestParameters", key, "Statement"]);
            statements.values().into_iter().for_each(visit);
        }
        found => found.values().into_iter().for_each(|value| document(value, MAX_LAYERS, visit)),
    }
}

/// Visits the `Statement` of a document, whatever it is packed in.
fn document(value: Value<'_>, layers: usize, visit: &mut dyn FnMut(Value<'_>)) {
    let Some(layers) = layers.checked_sub(1) else { return };
    match value.kind() {
        Kind::Object => value.get("Statement").into_iter().for_each(visit),
        Kind::Array => value.items().for_each(|item| document(item, layers, visit)),
        Kind::Text => unpacked(value, &mut |value| document(value, layers, visit)),
        Kind::Number | Kind::Bool(_) | Kind::Null => {}
    }
}

/// Visits what a text holds as JSON, if it does.
fn unpacked(value: Value<'_>, visit: &mut dyn FnMut(Value<'_>)) {
    let mut text = value.text().unwrap_or_default();
    let mut tape = Tape::default();
    // JSON may have a percent sign in it, but what is encoded is not JSON yet.
    for _ in 0..MAX_LAYERS {
        let json = text.trim();
        if tape.parse(json).is_ok() {
            return visit(Value::root(&tape, json));
        }
        if !text.contains('%') {
            return;
        }
        text = decoded(&text).into();
    }
}

/// Whether the request has a policy document that cannot be read: CloudTrail left it out, or it was cut off on
/// its way. IAM took it, so it was one.
pub fn is_unreadable(record: &Record<'_>) -> bool {
    let says = |key: &str, text: &str| {
        let value = record.at(&["requestParameters", key]);
        value.is_some_and(|value| value.to_lowercase().contains(text))
    };
    if says("omitted", "true") || says("reason", "too large") {
        return true;
    }
    let mut keys = PERMISSIONS.iter().chain(&["assumeRolePolicyDocument"]);
    keys.any(|key| {
        let values = record.look(&["requestParameters", key]).values();
        values.into_iter().any(|value| {
            // Some pipelines write an empty text for what is absent, and AWS hides what nobody may read.
            let is_text = value.text().is_some_and(|text| !["", HIDDEN].contains(&text.trim()));
            is_text && !is_readable(value, MAX_LAYERS)
        })
    })
}

/// Whether a text holds an object or a list, whatever it is packed in.
fn is_readable(value: Value<'_>, layers: usize) -> bool {
    let Some(layers) = layers.checked_sub(1) else { return false };
    match value.kind() {
        Kind::Object | Kind::Array => true,
        Kind::Text => {
            let mut readable = false;
            unpacked(value, &mut |value| readable = is_readable(value, layers));
            readable
        }
        Kind::Number | Kind::Bool(_) | Kind::Null => false,
    }
}

/// A percent-encoded text as it was.
fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// The statements of a policy, of which there may be one or a list.
pub(super) fn statements(policy: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    let one = (policy.kind() == Kind::Object).then_some(policy);
    one.into_iter().chain(policy.items())
}

/// Whether a statement holds only under a condition; one that asks for nothing is none.
fn is_conditional(statement: Value<'_>) -> bool {
    let empty = |condition: Value<'_>| {
        condition.kind() == Kind::Object && condition.entries().next().is_none()
    };
    statement.get("Condition").is_some_and(|condition| !empty(condition))
}

/// Whether a statement's actions cover one, which is in lower case.
fn concerns(statement: Value<'_>, action: &str) -> bool {
    let covers = |actions: Value<'_>| {
        texts(actions)
            .iter()
            .any(|pattern| Glob::wildcard(&pattern.trim().to_lowercase()).matches(action))
    };
    match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), _) => covers(actions),
        (None, Some(others)) => !covers(others),
        (None, None) => false,
    }
}

/// Whether a statement is about every resource: leaving has none of its own.
fn is_everywhere(statement: Value<'_>) -> bool {
    let any = |resources: Value<'_>| {
        texts(resources).iter().any(|text| !text.is_empty() && text.trim_matches('*').is_empty())
    };
    match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(resources), _) => any(resources),
        (None, Some(others)) => !any(others),
        (None, None) => true,
    }
}

/// Whether a statement names resources of this type and of the action's service. Not inlined: an interpreter has
/// little stack for what its callers go on to.
#[inline(never)]
fn names_resource(statement: Value<'_>, action: &str, kind: &str) -> bool {
    let service = action.split(':').next().unwrap_or_default();
    let names = |pattern: &str| {
        let mut parts = pattern.trim().splitn(6, ':');
        let is_of = parts.nth(2).is_none_or(|text| Glob::wildcard(text).matches(service));
        let resource = parts.nth(2).unwrap_or("*");
        let start = resource.split(['/', '*', '?']).next().unwrap_or_default();
        let whole = resource.as_bytes().get(start.len()) == Some(&b'/');
        is_of && if whole { start == kind } else { kind.starts_with(start) }
    };
    statement.get("Resource").is_some_and(|all| {
        texts(all).iter().any(|pattern| pattern.starts_with("arn:") && names(pattern))
    })
}

pub(super) fn text<'a>(value: Value<'a>, key: &str) -> Option<Cow<'a, str>> {
    value.get(key).as_ref().and_then(Value::text)
}

/// A text, or a list of them.
pub(super) fn texts(value: Value<'_>) -> Vec<Cow<'_, str>> {
    value.text().into_iter().chain(value.items().filter_map(|item| item.text())).collect()
}

#[cfg(test)]
mod tests;
