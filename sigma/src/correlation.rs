//! Correlations in the form that they are evaluated in.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::{Expr, Field, RuleMetadata, SeverityWhen, Template};

/// The most places in chains that one event has: the memory keeps no more.
pub const MAX_PLACES: usize = 50;

/// The bound on chains in one another. The compiler refuses more, and a pack that was made by hand is looked into no
/// further.
pub const MAX_NESTING: usize = 4;

/// A Sigma correlation: findings that mean more together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// Its metadata.
    pub about: RuleMetadata,
    /// It gives no finding of its own, only events of other chains.
    pub internal: bool,
    /// The relation of its members.
    pub kind: CorrelationKind,
    /// The members.
    pub members: Vec<Member>,
    /// The window, in seconds of event time.
    pub window: i64,
    /// The severities that follow where the account went: the first that holds replaces the level.
    pub severity: Vec<SeverityWhen>,
    /// The details that this chain adds to the finding.
    pub details: Vec<(String, Template)>,
}

/// The relation of a chain's members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrelationKind {
    /// One of each, in any order.
    Temporal,
    /// One of each, in the order of the members; equal times satisfy it.
    TemporalOrdered,
    /// So many events of any member.
    EventCount(Threshold),
    /// So many different values of a field in events of any member.
    ValueCount(Threshold, Field),
}

/// The counts for which a condition holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// The least count, 1 or more: an event that is looked at is counted itself.
    pub least: u64,
    /// The greatest, if there is one.
    pub most: Option<u64>,
    /// Counts in between that are none.
    pub except: Vec<u64>,
}

impl Threshold {
    /// So many or more.
    pub fn at_least(least: u64) -> Self {
        Threshold { least, ..Threshold::default() }
    }

    /// Whether the condition holds for a count, which may be cut off at the [bound](Self::bound).
    pub fn holds(&self, count: u64) -> bool {
        let below = self.most.is_none_or(|most| count <= most);
        self.least <= count && below && !self.except.contains(&count)
    }

    /// The count from which on a higher one makes no difference.
    pub fn bound(&self) -> u64 {
        let not = self.most.iter().chain(&self.except).map(|count| count.saturating_add(1));
        not.fold(self.least, u64::max)
    }

    /// Whether no count satisfies the condition.
    pub fn is_never(&self) -> bool {
        let most = self.most.unwrap_or_else(|| self.bound());
        self.least > most || (self.least..=most.min(self.bound())).all(|count| !self.holds(count))
    }
}

/// One place in a chain: any of these rules and chains takes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The rules.
    pub rules: Vec<MemberRule>,
    /// The chains.
    pub chains: Vec<MemberChain>,
}

/// A chain that feeds another: each of its findings is an event of that, at the time of its last part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberChain {
    /// Its slug.
    pub slug: SmolStr,
    /// The values of its own group that tie the other chain together: their numbers.
    pub key: Vec<u32>,
    /// The value of its own group that the other chain counts.
    pub value: Option<u32>,
}

/// A rule that feeds a chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberRule {
    /// Its slug.
    pub slug: SmolStr,
    /// The fields of its events whose values tie the chain together.
    pub key: Vec<Field>,
    /// The condition under which its events count, if not all do.
    pub member_filter: Option<Expr>,
    /// Its events count only before a call that succeeded.
    pub before_success: bool,
}
