//! The facts of a record that every finding repeats.

use super::actor::Actor;
use super::{Record, content, outcome};
use crate::digest::Digest128;
use crate::finding::{Accounts, Handshake, Outcome, Principal};
use crate::text::bounded;

/// The ids of an organization and of a handshake in a handshake's ARN,
/// `arn:aws:organizations::<management>:handshake/<o-id>/<action>/<h-id>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrgIds {
    /// `o-…`
    pub organization: Option<String>,
    /// In upper case: `INVITE`.
    pub action: Option<String>,
}

/// A record in the finding's terms.
#[derive(Debug, Clone)]
pub struct EventSummary {
    /// The key of the event, the same wherever it is seen.
    pub key: Digest128,
    /// Seconds since 1970; none when `eventTime` cannot be read.
    pub time: Option<i64>,
    /// `eventTime` as it was, when it cannot be read as a time; empty when there is none.
    pub unreadable_time: Option<String>,
    /// `eventTime` as RFC 3339.
    pub event_time: Option<String>,
    /// `eventID`.
    pub event_id: Option<String>,
    /// `eventName`.
    pub event_name: String,
    /// `eventSource`.
    pub event_source: String,
    /// Whether it succeeded.
    pub outcome: Outcome,
    /// Why it did not.
    pub outcome_reason: Option<String>,
    /// The account in the ARN of the resource that a denial's message names, for calls whose
    /// parameters are withheld because they were denied.
    pub denied_account: Option<String>,
    /// The accounts.
    pub accounts: Accounts,
    /// The principal.
    pub principal: Principal,
    /// The principal's id, which root without an ARN still has.
    pub principal_id: Option<String>,
    /// What is said about who acted beside the principal.
    pub actor: Actor,
    /// From where.
    pub source_ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// In which region.
    pub region: Option<String>,
    /// The handshake.
    pub handshake: Option<Handshake>,
    /// The organization that the handshake's ARN names.
    pub handshake_organization: Option<String>,
}

impl EventSummary {
    /// Reads a record.
    pub fn of(record: &Record<'_>) -> EventSummary {
        let text = |keys: &[&str]| record.at(keys).map(|text| bounded(&text));
        let event_name = text(&["eventName"]).unwrap_or_default();
        let event_id = text(&["eventID"]);
        let written = record.at(&["eventTime"]);
        let time = written.as_deref().and_then(crate::time::parse);
        let event_time = time.and_then(crate::time::rfc3339);
        let same_time = event_time.clone().or(written.as_deref().map(bounded));
        let (outcome, reason) = outcome::of(record);
        let (handshake, ids) = handshake(record);
        EventSummary {
            key: event_key(record, event_id.as_deref(), &event_name, same_time.as_deref()),
            time,
            unreadable_time: match time {
                Some(_) => None,
                None => Some(written.as_deref().map(bounded).unwrap_or_default()),
            },
            event_time,
            event_id,
            event_name,
            event_source: text(&["eventSource"]).unwrap_or_default(),
            outcome,
            denied_account: text(&["errorMessage"]).and_then(|text| denied_account(&text)),
            outcome_reason: reason.map(|reason| bounded(&reason)),
            accounts: Accounts {
                acting: text(&["userIdentity", "accountId"]),
                recipient: text(&["recipientAccountId"]),
            },
            principal: principal(record),
            actor: Actor::of(record),
            principal_id: text(&["userIdentity", "principalId"]),
            source_ip: text(&["sourceIPAddress"]),
            user_agent: text(&["userAgent"]),
            region: text(&["awsRegion"]),
            handshake,
            handshake_organization: ids.organization,
        }
    }

    /// The name that new terms are remembered by: root has none, and must not be missed for it.
    pub fn user_name(&self) -> Option<&str> {
        let principal = &self.principal;
        principal.name.as_deref().or(principal.arn.as_deref()).or(self.principal_id.as_deref())
    }
}

/// `… on resource: arn:aws:organizations::<management>:account/<o-id>/<account> because …`
fn denied_account(message: &str) -> Option<String> {
    let (_, resource) = message.split_once("on resource: ")?;
    let (_, path) = resource.split(' ').next()?.split_once(":account/")?;
    let account = path.rsplit('/').next()?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| account.to_owned())
}

fn principal(record: &Record<'_>) -> Principal {
    let identity = |key| record.at(&["userIdentity", key]).map(|text| bounded(&text));
    let issuer = |key| {
        record
            .at(&["userIdentity", "sessionContext", "sessionIssuer", key])
            .map(|text| bounded(&text))
    };
    let yes = |text: &str| match text.to_ascii_lowercase().as_str() {
        "true" | "yes" => Some(true),
        "false" | "no" => Some(false),
        _ => None,
    };
    let mfa = record
        .at(&["userIdentity", "sessionContext", "attributes", "mfaAuthenticated"])
        .or_else(|| record.at(&["additionalEventData", "MFAUsed"]));
    Principal {
        kind: identity("type"),
        arn: identity("arn"),
        name: identity("userName").or_else(|| issuer("userName")).or_else(|| nameless(record)),
        access_key_id: identity("accessKeyId"),
        mfa: mfa.and_then(|text| yes(&text)),
        issuer: issuer("arn"),
        console: record.at(&["sessionCredentialFromConsole"]).and_then(|text| yes(&text)),
    }
}

/// The name of a principal that has neither a user's name nor an ARN: the user of IAM Identity Center, or
/// what the provider of a web identity calls it.
fn nameless(record: &Record<'_>) -> Option<String> {
    let kind = record.at(&["userIdentity", "type"])?;
    let text = match &*kind {
        "IdentityCenterUser" => record.at(&["userIdentity", "onBehalfOf", "userId"]),
        "WebIdentityUser" | "SAMLUser" => record.at(&["userIdentity", "principalId"]),
        _ => None,
    };
    text.map(|text| bounded(&text))
}

fn handshake(record: &Record<'_>) -> (Option<Handshake>, OrgIds) {
    let response =
        |key| record.at(&["responseElements", "handshake", key]).map(|text| bounded(&text));
    let arn = response("arn");
    let ids = arn.as_deref().map(org_ids).unwrap_or_default();
    let handshake = Handshake {
        id: response("id").or_else(|| {
            record.at(&["requestParameters", "handshakeId"]).map(|text| bounded(&text))
        }),
        action: response("action")
            .map(|action| action.to_ascii_uppercase())
            .or_else(|| ids.action.clone()),
        state: response("state"),
    };
    let any = handshake != Handshake::default();
    (any.then_some(handshake), ids)
}

fn org_ids(arn: &str) -> OrgIds {
    let mut segments = arn.split('/').skip(1);
    OrgIds {
        organization: segments.next().filter(|id| id.starts_with("o-")).map(str::to_owned),
        action: segments.next().map(str::to_ascii_uppercase),
    }
}

/// An event is the same if its id, name and time are: AWS's own samples share one id between
/// different events. The oldest records have no id; then everything that the record says counts,
/// in whatever order and layout it stands.
fn event_key(record: &Record<'_>, id: Option<&str>, name: &str, time: Option<&str>) -> Digest128 {
    match id {
        Some(id) => Digest128::of(&[id, name, time.unwrap_or_default()]),
        None => content::key(record),
    }
}
