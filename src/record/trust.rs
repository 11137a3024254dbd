//! Trust policies in requests: whom they admit.
//!
//! A statement for everyone is for some only if a condition says so by something that a stranger
//! cannot have. Nearly all that a condition may ask about can be chosen by callers in an account of
//! their own: tags, the names of users, roles and sessions, external ids, what the request says of
//! itself. So the keys that narrow a trust are a closed list, each with what its values must be.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::policy::{policies, statements, text, texts};
use super::{Destination, Ownership, Record, is_account, is_organization, networks};
use crate::json::{Kind, Value};
use crate::text::account_of_arn;

/// Parameters in which a request may carry a role's trust policy.
const TRUST: &[&str] = &["policyDocument", "assumeRolePolicyDocument"];

/// The operators that hold only for one of the values named. Not among them are the negated ones, and
/// those that hold for a key that is not there: `…IfExists`, `ForAllValues:`.
const TEXT: &[&str] = &["StringEquals", "StringEqualsIgnoreCase", "StringLike"];

/// The same for ARNs, whose segments are compared one by one.
const ARN: &[&str] = &["ArnEquals", "ArnLike"];

/// Whom a trust policy admits beyond the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trusted {
    /// An account that is not among one's own.
    Outside,
    /// Any principal of any account.
    Everyone,
}

/// Whom a condition lets through of everyone, from what settles the matter to what does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Admitted {
    /// The user's own accounts or organizations.
    Own,
    /// Others.
    Foreign,
    /// Some; the settings do not say whose.
    Some,
}

/// The accounts and organizations that are the user's own, for one record.
struct Owned<'a> {
    ownership: &'a Ownership,
    /// The account that the role is in.
    this: Option<Cow<'a, str>>,
}

/// Whom the request's trust policy admits beyond the user's organization.
pub fn trusts(record: &Record<'_>, ownership: &Ownership) -> Option<Trusted> {
    let owned = Owned { ownership, this: record.at(&["recipientAccountId"]) };
    let mut found = None;
    for key in TRUST {
        policies(record, key, &mut |policy| {
            found = found.max(statements(policy).filter_map(|one| owned.admitted(one)).max());
        });
    }
    found
}

impl Owned<'_> {
    /// Whom a statement admits beyond one's own.
    fn admitted(&self, statement: Value<'_>) -> Option<Trusted> {
        if text(statement, "Effect").as_deref() != Some("Allow") {
            return None;
        }
        let principal = statement.get("Principal");
        let named = principal.and_then(|principal| match principal.kind() {
            Kind::Object => principal.get("AWS"),
            _ => Some(principal),
        });
        let names = named.map(texts).unwrap_or_default();
        let anybody = |name: &Cow<'_, str>| name.contains('*') && account(name).is_none();
        if statement.get("NotPrincipal").is_some() || names.iter().any(anybody) {
            return self.of_everyone(statement);
        }
        let mut accounts = names.iter().filter_map(|name| account(name));
        accounts.any(|account| !self.is_own(account)).then_some(Trusted::Outside)
    }

    fn is_own(&self, account: &str) -> bool {
        let ownership = self.ownership;
        ownership.accounts.is_empty()
            || self.this.as_deref() == Some(account)
            || ownership.management_account.as_deref() == Some(account)
            || ownership.accounts.contains(account)
    }

    /// Whom a statement for everyone admits under its condition, all of which must hold.
    fn of_everyone(&self, statement: Value<'_>) -> Option<Trusted> {
        let operators = statement.get("Condition").map(members).unwrap_or_default();
        // Loops and no chain of iterators: an interpreter has little stack, and each link of a chain takes some.
        let mut least = None;
        for (operator, keys) in &operators {
            let operator = operator.strip_prefix("ForAnyValue:").unwrap_or(operator);
            for (key, values) in members(*keys) {
                let Some(values) = scalars(values) else { continue };
                let admitted = self.narrowed(operator, &key.to_ascii_lowercase(), &values);
                least = [least, admitted].into_iter().flatten().min();
            }
        }
        match least {
            Some(Admitted::Own | Admitted::Some) => None,
            Some(Admitted::Foreign) => Some(Trusted::Outside),
            None => Some(Trusted::Everyone),
        }
    }

    /// Whom a key of a condition lets through, of whose values any may be met; none if anybody can
    /// meet one.
    #[inline(never)]
    fn narrowed(&self, operator: &str, key: &str, values: &[Cow<'_, str>]) -> Option<Admitted> {
        let is_text = TEXT.contains(&operator);
        let is_arn = ARN.contains(&operator);
        let all = |fits: &dyn Fn(&str) -> bool| values.iter().all(|value| fits(value));
        match key {
            "aws:principalaccount" | "aws:sourceaccount" if is_text => {
                all(&is_account).then(|| self.accounts(values.iter().map(|value| &**value)))
            }
            "aws:principalarn" | "aws:sourcearn" if is_text || is_arn => {
                let accounts = values.iter().map(|value| arn_account(value, is_arn));
                let accounts: Option<Vec<_>> = accounts.collect();
                Some(self.accounts(accounts?.into_iter()))
            }
            "aws:principalorgid" | "aws:sourceorgid" if is_text => {
                all(&is_organization).then(|| self.organizations(values.iter().map(|id| &**id)))
            }
            "aws:principalorgpaths" | "aws:sourceorgpaths" if is_text => {
                // A path begins with its organization.
                let ids = values.iter().map(|path| path.split_once('/').map(|(id, _)| id));
                let ids: Option<Vec<_>> = ids.collect();
                let ids = ids.filter(|ids| ids.iter().all(|id| is_organization(id)))?;
                Some(self.organizations(ids.into_iter()))
            }
            "aws:sourcevpc" if is_text => {
                all(&|value| is_id(value, "vpc-")).then_some(Admitted::Some)
            }
            "aws:sourcevpce" if is_text => {
                all(&|value| is_id(value, "vpce-")).then_some(Admitted::Some)
            }
            "aws:sourceip" if operator == "IpAddress" => {
                networks::are_narrow(values.iter().map(|value| &**value)).then_some(Admitted::Some)
            }
            _ => None,
        }
    }

    fn accounts<'v>(&self, mut accounts: impl Iterator<Item = &'v str>) -> Admitted {
        match accounts.all(|account| self.is_own(account)) {
            true => Admitted::Own,
            false => Admitted::Foreign,
        }
    }

    fn organizations<'v>(&self, mut ids: impl Iterator<Item = &'v str>) -> Admitted {
        match ids.all(|id| self.ownership.destination(id) != Destination::Other) {
            true => Admitted::Own,
            false if self.ownership.organization.is_none() => Admitted::Some,
            false => Admitted::Foreign,
        }
    }
}

