//! Conditions of a rule over one event.

use serde::{Deserialize, Serialize};

use crate::{Glob, Regex};

/// A boolean expression over one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "crate::postfix::Postfix", into = "crate::postfix::Postfix")]
pub enum Expr {
    /// Every one holds.
    And(Vec<Expr>),
    /// At least one holds.
    Or(Vec<Expr>),
    /// At least so many hold: `2 of selection_*`.
    NOf(u64, Vec<Expr>),
    /// It does not hold.
    Not(Box<Expr>),
    /// A field's value matches.
    Item(Item),
}

impl Expr {
    /// The bytes that its regular expressions count for among those of a pack.
    pub fn regexes(&self) -> usize {
        match self {
            Expr::And(list) | Expr::Or(list) | Expr::NOf(_, list) => {
                list.iter().map(Expr::regexes).sum()
            }
            Expr::Not(inner) => inner.regexes(),
            Expr::Item(item) => {
                let size = |matcher: &Matcher| match matcher {
                    Matcher::Regex(regex) => regex.size(),
                    _ => 0,
                };
                item.matchers.iter().map(size).sum()
            }
        }
    }
}

/// A field and what its value may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The field.
    pub field: Field,
    /// The predicates on its value.
    pub matchers: Vec<Matcher>,
    /// Whether every matcher must match (the `all` modifier) rather than one.
    pub all: bool,
    /// Whether the item holds when they do not match (the `neq` modifier).
    pub negated: bool,
}

/// The source of a value: the record, or what orgwatch derives from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// A path into the record.
    Record(Path),
    /// A value that orgwatch works out.
    Derived(Derived),
    /// Every text of the record, at any depth: what keywords are looked for in.
    Keyword,
}

/// The values that orgwatch works out, named `orgwatch.…` in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Derived {
    /// The user's name, or that of the role behind the session, or what identifies root.
    UserName,
    /// The destination of an accepted handshake: `own`, `trusted` or `other`.
    Destination,
    /// The account that the finding says is affected; for the keys of chains.
    Account,
    /// The type of the organization policy concerned: `SERVICE_CONTROL_POLICY`, …
    PolicyType,
    /// `true` for a policy that the settings guard.
    GuardPolicy,
    /// `true` when a policy in the request allows a call that takes an account out of its organization.
    GrantsLeave,
    /// The calls of that kind which a policy in the request allows, joined by commas.
    Allows,
    /// The callers that a trust policy in the request admits: `everyone`, or an account `outside`.
    Trusts,
    /// The severity that the rule gives the event; for the members of chains.
    Severity,
    /// The organization of the finding, as chains tie it.
    Organization,
    /// The account that a removed guardrail was about, or else the organization; for the keys of chains.
    AccountOrOrganization,
    /// Both the finding's account and its organization, each in a group of its own; for the keys of chains.
    AccountAndOrganization,
    /// `true` when an accepted invitation takes the account out of the settings' organization.
    Transfer,
    /// `true` when an AWS service acted through a role that no customer can assume.
    ByAws,
    /// `management`, `member` or `other`: the account in which the event happened, by the settings.
    ActsIn,
    /// The kind of the request's `targetId`: `management`, `quarantine`, `account`, `root` or `unit`.
    TargetIs,
    /// Whether the settings guard the organizational unit that an account is moved to: `true` or `false`.
    GuardedOu,
    /// `true` or `false`: whether the content of an organization policy denies leaving.
    DeniesLeave,
    /// `true` for an organization policy whose content denies everything.
    DeniesEverything,
    /// `named` for a resource that carries the trail by the settings, `likely` for one by its name.
    LogPath,
    /// Where a trail is sent by the request: `elsewhere`, `unknown` or `known`.
    TrailTo,
    /// `true` when the selectors in the request leave out management events that write.
    OmitsWrites,
    /// `true` for a policy document in the request that was left out, or cannot be read as it was cut off.
    PolicyUnreadable,
}

impl Derived {
    /// Every derived field and its name in a rule, without the leading `orgwatch.`.
    pub const ALL: &[(&str, Derived)] = &[
        ("user_name", Derived::UserName),
        ("destination", Derived::Destination),
        ("account", Derived::Account),
        ("policy_type", Derived::PolicyType),
        ("guard_policy", Derived::GuardPolicy),
        ("grants_leave", Derived::GrantsLeave),
        ("allows", Derived::Allows),
        ("trusts", Derived::Trusts),
        ("severity", Derived::Severity),
        ("organization", Derived::Organization),
        ("account_or_organization", Derived::AccountOrOrganization),
        ("account_and_organization", Derived::AccountAndOrganization),
        ("transfer", Derived::Transfer),
        ("by_aws", Derived::ByAws),
        ("acts_in", Derived::ActsIn),
        ("target_is", Derived::TargetIs),
        ("guarded_ou", Derived::GuardedOu),
        ("denies_leave", Derived::DeniesLeave),
        ("denies_everything", Derived::DeniesEverything),
        ("log_path", Derived::LogPath),
        ("trail_to", Derived::TrailTo),
        ("omits_writes", Derived::OmitsWrites),
        ("policy_unreadable", Derived::PolicyUnreadable),
    ];
}

/// A dotted path into a record: `requestParameters.target.id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Path {
    /// As the rule wrote it.
    pub text: String,
    /// Its segments.
    pub segments: Vec<String>,
}

impl From<String> for Path {
    fn from(text: String) -> Self {
        let segments = text.split('.').map(str::to_owned).collect();
        Path { text, segments }
    }
}

impl From<&str> for Path {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.text
    }
}

/// A predicate on one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matcher {
    /// Text that fits a pattern.
    Text(Glob),
    /// A number equal to this one, or text that reads as it.
    Equals(f64),
    /// Greater.
    Gt(f64),
    /// Greater or equal.
    Gte(f64),
    /// Less.
    Lt(f64),
    /// Less or equal.
    Lte(f64),
    /// `true` or `false`, or text that says so.
    Bool(bool),
    /// Null, or no such field.
    Null,
    /// The field is there, be it null, or the opposite.
    Exists(bool),
    /// An IP address inside this network.
    Cidr {
        /// The network's address.
        network: std::net::IpAddr,
        /// The number of leading bits that count.
        prefix: u8,
    },
    /// Text in which a regular expression matches.
    Regex(Regex),
    /// The value of another field.
    FieldRef(FieldRef),
}

/// A comparison with the value of another field of the same event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRef {
    /// The other field.
    pub field: Field,
    /// What the value is to that of the other field.
    pub relation: Relation,
    /// Whether case counts.
    pub cased: bool,
}

/// The relation of a text to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// They are equal.
    Equal,
    /// It has the other in it.
    Contains,
    /// It begins with the other.
    StartsWith,
    /// It ends with the other.
    EndsWith,
}

impl Relation {
    /// Whether a text is in this relation to another.
    pub fn holds(self, text: &str, other: &str) -> bool {
        match self {
            Relation::Equal => text == other,
            Relation::Contains => text.contains(other),
            Relation::StartsWith => text.starts_with(other),
            Relation::EndsWith => text.ends_with(other),
        }
    }
}
