//! Why a call failed, in a responder's words.

use super::Record;
use crate::finding::Outcome;
use crate::text::find;
use crate::text::{MAX_VALUE, shortened};

/// Phrases of AWS's error messages that tell what denied a call, and the words for a responder.
const DENIALS: &[(&str, &str)] = &[
    (
        "with an explicit deny in a service control policy",
        "explicit deny by a service control policy: the guardrail worked",
    ),
    (
        "with an explicit deny in a resource control policy",
        "explicit deny by a resource control policy: the guardrail worked",
    ),
    (
        "because no service control policy allows",
        "no service control policy allows it: the guardrail worked",
    ),
    (
        "because no resource control policy allows",
        "no resource control policy allows it: the guardrail worked",
    ),
    ("with an explicit deny in a permissions boundary", "explicit deny by a permissions boundary"),
    ("because no permissions boundary allows", "no permission: no permissions boundary allows it"),
    ("with an explicit deny in a session policy", "explicit deny by a session policy"),
    ("because no session policy allows", "no permission: no session policy allows it"),
    (
        "with an explicit deny in an identity-based policy",
        "explicit deny by an identity-based policy",
    ),
    ("with an explicit deny in a VPC endpoint policy", "explicit deny by a VPC endpoint policy"),
    (
        "because no identity-based policy allows",
        "no permission: no identity-based policy allows it",
    ),
    ("with an explicit deny", "explicit deny by a policy"),
];

/// Error codes of Organizations that say it all.
const CODES: &[(&str, &str)] = &[
    (
        "MasterCannotLeaveOrganizationException",
        "a management account cannot leave its organization",
    ),
    ("AWSOrganizationsNotInUseException", "the account is not in an organization"),
    ("AccountNotFoundException", "the account is not in this organization"),
    ("HandshakeConstraintViolationException", "a constraint on handshakes forbids it"),
    ("ConstraintViolationException", "a constraint forbids it"),
];

/// Whether the call succeeded, and if not, why.
pub(super) fn of(record: &Record<'_>) -> (Outcome, Option<String>) {
    let code = record.at(&["errorCode"]);
    let message = record.at(&["errorMessage"]);
    if code.is_none() && message.is_none() {
        return of_service_event(record);
    }
    let (code, message) = (code.unwrap_or_default(), message.unwrap_or_default());
    // A dozen searches run over them. AWS's own are shorter, and a finding repeats no more.
    let (code, message) = (shortened(&code, MAX_VALUE), shortened(readable(&message), MAX_VALUE));
    let named = CODES.iter().find(|(known, _)| find(&code, known).is_some());
    let denied = DENIALS.iter().find(|(known, _)| find(&message, known).is_some());
    let reason = match (named, denied) {
        // The word says it all, in every language that the message may be in.
        (_, None) if word(&message).is_some() => word(&message).unwrap_or_default().to_owned(),
        (Some((_, meaning)), _) if message.is_empty() => (*meaning).to_owned(),
        (Some((_, meaning)), _) => format!("{meaning} ({message})"),
        (None, Some((_, meaning))) => match policy(&message) {
            Some(policy) => format!("{meaning} ({policy})"),
            None => meaning.replace("allows it", &format!("allows {}", action(&message))),
        },
        (None, None) if message.is_empty() => code.into_owned(),
        (None, None) if code.is_empty() => message.into_owned(),
        (None, None) => format!("{code}: {message}"),
    };
    (Outcome::Failure, Some(reason))
}

/// A service event tells of a call that was accepted earlier; how it ended stands in its details.
fn of_service_event(record: &Record<'_>) -> (Outcome, Option<String>) {
    let status = |key| record.at(&["serviceEventDetails", "createAccountStatus", key]);
    match status("state") {
        Some(state) if state.eq_ignore_ascii_case("FAILED") => {
            (Outcome::Failure, status("failureReason").map(|reason| reason.into_owned()))
        }
        _ => (Outcome::Success, None),
    }
}

/// A message without what only DecodeAuthorizationMessage can read.
fn readable(message: &str) -> &str {
    let encoded = message.to_ascii_lowercase().find("encoded authorization failure message");
    let readable = encoded.and_then(|at| message.get(..at)).unwrap_or(message);
    readable.trim_end()
}

/// The word with which AWS says why, such as `WAIT_PERIOD_ACTIVE`, if the message has one.
fn word(message: &str) -> Option<&str> {
    let is_word = |text: &&str| {
        let parts: Vec<&str> = text.split('_').collect();
        let upper = |part: &&str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        text.len() >= 8 && parts.len() > 1 && parts.iter().all(upper)
    };
    let of_names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | ':' | '-' | '.');
    let words = message.split(|c: char| !of_names(c));
    words.map(|text| text.trim_matches([':', '.', '-', '/'])).find(is_word)
}

/// The action that the message says was not allowed.
fn action(message: &str) -> String {
    let action =
        message.split_once("to perform: ").and_then(|(_, after)| after.split_whitespace().next());
    action.map_or("it".into(), |action| format!("the {action} action"))
}

/// The policy that AWS's newer messages name behind the kind of policy.
fn policy(message: &str) -> Option<&str> {
    let (_, after) = message.rsplit_once("policy: ")?;
    let arn = after.split([' ', ',', ')']).next()?;
    arn.starts_with("arn:").then(|| arn.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_named_where_the_message_names_it() {
        let message = "User: arn:aws:iam::1:user/x is not authorized to perform: \
            organizations:LeaveOrganization on resource: * with an explicit deny in a service \
            control policy: arn:aws:organizations::2:policy/o-a/service_control_policy/p-b";
        assert_eq!(
            policy(message),
            Some("arn:aws:organizations::2:policy/o-a/service_control_policy/p-b")
        );
        assert_eq!(policy("with an explicit deny in a service control policy"), None);
    }
}
