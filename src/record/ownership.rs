//! The user's own accounts and organizations, against which records are read.

use std::collections::BTreeSet;

use super::log_path::LogPath;

/// Accounts, organizations and policies that the user calls their own or trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The management account of the user's organization, which is one of its accounts.
    pub management_account: Option<String>,
    /// The user's organization, `o-…`.
    pub organization: Option<String>,
    /// Organizations that accounts may go to.
    pub trusted_organizations: BTreeSet<String>,
    /// The organization's accounts. A set: a policy may name a million accounts, and each is looked up.
    pub accounts: BTreeSet<String>,
    /// Policies whose removal is critical.
    pub guard_policies: Vec<String>,
    /// Organizational units that an account may be moved to.
    pub guarded_ous: BTreeSet<String>,
    /// Accounts that may be locked out.
    pub quarantine: BTreeSet<String>,
    /// The resources that carry the trail.
    pub log_path: LogPath,
}

/// The owner of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination {
    /// The user's own.
    Own,
    /// One that the user trusts.
    Trusted,
    /// Any other.
    Other,
}

impl Destination {
    /// As rules compare it.
    pub fn as_str(self) -> &'static str {
        match self {
            Destination::Own => "own",
            Destination::Trusted => "trusted",
            Destination::Other => "other",
        }
    }
}

impl Ownership {
    /// `management` for the management account, `member` for another of the user's accounts, or `other`, as
    /// far as the settings name any.
    pub fn place(&self, account: &str) -> Option<&'static str> {
        if self.management_account.as_deref() == Some(account) {
            Some("management")
        } else if self.accounts.contains(account) {
            Some("member")
        } else {
            (self.management_account.is_some() || !self.accounts.is_empty()).then_some("other")
        }
    }

    /// The owner of an organization.
    pub fn destination(&self, organization: &str) -> Destination {
        if self.organization.as_deref() == Some(organization) {
            Destination::Own
        } else if self.trusted_organizations.contains(organization) {
            Destination::Trusted
        } else {
            Destination::Other
        }
    }
}

/// Whether a text is an account number.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is an organization's id.
pub(crate) fn is_organization(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|id| {
        (10..=32).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}
