//! Who is behind a principal: what a record says beside its ARN, and whether it is AWS itself.

use super::Record;
use crate::text::bounded;

/// The facts about who acted that stand beside the principal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// The account that acted through a role by a delegation (`invokedByDelegate`).
    pub delegate: Option<String>,
    /// The user of IAM Identity Center on whose behalf it was (`onBehalfOf`).
    pub on_behalf_of: Option<String>,
    /// The identity store of that user.
    pub identity_store: Option<String>,
    /// The name that was set when the role was assumed (`sourceIdentity`).
    pub source_identity: Option<String>,
    /// The provider of a web identity or of a SAML assertion.
    pub identity_provider: Option<String>,
}

impl Actor {
    /// Reads a record.
    pub(super) fn of(record: &Record<'_>) -> Actor {
        let at = |keys: &[&str]| record.at(keys).map(|text| bounded(&text));
        let web = |key| at(&["userIdentity", "sessionContext", "webIdFederationData", key]);
        Actor {
            delegate: at(&["userIdentity", "invokedByDelegate", "accountId"])
                .or_else(|| at(&["userIdentity", "invokedByDelegate"])),
            on_behalf_of: at(&["userIdentity", "onBehalfOf", "userId"]),
            identity_store: at(&["userIdentity", "onBehalfOf", "identityStoreArn"]),
            source_identity: at(&["userIdentity", "sessionContext", "sourceIdentity"]),
            identity_provider: at(&["userIdentity", "identityProvider"])
                .or_else(|| web("federatedProvider")),
        }
    }

    /// As a finding's details name them.
    pub fn details(&self) -> impl Iterator<Item = (String, String)> {
        let Actor { delegate, on_behalf_of, identity_store, source_identity, identity_provider } =
            self.clone();
        [
            (DELEGATE, delegate),
            (ON_BEHALF_OF, on_behalf_of),
            ("identity_store", identity_store),
            (SOURCE_IDENTITY, source_identity),
            ("identity_provider", identity_provider),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    }
}

/// The names of details that approvals may ask for.
pub const DELEGATE: &str = "invoked_by_delegate";
/// The user of IAM Identity Center.
pub const ON_BEHALF_OF: &str = "on_behalf_of";
/// The name that was set when the role was assumed.
pub const SOURCE_IDENTITY: &str = "source_identity";

/// Whether an AWS service acted through a role that no customer can assume: one that is linked to the
/// service, or Control Tower's own when it enrols and moves accounts.
pub fn is_aws(record: &Record<'_>) -> bool {
    let is_service = |text: &str| {
        let text = text.trim();
        text.ends_with(".amazonaws.com") || text.eq_ignore_ascii_case("AWS Internal")
    };
    let says = |keys: &[&str]| record.at(keys).is_some_and(|text| is_service(&text));
    // Which of them a service fills in is different from one to the next; no caller can.
    let by_service = says(&["userIdentity", "invokedBy"])
        || says(&["sourceIPAddress"])
        || record.at(&["userIdentity", "type"]).is_some_and(|kind| kind == "AWSService");
    if !by_service {
        return false;
    }
    let issuer = record.at(&["userIdentity", "sessionContext", "sessionIssuer", "arn"]);
    let Some((_, role)) = issuer.as_deref().and_then(|arn| arn.split_once(":role/")) else {
        return false;
    };
    match role {
        "service-role/AWSControlTowerAdmin" => true,
        // Its baseline makes the roles of an account that is enrolled.
        "AWSControlTowerExecution" => {
            let made = record.at(&["requestParameters", "roleName"]);
            made.is_some_and(|role| role.starts_with("aws-controltower-"))
        }
        role => role.starts_with("aws-service-role/"),
    }
}
