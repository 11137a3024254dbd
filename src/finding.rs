//! The finding: what orgwatch says of the events that a rule matched.
//!
//! Field names are public, in the JSON form as in the WIT record. Absent values are absent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use orgwatch_sigma::Severity;
pub use smol_str::SmolStr;

/// Why a finding is, or need not be, an alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// An alert for an analyst.
    #[default]
    New,
    /// An approval in the settings covers it.
    Approved,
    /// Found while its rule was still learning what is normal.
    Learning,
    /// The settings put its rule on trial.
    DryRun,
    /// Another finding of its incident, as severe and of the same stage, is the alert.
    FollowUp,
    /// It need not alert for another reason, which stands beside it: for a component newer than this.
    Other,
}

impl Status {
    /// As findings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::New => "new",
            Status::Approved => "approved",
            Status::Learning => "learning",
            Status::DryRun => "dry-run",
            Status::FollowUp => "follow-up",
            Status::Other => "other",
        }
    }
}

/// Whether the call did what it asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Neither `errorCode` nor `errorMessage` is in the record.
    #[default]
    Success,
    /// One of them is.
    Failure,
    /// It is no call that could succeed or fail: for a component newer than this.
    Unknown,
}

impl Outcome {
    /// As findings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Unknown => "unknown",
        }
    }
}

/// The accounts an event names: whose principal acted, and whose trail recorded it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Accounts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

/// The principal that acted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// `userIdentity.type`: `AssumedRole`, `IAMUser`, `Root`, …
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The principal's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The user's name, or that of the role behind the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The access key that signed the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// Whether the session was opened with a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
    /// The ARN of the session's issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whether the credentials came from a console session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<bool>,
}

/// The resource that the call was aimed at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `ACCOUNT`, `EMAIL`, `POLICY`, …
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its id, as the request gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// The handshake of an invitation or of another agreement between accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// `h-…`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// In upper case: `INVITE`, `APPROVE_ALL_FEATURES`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// `OPEN`, `ACCEPTED`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The artifact that found it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// `orgwatch`.
    pub name: SmolStr,
    /// Its version.
    pub version: SmolStr,
    /// SHA-256 of the component, which only its host can know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// One finding. Times are RFC 3339 in UTC. Texts of the rule are shared with its pack, not copied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable: the same rule on the same events gives the same id anywhere. 32 hex digits.
    pub id: String,
    /// The rule's slug.
    pub rule: SmolStr,
    /// The rule's Sigma UUID.
    pub rule_id: SmolStr,
    /// The rule's title.
    pub title: SmolStr,
    /// Its severity.
    pub severity: Severity,
    /// Why it is, or need not be, an alert.
    pub status: Status,
    /// Why the status is not `new`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    /// The incident, the same for all findings of one account and UTC day. 32 hex digits.
    #[serde(default)]
    pub incident: String,
    /// The incident of the same account and the day before, since an attack may cross midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_before: Option<String>,
    /// The account affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The accounts that acted and recorded.
    pub accounts: Accounts,
    /// The organization affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The organization that the account goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_organization: Option<String>,
    /// Whether the call succeeded.
    pub outcome: Outcome,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome_reason: Option<String>,
    /// CloudTrail's `eventName`.
    pub event_name: String,
    /// CloudTrail's `eventSource`.
    pub event_source: String,
    /// The principal that acted.
    pub principal: Principal,
    /// From where: an IP address or a service's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// With what; whatever the caller chose to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// CloudTrail's `awsRegion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The resource that the call was aimed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The handshake that the event carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Handshake>,
    /// Names and values that one rule adds, in the rule's order.
    #[serde(default, with = "as_map", skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<(String, String)>,
    /// Ids of the findings in a chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// CloudTrail event ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// The time of the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// The time of the last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// The event in one sentence that a responder understands.
    pub summary: String,
    /// Why it matters.
    pub why: SmolStr,
    /// The likely benign cause.
    pub benign: SmolStr,
    /// The steps to take, with this event's values filled in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triage: Vec<String>,
    /// ATT&CK ids of `attack_version`: tactics, then techniques.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub attack: Arc<[String]>,
    /// The ATT&CK ids that other systems still use for the same.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub attack_aliases: Arc<[String]>,
    /// The version of ATT&CK that `attack` speaks of.
    pub attack_version: SmolStr,
    /// AWS Threat Technique Catalog ids.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub threat_catalogue: Arc<[String]>,
    /// The rules of other systems that this one answers to.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub covers: Arc<[String]>,
    /// The versions of what found it.
    pub artifact: Artifact,
    /// These events gave this finding before: a host drops what it has already delivered.
    #[serde(skip)]
    pub repeat: bool,
}

fn is_empty(list: &[String]) -> bool {
    list.is_empty()
}

/// `details` is a list, so that its order is the rule's, and a map in JSON.
mod as_map {
    use std::fmt;

    use serde::{Deserializer, Serializer, de, ser::SerializeMap};

    pub fn serialize<S: Serializer>(pairs: &[(String, String)], out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(Some(pairs.len()))?;
        for (name, value) in pairs {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Vec<(String, String)>, D::Error> {
        struct Pairs;
        impl<'de> de::Visitor<'de> for Pairs {
            type Value = Vec<(String, String)>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map of names to values")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        input.deserialize_map(Pairs)
    }
}
