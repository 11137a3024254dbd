//! Rules that no event can match, as far as that is easy to see: their author wants to know.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::Node;
use crate::{Expr, Field, Item, Matcher};

/// Top-level fields of CloudTrail's records.
const FIELDS: &[&str] = &[
    "addendum",
    "additionalEventData",
    "annotation",
    "apiVersion",
    "awsRegion",
    "edgeDeviceDetails",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventContext",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "insightDetails",
    "managementEvent",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sessionCredentialFromConsole",
    "sharedEventID",
    "sourceIPAddress",
    "tlsDetails",
    "userAgent",
    "userIdentity",
    "vpcEndpointAccountId",
    "vpcEndpointId",
];

/// Fields that have one value in a record.
const SINGLE: &[&str] = &[
    "awsRegion",
    "errorCode",
    "eventCategory",
    "eventName",
    "eventSource",
    "eventType",
    "recipientAccountId",
    "sourceIPAddress",
    "userIdentity.accountId",
    "userIdentity.type",
];

/// Warns of a condition that cannot hold or that asks for a field that no record has.
pub(super) fn warn(condition: &Expr, at: &Node<'_>) {
    let at = at.at("condition");
    match constant(condition) {
        Some(false) => at.warn("condition: no event can match it"),
        Some(true) => at.warn("condition: every event matches it"),
        None => {}
    }
    let mut unknown = BTreeSet::new();
    collect_unknown(condition, &mut unknown);
    if !unknown.is_empty() {
        let names: Vec<_> = unknown.into_iter().collect();
        at.warn(format_args!(
            "condition: CloudTrail has no {}: a table of fields can rename what is named as \
             elsewhere",
            names.join(", ")
        ));
    }
}

/// The fields that an expression asks for and CloudTrail does not have.
fn collect_unknown<'a>(expr: &'a Expr, unknown: &mut BTreeSet<&'a str>) {
    match expr {
        Expr::And(list) | Expr::Or(list) | Expr::NOf(_, list) => {
            list.iter().for_each(|inner| collect_unknown(inner, unknown));
        }
        Expr::Not(inner) => collect_unknown(inner, unknown),
        Expr::Item(item) => {
            let others = item.matchers.iter().filter_map(|matcher| match matcher {
                Matcher::FieldRef(other) => Some(&other.field),
                _ => None,
            });
            for field in std::iter::once(&item.field).chain(others) {
                if let Field::Record(path) = field
                    && !path.segments.first().is_some_and(|first| FIELDS.contains(&first.as_str()))
                {
                    unknown.insert(&path.text);
                }
            }
        }
    }
}

/// The answer that an expression gives for every event, if that is to be seen.
fn constant(expr: &Expr) -> Option<bool> {
    let answers = |list: &[Expr]| list.iter().map(constant).collect::<Vec<_>>();
    let all_are = |answers: &[Option<bool>], answer| answers.iter().all(|one| *one == Some(answer));
    match expr {
        Expr::And(list) => {
            let answers = answers(list);
            if answers.contains(&Some(false)) || contradicts(list) {
                return Some(false);
            }
            all_are(&answers, true).then_some(true)
        }
        Expr::Or(list) => {
            let answers = answers(list);
            if answers.contains(&Some(true)) {
                return Some(true);
            }
            all_are(&answers, false).then_some(false)
        }
        Expr::NOf(0, _) => Some(true),
        Expr::NOf(count, list) => {
            let possible = answers(list).into_iter().filter(|one| *one != Some(false)).count();
            ((possible as u64) < *count).then_some(false)
        }
        Expr::Not(inner) => constant(inner).map(|answer| !answer),
        Expr::Item(item) => of_item(item),
    }
}

fn of_item(item: &Item) -> Option<bool> {
    // The sources of CloudTrail's events are in lower case.
    let upper = |matcher: &Matcher| match matcher {
        Matcher::Text(glob) => {
            glob.cased && glob.literal().is_some_and(|text| text.contains(char::is_uppercase))
        }
        _ => false,
    };
    let source = matches!(&item.field, Field::Record(path) if path.text == "eventSource");
    (source && !item.matchers.is_empty() && item.matchers.iter().all(upper)).then_some(item.negated)
}

/// Whether parts that must all hold exclude one another: one and its opposite, or different values of a
/// field that has one.
fn contradicts(list: &[Expr]) -> bool {
    let mut parts = Vec::new();
    flatten(list, &mut parts);
    let opposite = |part: &&Expr| match part {
        Expr::Not(inner) => parts.contains(&&**inner) || is_one_and(inner, &parts),
        _ => false,
    };
    // Comparing each with each is only for conditions of a size that people write.
    if parts.len() <= 100 && parts.iter().any(opposite) {
        return true;
    }
    let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for part in parts {
        let Expr::Item(item) = part else { continue };
        let (Some((field, own)), false) = (literals(item), item.negated) else { continue };
        let left = match values.get(field) {
            Some(before) => before.intersection(&own).cloned().collect(),
            None => own,
        };
        if left.is_empty() {
            return true;
        }
        values.insert(field, left);
    }
    false
}

/// Whether every part of a conjunction stands among others, so that it holds with them.
fn is_one_and(inner: &Expr, parts: &[&Expr]) -> bool {
    match inner {
        Expr::And(list) => {
            let mut own = Vec::new();
            flatten(list, &mut own);
            !own.is_empty() && own.iter().all(|part| parts.contains(part))
        }
        _ => false,
    }
}

fn flatten<'a>(list: &'a [Expr], parts: &mut Vec<&'a Expr>) {
    for expr in list {
        match expr {
            Expr::And(inner) => flatten(inner, parts),
            Expr::Or(one) if one.len() == 1 => flatten(one, parts),
            other => parts.push(other),
        }
    }
}

/// The only values, in lower case, that an item allows a field of one value.
fn literals(item: &Item) -> Option<(&str, BTreeSet<String>)> {
    let Field::Record(path) = &item.field else { return None };
    let field = SINGLE.iter().find(|name| **name == path.text)?;
    let literal = |matcher: &Matcher| match matcher {
        Matcher::Text(glob) => glob.literal().map(str::to_lowercase),
        _ => None,
    };
    let mut values: BTreeSet<String> = item.matchers.iter().map(literal).collect::<Option<_>>()?;
    if item.all && values.len() > 1 {
        values.clear();
    }
    Some((field, values))
}
