//! Text with places for an event's values.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Path;

/// A template: what stands between `{` and `}` is replaced by a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub Vec<Part>);

impl Template {
    /// The paths into a record that it names.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let sources = self.0.iter().flat_map(|part| match part {
            Part::Text(_) => [].as_slice(),
            Part::Value(sources) => sources,
        });
        sources.filter_map(|source| match source {
            Source::Record(path) => Some(path),
            Source::Finding(_) | Source::Literal(_) => None,
        })
    }
}

/// As the rule wrote it: `{name}` for a value, `{a|b}` for the first of several.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Value(sources) => {
                    let names: Vec<&str> = sources.iter().map(Source::name).collect();
                    write!(f, "{{{}}}", names.join("|"))?;
                }
            }
        }
        Ok(())
    }
}

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// The first of these that the event has.
    Value(Vec<Source>),
}

/// The source of a value in a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A value of the finding.
    Finding(Value),
    /// A path into the record.
    Record(Path),
    /// This text, where nothing before it has a value.
    Literal(String),
}

impl Source {
    /// As a template names it.
    pub fn name(&self) -> &str {
        match self {
            Source::Finding(value) => value.name(),
            Source::Record(path) => &path.text,
            Source::Literal(text) => text,
        }
    }
}

macro_rules! values {
    ($($variant:ident = $name:literal: $doc:literal),* $(,)?) => {
        /// The values that a template may name besides paths into the record.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Value {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl Value {
            /// Every value and its name in a template.
            pub const ALL: &[(&str, Value)] = &[$(($name, Value::$variant)),*];

            /// Its name in a template.
            pub fn name(self) -> &'static str {
                match self {
                    $(Value::$variant => $name,)*
                }
            }
        }
    };
}

values! {
    Account = "account": "The account affected.",
    ActingAccount = "acting_account": "The principal's account.",
    RecipientAccount = "recipient_account": "The account whose trail recorded the event.",
    Organization = "organization": "The organization affected.",
    DestinationOrganization = "destination_organization": "The organization that the account goes to.",
    ManagementAccount = "management_account": "The management account, from the settings.",
    Outcome = "outcome": "`success` or `failure`.",
    DeniedAccount = "denied_account": "The account in the ARN of the resource that a denial names.",
    OutcomeReason = "outcome_reason": "Why the call failed.",
    EventName = "event_name": "`eventName`.",
    EventSource = "event_source": "`eventSource`.",
    EventTime = "event_time": "`eventTime`, as RFC 3339.",
    Principal = "principal": "The principal's ARN, or else the best name there is.",
    PrincipalArn = "principal.arn": "The principal's ARN.",
    PrincipalName = "principal.name": "The user's name, or the role's behind the session.",
    PrincipalType = "principal.type": "`userIdentity.type`.",
    PrincipalAccessKeyId = "principal.access_key_id": "The access key.",
    PrincipalIssuer = "principal.issuer": "The ARN of the session's issuer.",
    SourceIp = "source_ip": "`sourceIPAddress`.",
    UserAgent = "user_agent": "`userAgent`.",
    Region = "region": "`awsRegion`.",
    TargetType = "target.type": "The target's type.",
    TargetId = "target.id": "The target's id.",
    HandshakeId = "handshake.id": "The handshake's id.",
    HandshakeAction = "handshake.action": "The handshake's action.",
    PolicyType = "policy_type": "The type of the organization policy concerned.",
    Allows = "allows": "The calls that take an account out of its organization and that a policy in the request allows.",
    DeniesLeave = "denies_leave": "`true` or `false`: whether the content of an organization policy denies leaving.",
    Way = "way": "How an account in a chain went over: `transfer` or `leave`.",
    Trusts = "trusts": "Whom a trust policy in the request admits: `everyone` or `outside`.",
    Parts = "parts": "The slugs of a chain's parts, in the order of their times.",
    FirstSeen = "first_seen": "The time of the first event.",
    LastSeen = "last_seen": "The time of the last event.",
    HandshakeOrganization = "handshake.organization": "The organization in the handshake's ARN.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_shown_as_it_was_written() {
        let path = Source::Record("requestParameters.policyId".into());
        let template = Template(vec![
            Part::Text("Account ".into()),
            Part::Value(vec![Source::Finding(Value::Account), path]),
            Part::Text(".".into()),
        ]);
        assert_eq!(template.to_string(), "Account {account|requestParameters.policyId}.");
        for (name, value) in Value::ALL {
            assert_eq!(value.name(), *name);
        }
    }
}
