//! Approvals: who may do what, to which account or organization, until when, and why.

use orgwatch_sigma::{Glob, Pack};
use serde_json::Value;

use super::check::{ACCOUNT, Check, ORGANIZATION, PROSE, below, nearest};
use super::principal::PRINCIPAL;
use crate::finding::Principal;
use crate::record::{DELEGATE, ON_BEHALF_OF, SOURCE_IDENTITY};

/// One approval. What it does not name it does not ask for; it names principals at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Why: the finding's `status_reason`.
    pub reason: String,
    /// Principals: wildcards over the principal's ARN and its session issuer's.
    pub principals: Vec<Glob>,
    /// Rules: wildcards over slugs.
    pub rules: Vec<Glob>,
    /// To which accounts.
    pub accounts: Vec<String>,
    /// To which organizations an account may go.
    pub organizations: Vec<String>,
    /// Wildcards over source identities, one of which must fit if there are any.
    pub source_identities: Vec<Glob>,
    /// Users of IAM Identity Center, on behalf of one of whom it must be if there are any.
    pub on_behalf_of: Vec<String>,
    /// Accounts that may act by a delegation.
    pub delegates: Vec<String>,
    /// Until when, in seconds since 1970; not itself included.
    pub until: i64,
}

const KEYS: &[&str] = &[
    "reason",
    "principals",
    "rules",
    "accounts",
    "organizations",
    "source_identities",
    "on_behalf_of",
    "delegates",
    "until",
];

impl Approval {
    /// Reads and checks one.
    pub(super) fn read(
        path: &str,
        value: &Value,
        pack: &Pack,
        check: &mut Check,
    ) -> Option<Approval> {
        let problems = check.problems.len();
        let mut approval = Approval {
            reason: String::new(),
            principals: Vec::new(),
            rules: Vec::new(),
            accounts: Vec::new(),
            organizations: Vec::new(),
            source_identities: Vec::new(),
            on_behalf_of: Vec::new(),
            delegates: Vec::new(),
            until: 0,
        };
        let found = check.object(path, value, KEYS);
        for required in ["reason", "principals", "until"] {
            if !found.contains_key(required) {
                check.wrong(
                    &below(path, required),
                    &Value::Null,
                    "an approval says who, until when and why",
                );
            }
        }
        for (key, value) in found {
            let path = below(path, key);
            match key {
                "reason" => approval.reason = check.text(&path, value, PROSE).unwrap_or_default(),
                "principals" => {
                    approval.principals = check
                        .texts(&path, value, PRINCIPAL)
                        .iter()
                        .map(|text| Glob::wildcard(text))
                        .collect();
                    if value.as_array().is_some_and(Vec::is_empty) {
                        check.wrong(&path, value, "name at least one principal");
                    }
                }
                "rules" => approval.rules = slugs(&path, value, pack, check),
                "accounts" => approval.accounts = check.texts(&path, value, ACCOUNT),
                "organizations" => approval.organizations = check.texts(&path, value, ORGANIZATION),
                "source_identities" => {
                    let globs = check.texts(&path, value, PROSE);
                    approval.source_identities =
                        globs.iter().map(|text| Glob::wildcard(text)).collect();
                }
                "on_behalf_of" => approval.on_behalf_of = check.texts(&path, value, PROSE),
                "delegates" => approval.delegates = check.texts(&path, value, ACCOUNT),
                _ => approval.until = check.time(&path, value).unwrap_or_default(),
            }
        }
        (check.problems.len() == problems).then_some(approval)
    }

