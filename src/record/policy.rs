//! Policy documents in requests: what they allow, and whom.
//!
//! A document is JSON in text, percent-encoded in older records. What cannot be read allows nothing:
//! IAM would not have taken it either.

use std::borrow::Cow;

use orgwatch_sigma::Glob;

use super::Record;
use crate::json::{Kind, Tape, Value};
use crate::rules::glob_matches;
use crate::settings::{Destination, Settings};

/// The action that takes an account out of its organization, as patterns are compared with it.
const LEAVE: &str = "organizations:leaveorganization";

/// Where a request may carry a policy that grants permissions.
const PERMISSIONS: &[&str] = &["policyDocument", "inlinePolicy"];

/// Where a request may carry a policy that says who may assume a role.
const TRUST: &[&str] = &["policyDocument", "assumeRolePolicyDocument"];

/// The managed policy that grants everything in Organizations, in any partition.
const FULL_ACCESS: &str = ":aws:policy/AWSOrganizationsFullAccess";

/// Whom a trust policy admits beyond the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trusted {
    /// An account that is not among one's own.
    Outside,
    /// Any principal of any account.
    Everyone,
}

/// Whether the request grants the permission to leave the organization.
pub fn grants_leave(record: &Record<'_>) -> bool {
    let request = |key| record.at(&["requestParameters", key]);
    let attached = ["policyArn", "managedPolicyArn"].into_iter().filter_map(request);
    if attached.into_iter().any(|arn| arn.ends_with(FULL_ACCESS)) {
        return true;
    }
    PERMISSIONS.iter().filter_map(|key| request(key)).any(|document| {
        let (mut allowed, mut denied) = (false, false);
        statements(&document, &mut |statement| {
            let concerned = concerns_leave(statement) && is_everywhere(statement);
            match text(statement, "Effect").as_deref() {
                Some("Allow") => allowed |= concerned,
                // A denial under a condition leaves a way.
                Some("Deny") if statement.get("Condition").is_none() => denied |= concerned,
                _ => {}
            }
        });
        allowed && !denied
    })
}

/// Whom the request's trust policy admits beyond the organization of the settings.
pub fn trusts(record: &Record<'_>, settings: &Settings) -> Option<Trusted> {
    let this = record.at(&["recipientAccountId"]);
    let is_own = |account: &str| {
        settings.accounts.is_empty()
            || this.as_deref() == Some(account)
            || settings.accounts.iter().any(|own| own == account)
    };
    let mut found = None;
    for document in TRUST.iter().filter_map(|key| record.at(&["requestParameters", key])) {
        statements(&document, &mut |statement| {
            if text(statement, "Effect").as_deref() != Some("Allow") {
                return;
            }
            let principal = statement.get("Principal");
            let named = principal.and_then(|principal| match principal.kind() {
                Kind::Object => principal.get("AWS"),
                _ => Some(principal),
            });
            let names = named.map(texts).unwrap_or_default();
            let admitted =
                if statement.get("NotPrincipal").is_some() || names.iter().any(|n| n == "*") {
                    of_everyone(statement, settings, &is_own)
                } else {
                    let foreign =
                        |name: &Cow<'_, str>| account(name).is_some_and(|account| !is_own(account));
                    names.iter().any(foreign).then_some(Trusted::Outside)
                };
            found = found.max(admitted);
        });
    }
    found
}

/// Whom a statement for everyone admits under its condition.
fn of_everyone(
    statement: Value<'_>,
    settings: &Settings,
    is_own: &dyn Fn(&str) -> bool,
) -> Option<Trusted> {
    let mut outside = false;
    let operators = statement.get("Condition").into_iter().flat_map(|all| all.entries());
    for (operator, keys) in operators {
        let operator = operator.text().unwrap_or_default();
        let operator = operator.strip_prefix("ForAnyValue:").unwrap_or(&operator);
        if !NARROWING.contains(&operator) {
            continue;
        }
        for (key, values) in keys.entries() {
            let key = key.text().unwrap_or_default().to_ascii_lowercase();
            let values = texts(values);
            let all = |known: &dyn Fn(&str) -> bool| values.iter().all(|value| known(value));
            let narrow =
                |value: &str| !value.trim_matches(['*', '?']).is_empty() && !value.ends_with("/0");
            let foreign = match key.as_str() {
                "aws:principalaccount"
                | "aws:sourceaccount"
                | "aws:principalarn"
                | "aws:sourcearn" => {
                    if !all(&|value| account(value).is_some()) {
                        continue;
                    }
                    !all(&|value| account(value).is_some_and(is_own))
                }
                "aws:principalorgid"
                | "aws:sourceorgid"
                | "aws:principalorgpaths"
                | "aws:sourceorgpaths" => {
                    if !all(&narrow) {
                        continue;
                    }
                    // A path begins with its organization.
                    let known = |value: &str| {
                        let organization = value.split('/').next().unwrap_or_default();
                        settings.destination(organization) != Destination::Other
                    };
                    settings.organization.is_some() && !all(&known)
                }
                "aws:principaltype" => continue,
                key if WHO.iter().any(|who| key.starts_with(who)) && all(&narrow) => false,
                // That the call is encrypted, or made before a date, keeps nobody out.
                _ => continue,
            };
            if !foreign {
                return None;
            }
            outside = true;
        }
    }
    Some(if outside { Trusted::Outside } else { Trusted::Everyone })
}

/// The operators of a condition that only what is named satisfies.
const NARROWING: &[&str] =
    &["StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress"];

/// What else a condition may ask about that keeps strangers out: who calls, and from where.
const WHO: &[&str] =
    &["aws:principal", "aws:source", "aws:userid", "aws:username", "sts:externalid"];

