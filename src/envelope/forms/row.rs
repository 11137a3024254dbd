//! Rows of Athena and CloudTrail Lake: CloudTrail's fields as columns, in another case where a table has them
//! so, with structures as text. A row may also be a list of objects of one key each, as
//! `aws cloudtrail get-query-results` prints it.

use std::borrow::Cow;

use super::struct_text;
use super::writer::Writer;
use crate::json::{Kind, Value};

/// Keys of records and of their identities, as CloudTrail writes them.
const KEYS: &[&str] = &[
    "accessKeyId",
    "accountId",
    "additionalEventData",
    "apiVersion",
    "awsRegion",
    "creationDate",
    "credentialId",
    "ec2RoleDelivery",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "federatedProvider",
    "identityProvider",
    "identityStoreArn",
    "inScopeOf",
    "invokedBy",
    "invokedByDelegate",
    "managementEvent",
    "mfaAuthenticated",
    "onBehalfOf",
    "principalId",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "responseElements",
    "serviceEventDetails",
    "sessionContext",
    "sessionCredentialFromConsole",
    "sessionIssuer",
    "sharedEventID",
    "sourceIdentity",
    "sourceIPAddress",
    "tlsDetails",
    "userAgent",
    "userId",
    "userIdentity",
    "userName",
    "vpcEndpointId",
    "webIdFederationData",
];

/// How tables spell the columns that every row has.
const SPELLINGS: [[&str; 3]; 4] = [
    ["eventName", "eventSource", "eventTime"],
    ["eventname", "eventsource", "eventtime"],
    ["EVENTNAME", "EVENTSOURCE", "EVENTTIME"],
    ["EventName", "EventSource", "EventTime"],
];

/// The columns that hold a structure.
const STRUCTURES: &[&str] = &[
    "additionalEventData",
    "requestParameters",
    "responseElements",
    "serviceEventDetails",
    "tlsDetails",
    "userIdentity",
];

/// A key as CloudTrail writes it.
fn renamed(key: &str) -> &str {
    KEYS.iter().find(|known| known.eq_ignore_ascii_case(key)).copied().unwrap_or(key)
}

fn as_it_is(key: &str) -> &str {
    key
}

/// The record that is an object's entries.
pub(super) fn record(value: Value<'_>) -> Option<String> {
    let is_spelled = |keys: &[&str; 3]| keys.iter().all(|key| value.get(key).is_some());
    if !SPELLINGS.iter().any(is_spelled) {
        return None;
    }
    write(|| value.entries().filter_map(|(key, value)| Some((key.text()?, value))))
}

/// The record that is a list of objects of one key each.
pub(super) fn of_pairs(list: Value<'_>) -> Option<String> {
    let pair = |item: Value<'_>| {
        let mut entries = item.entries();
        let (first, second) = (entries.next(), entries.next());
        first.filter(|_| second.is_none()).is_some()
    };
    let mut items = list.items();
    if !items.next().is_some_and(pair) || !items.all(pair) {
        return None;
    }
    let entries = || list.items().flat_map(|item| item.entries());
    write(|| entries().filter_map(|(key, value)| Some((key.text()?, value))))
}

/// Whether entries name a call, and who it was made by.
fn are_named<'a>(entries: impl Iterator<Item = (Cow<'a, str>, Value<'a>)>) -> bool {
    let mut named = [false; 3];
    for (key, value) in entries {
        match renamed(&key) {
            "eventName" => named[0] = value.kind() == Kind::Text,
            "eventSource" => named[1] = value.kind() == Kind::Text,
            "userIdentity" | "recipientAccountId" => named[2] = true,
            _ => {}
        }
    }
    named == [true; 3]
}

fn write<'a, Entries>(entries: impl Fn() -> Entries) -> Option<String>
where
    Entries: Iterator<Item = (Cow<'a, str>, Value<'a>)>,
{
    // Before any is written: what is in something that is no row is looked into as well, however deep.
    if !are_named(entries()) {
        return None;
    }
    let mut writer = Writer::new();
    for (key, value) in entries() {
        let name = renamed(&key);
        let text = value.text();
        let says_nothing = text.as_deref().is_some_and(|text| matches!(text, "" | "null"));
        if value.kind() == Kind::Null || says_nothing {
            continue;
        }
        let rename = if name == "userIdentity" { renamed } else { as_it_is };
        let structure = text
            .filter(|text| STRUCTURES.contains(&name) && struct_text::is_struct(text))
            .and_then(|text| struct_text::to_json(&text, rename));
        match structure {
            Some(json) => writer.json(name, &json),
            None if name == "userIdentity" && value.kind() == Kind::Object => {
                writer.object(name, |writer| identity(value, writer, 0));
            }
            None => writer.value(name, Some(value)),
        }
    }
    Some(writer.finish())
}

/// An identity whose keys may be in lower case.
fn identity(object: Value<'_>, writer: &mut Writer, depth: usize) {
    /// How deep they stand in one another; CloudTrail's own end at four.
    const MAX_DEPTH: usize = 8;
    for (key, value) in object.entries() {
        let Some(key) = key.text() else { continue };
        match value.kind() {
            Kind::Object if depth < MAX_DEPTH => {
                writer.object(renamed(&key), |writer| {
                    identity(value, writer, depth.saturating_add(1))
                });
            }
            _ => writer.value(renamed(&key), Some(value)),
        }
    }
}