    /// Whether it covers what was done at this time. A chain is named by its own slug or by that of
    /// the event which completes it.
    pub fn covers(&self, done: &Action<'_>, slugs: &[&str], time: Option<i64>) -> bool {
        let principal = done.principal;
        // A user of IAM Identity Center or of another provider may have no ARN.
        let kinds = ["IdentityCenterUser", "WebIdentityUser", "SAMLUser"];
        let is_nameless = principal.arn.is_none()
            && principal.kind.as_deref().is_some_and(|kind| kinds.contains(&kind));
        let nameless = is_nameless.then_some(&principal.name);
        let arns = [&principal.arn, &principal.issuer];
        let names: Vec<_> = arns.into_iter().chain(nameless).flatten().collect();
        let any = |globs: &[Glob], text: &str| globs.iter().any(|glob| glob.matches(text));
        let accounts = done.account.unwrap_or_default().split(", ");
        time.is_some_and(|time| time < self.until)
            // A service's event names nobody: then the account must be named.
            && (names.into_iter().any(|name| any(&self.principals, name))
                || (done.is_of_service() && !self.accounts.is_empty()))
            && done.says(SOURCE_IDENTITY, self.source_identities.is_empty(), |text| {
                any(&self.source_identities, text)
            })
            && done.says(ON_BEHALF_OF, self.on_behalf_of.is_empty(), |text| {
                self.on_behalf_of.iter().any(|own| own == text)
            })
            // What a delegate does through a role is not what the role's owner was approved for.
            && done.says(DELEGATE, done.detail(DELEGATE).is_none(), |text| {
                self.delegates.iter().any(|own| own == text)
            })
            && (self.rules.is_empty() || slugs.iter().any(|slug| any(&self.rules, slug)))
            && (self.accounts.is_empty()
                || accounts.into_iter().all(|account| self.accounts.iter().any(|own| own == account)))
            && (self.organizations.is_empty() || match done.destination {
                Leads::Unsaid => true,
                Leads::Anywhere => false,
                Leads::To(to) => self.organizations.iter().any(|own| own == to),
            })
    }
}

/// The facts of an action that approvals look at.
#[derive(Debug, Clone, Copy)]
pub struct Action<'a> {
    /// Its principal.
    pub principal: &'a Principal,
    /// From where.
    pub source_ip: Option<&'a str>,
    /// To which account; several are joined by commas.
    pub account: Option<&'a str>,
    /// To which organization the account goes.
    pub destination: Leads<'a>,
    /// The details of the finding, some of which say more about who acted.
    pub details: &'a [(String, String)],
}

/// The organization that an action leads an account to.
#[derive(Debug, Clone, Copy)]
pub enum Leads<'a> {
    /// An event of its kind does not say: an exit, for one. The invitation accepted before it does.
    Unsaid,
    /// An event of its kind does, and this one does not: it may be anywhere.
    Anywhere,
    /// To this organization.
    To(&'a str),
}

impl<'a> Leads<'a> {
    /// The destination that a finding names, whose rule names one for every event or for none.
    pub fn to(organization: Option<&'a str>, said: bool) -> Leads<'a> {
        match organization {
            Some(organization) => Leads::To(organization),
            None if said => Leads::Anywhere,
            None => Leads::Unsaid,
        }
    }
}

impl Action<'_> {
    fn detail(&self, name: &str) -> Option<&str> {
        self.details.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a detail is as asked, or nothing is asked of it.
    fn says(&self, name: &str, unasked: bool, fits: impl Fn(&str) -> bool) -> bool {
        unasked || self.detail(name).is_some_and(fits)
    }

    /// Whether AWS itself did it: nobody's name is in the event, and no address.
    fn is_of_service(&self) -> bool {
        let address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
        *self.principal == Principal::default() && !self.source_ip.is_some_and(address)
    }
}

/// Wildcards over slugs, each of which fits at least one.
fn slugs(path: &str, value: &Value, pack: &Pack, check: &mut Check) -> Vec<Glob> {
    let public = pack.public();
    for (path, value) in check.list(path, value) {
        let known =
            |text: &str| public.iter().any(|about| Glob::wildcard(text).matches(&about.slug));
        if !value.as_str().is_some_and(known) {
            let slugs: Vec<_> = public.iter().map(|about| about.slug.as_str()).collect();
            let nearest = nearest(value.as_str().unwrap_or_default(), &slugs);
            check.wrong(&path, value, &format!("no rule of that name; {nearest}"));
        }
    }
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(Glob::wildcard).collect()
}
