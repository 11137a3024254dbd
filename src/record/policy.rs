//! Policy documents in requests: what they allow, and whom.
//!
//! A document is JSON in text, percent-encoded in older records. What cannot be read allows nothing:
//! IAM would not have taken it either.

use std::borrow::Cow;

use orgwatch_sigma::Glob;

use super::Record;
use crate::json::{Kind, Tape, Value};
use crate::rules::glob_matches;

/// The action that takes an account out of its organization, as patterns are compared with it.
const LEAVE: &str = "organizations:leaveorganization";

/// Where a request may carry a policy that grants permissions.
const PERMISSIONS: &[&str] = &["policyDocument", "inlinePolicy"];

/// Where a request may carry a policy that says who may assume a role.
const TRUST: &[&str] = &["policyDocument", "assumeRolePolicyDocument"];

/// The managed policy that grants everything in Organizations, in any partition.
const FULL_ACCESS: &str = ":aws:policy/AWSOrganizationsFullAccess";

/// Whom a trust policy admits beyond the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trusted {
    /// Any principal of any account.
    Everyone,
    /// An account that is not among one's own.
    Outside,
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
            match text(statement, "Effect").as_deref() {
                Some("Allow") => allowed |= concerns_leave(statement),
                // A denial under a condition leaves a way.
                Some("Deny") if statement.get("Condition").is_none() => {
                    denied |= concerns_leave(statement);
                }
                _ => {}
            }
        });
        allowed && !denied
    })
}

/// Whom the request's trust policy admits; `own` are the accounts of one's organization.
pub fn trusts(record: &Record<'_>, own: &[String]) -> Option<Trusted> {
    let mut found = None;
    let this = record.at(&["recipientAccountId"]);
    for document in TRUST.iter().filter_map(|key| record.at(&["requestParameters", key])) {
        statements(&document, &mut |statement| {
            if text(statement, "Effect").as_deref() != Some("Allow") {
                return;
            }
            if statement.get("NotPrincipal").is_some() {
                found = Some(Trusted::Everyone);
            }
            let Some(principal) = statement.get("Principal") else {
                return;
            };
            let accounts = match principal.kind() {
                Kind::Object => principal.get("AWS"),
                _ => Some(principal),
            };
            for name in accounts.into_iter().flat_map(texts) {
                if name == "*" && !narrowed(statement) {
                    found = Some(Trusted::Everyone);
                } else if let Some(account) = account(&name)
                    && !own.is_empty()
                    && !own
                        .iter()
                        .map(String::as_str)
                        .chain(this.as_deref())
                        .any(|known| known == account)
                {
                    found = found.or(Some(Trusted::Outside));
                }
            }
        });
    }
    found
}

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

/// What a condition must ask about to keep strangers out: who calls, on whose behalf, from where.
/// That the call is encrypted, or made before a date, keeps nobody out.
const NARROWING: &[&str] =
    &["aws:principal", "aws:source", "aws:userid", "aws:username", "sts:externalid"];

/// Whether a statement's condition keeps strangers out; values that are all `*` do not.
fn narrowed(statement: Value<'_>) -> bool {
    let operators = statement.get("Condition").into_iter().flat_map(|all| all.entries());
    operators.flat_map(|(_, keys)| keys.entries()).any(|(key, values)| {
        let key = key.text().unwrap_or_default().to_ascii_lowercase();
        NARROWING.iter().any(|narrowing| key.starts_with(narrowing))
            && texts(values).iter().any(|value| !value.trim_matches('*').is_empty())
    })
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
    use crate::record::Unfolded;

    fn with<T>(parameters: serde_json::Value, look: impl FnOnce(&Record<'_>) -> T) -> T {
        let text = serde_json::json!({"requestParameters": parameters}).to_string();
        let mut tape = Tape::default();
        tape.parse(&text).unwrap();
        look(&Record::new(Value::root(&tape, &text), &Unfolded::default()))
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
        let own = ["111122223333".to_owned()];
        for (statement, expected) in [
            (r#"{"Effect":"Allow","Principal":"*"}"#, Some(Trusted::Everyone)),
            (r#"{"Effect":"Allow","Principal":{"AWS":["*"]}}"#, Some(Trusted::Everyone)),
            (
                r#"{"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a"}}}"#,
                None,
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
                trusts(record, &own)
            });
            assert_eq!(found, expected, "{document}");
        }
    }
}