/// The account of a principal: its number, or an ARN with it.
fn account(principal: &str) -> Option<&str> {
    let principal = principal.trim();
    let account = match principal.starts_with("arn:") {
        true => account_of_arn(principal)?,
        false => principal,
    };
    is_account(account).then_some(account)
}

/// The account that every ARN which fits a pattern is of. Where a wildcard before it may stand for
/// colons, there is none: names have colons too.
fn arn_account(pattern: &str, by_segment: bool) -> Option<&str> {
    let mut segments = pattern.strip_prefix("arn:")?.split(':');
    let literal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let wild = |byte: u8| by_segment && matches!(byte, b'*' | b'?');
    for _ in ["partition", "service", "region"] {
        segments.next()?.bytes().all(|byte| literal(byte) || wild(byte)).then_some(())?;
    }
    segments.next().filter(|account| is_account(account))
}

/// Whether a text is the id of a resource that AWS numbers, without a wildcard.
fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|id| {
        (8..=17).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The members of an object; of several with the same key the last counts.
fn members(object: Value<'_>) -> BTreeMap<String, Value<'_>> {
    let named = |(key, value): (Value<'_>, _)| Some((key.text()?.into_owned(), value));
    object.entries().filter_map(named).collect()
}

/// The values that a condition names, of which there is one at least; none if one is no text or number.
fn scalars(values: Value<'_>) -> Option<Vec<Cow<'_, str>>> {
    let values: Option<Vec<_>> = match values.kind() {
        Kind::Array => values.items().map(|item| item.scalar()).collect(),
        _ => values.scalar().map(|value| vec![value]),
    };
    values.filter(|values| !values.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{ObjectIndex, Tape};
    use crate::record::EmbeddedJson;

    fn found(statement: &str, ownership: &Ownership) -> Option<Trusted> {
        let document = format!(r#"{{"Statement":{statement}}}"#);
        let record =
            serde_json::json!({"requestParameters": {"assumeRolePolicyDocument": document}});
        let text = record.to_string();
        let mut tape = Tape::default();
        tape.parse(&text).unwrap();
        let fields = ObjectIndex::of(Value::root(&tape, &text));
        trusts(&Record::new(&fields, &EmbeddedJson::default()), ownership)
    }

    #[test]
    fn whom_a_trust_policy_admits() {
        let ownership = Ownership {
            accounts: ["111122223333".into()].into(),
            organization: Some("o-a1b2c3d4e5".into()),
            ..Ownership::default()
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
            assert_eq!(found(statement, &ownership), expected, "{statement}");
        }
    }
}