/// Visits the statements of a document, of which there may be one or a list.
fn statements(document: &str, visit: &mut dyn FnMut(Value<'_>)) {
    let document = decoded(document.trim());
    let mut tape = Tape::default();
    if tape.parse(&document).is_err() {
        return;
    }
    let Some(statement) = Value::root(&tape, &document).get("Statement") else {
        return;
    };
    match statement.kind() {
        Kind::Array => statement.items().for_each(visit),
        _ => visit(statement),
    }
}

/// Whether a statement's actions cover leaving.
fn concerns_leave(statement: Value<'_>) -> bool {
    let covers = |actions: Value<'_>| {
        texts(actions)
            .iter()
            .any(|pattern| glob_matches(&Glob::wildcard(&pattern.trim().to_lowercase()), LEAVE))
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

/// The account of a principal: its number, or an ARN with it.
fn account(principal: &str) -> Option<&str> {
    let account = match principal.starts_with("arn:") {
        true => principal.split(':').nth(4)?,
        false => principal,
    };
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

fn text<'a>(value: Value<'a>, key: &str) -> Option<Cow<'a, str>> {
    value.get(key).as_ref().and_then(Value::text)
}

/// A text, or a list of them.
fn texts(value: Value<'_>) -> Vec<Cow<'_, str>> {
    value.text().into_iter().chain(value.items().filter_map(|item| item.text())).collect()
}

/// A percent-encoded document as it was; any other as it is.
fn decoded(document: &str) -> Cow<'_, str> {
    if !document.starts_with('%') {
        return document.into();
    }
    let mut bytes = Vec::with_capacity(document.len());
    let mut at = 0;
    while let Some(&byte) = document.as_bytes().get(at) {
        let digits = document.get(at + 1..at + 3);
        match (byte, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                at += 2;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Fields;
    use crate::record::Unfolded;

    fn with<T>(parameters: serde_json::Value, look: impl FnOnce(&Record<'_>) -> T) -> T {
        let text = serde_json::json!({"requestParameters": parameters}).to_string();
        let mut tape = Tape::default();
        tape.parse(&text).unwrap();
        look(&Record::new(&Fields::of(Value::root(&tape, &text)), &Unfolded::default()))
    }

    fn grants(document: &str) -> bool {
        with(serde_json::json!({"policyDocument": document}), grants_leave)
    }

    #[test]
    fn what_allows_leaving() {
        for (statement, expected) in [
            (
                r#"{"Effect":"Allow","Action":"organizations:LeaveOrganization","Resource":"*"}"#,
                true,
            ),
            (r#"[{"Effect":"Allow","Action":["s3:*","org*:Leave*"]}]"#, true),
            (r#"{"Effect":"Allow","Action":"*"}"#, true),
            (r#"{"Effect":"Allow","Action":"organizations:Describe*"}"#, false),
            (r#"{"Effect":"Allow","NotAction":"iam:*"}"#, true),
            (r#"{"Effect":"Allow","NotAction":["organizations:*"]}"#, false),
            (r#"{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::logs"}"#, true),
            (r#"{"Effect":"Allow","Action":"*","NotResource":["*"]}"#, false),
            (r#"{"Effect":"Deny","Action":"organizations:LeaveOrganization"}"#, false),
            (
                r#"[{"Effect":"Allow","Action":"*"},{"Effect":"Deny","Action":"organizations:Leave*"}]"#,
                false,
            ),
            (
                r#"[{"Effect":"Allow","Action":"*"},{"Effect":"Deny","Action":"*","Condition":{"Bool":{"a":"b"}}}]"#,
                true,
            ),
            (r#"{"Effect":"Allow"}"#, false),
            (r#"{"Effect":"Allow","Action":7}"#, false),
        ] {
            let document = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
            assert_eq!(grants(&document), expected, "{document}");
            let encoded: String = document.bytes().map(|byte| format!("%{byte:02X}")).collect();
            assert_eq!(grants(&encoded), expected, "{encoded}");
        }
        assert!(!grants("not JSON") && !grants("%7B%") && !grants(""));
    }

    #[test]
    fn whom_a_trust_policy_admits() {
        let settings = Settings {
            accounts: vec!["111122223333".into()],
            organization: Some("o-a1b2c3d4e5".into()),
            ..Settings::default()
        };
        for (statement, expected) in [
            (r#"{"Effect":"Allow","Principal":"*"}"#, Some(Trusted::Everyone)),
            (r#"{"Effect":"Allow","Principal":{"AWS":["*"]}}"#, Some(Trusted::Everyone)),
            (
                r#"{"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}"#,
                None,
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Condition":{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"}}}"#,
                None,
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Condition":{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":["o-a1b2c3d4e5/*","o-stranger01/r-1/"]}}}"#,
                Some(Trusted::Outside),
            ),
            (
                r#"{"Effect":"Allow","Principal":"*","Condition":{"StringLike":{"aws:PrincipalArn":"*"}}}"#,
                Some(Trusted::Everyone),
            ),
            (r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"}}"#, None),
            (
                r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws-cn:iam::999999999999:root"}}"#,
                Some(Trusted::Outside),
            ),
            (r#"{"Effect":"Allow","Principal":{"AWS":"999999999999"}}"#, Some(Trusted::Outside)),
            (r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}"#, None),
            (r#"{"Effect":"Deny","Principal":"*"}"#, None),
        ] {
            let document = format!(r#"{{"Statement":{statement}}}"#);
            let found = with(serde_json::json!({"assumeRolePolicyDocument": document}), |record| {
                trusts(record, &settings)
            });
            assert_eq!(found, expected, "{document}");
        }
    }
}
