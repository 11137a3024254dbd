//! Accounts that fall silent: who used to speak and no longer does may be out, and no event says so.
//!
//! Every event that is examined counts, and so does a heartbeat, a [heartbeat](crate::heartbeat) of the
//! whole stream. Only event time counts. A finding is made of a record of our own, through the pack's rule, which
//! no record that is examined can match.

use std::collections::BTreeSet;

use orgwatch_sigma::Rule;

use crate::finding::Finding;
use crate::json::Value;
use crate::memory::Voice;
use crate::rules::Context;

/// The `eventSource` of the record that the rule matches.
const SOURCE: &str = "silence.orgwatch";

/// The lateness of events that is allowed, in seconds, where the settings do not say.
const LATE: i64 = 3600;

/// The rules that know of an exit by their findings alone.
const EXITS: [&str; 4] =
    ["member-left-organization", "account-removed", "account-closed", "organization-deleted"];

/// The settings: whose silence is told, and after how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The accounts.
    pub accounts: BTreeSet<String>,
    /// The seconds of silence.
    pub after: i64,
    /// The seconds that events may be late beside.
    pub late: i64,
}

impl Default for Silence {
    fn default() -> Self {
        Silence { accounts: BTreeSet::new(), after: 86_400, late: LATE }
    }
}

impl Silence {
    /// How far the others have to be ahead.
    pub fn ahead(&self) -> i64 {
        self.after.saturating_add(self.late)
    }
}

/// Whether a rule is the one of silence.
pub fn is_of(rule: &Rule) -> bool {
    rule.event_sources.iter().any(|source| source == SOURCE)
}

/// The account and the time of a record that is examined.
pub fn speaks(record: Value<'_>) -> Option<(String, i64)> {
    let text = |value: Value<'_>| value.scalar().map(|text| text.into_owned());
    let own = record.get("recipientAccountId").and_then(text);
    let account = own.or_else(|| text(record.get("userIdentity")?.get("accountId")?))?;
    Some((account, crate::time::parse(&text(record.get("eventTime")?)?)?))
}

/// The accounts that a finding says have left.
pub fn who_left<'a>(finding: &'a Finding, context: &Context<'_>) -> Vec<&'a str> {
    let derived = |derived| context.derived(derived).is_some();
    let cleaned = finding.details.iter().any(|(name, method)| {
        name == "method"
            && !["LEFT", "REMOVED"].iter().any(|left| method.eq_ignore_ascii_case(left))
    });
    let left = match &*finding.rule {
        "account-departed" => !cleaned,
        "handshake-accepted" => derived(orgwatch_sigma::Derived::Transfer),
        slug => EXITS.contains(&slug),
    };
    let accounts = finding.account.as_deref().filter(|_| left).unwrap_or_default();
    accounts.split(", ").filter(|account| !account.is_empty()).collect()
}

/// The record that the rule matches. What it says follows from the account and its times alone.
pub fn record(account: &str, voice: Voice, silence: &Silence) -> String {
    let time = |seconds| crate::time::rfc3339(seconds).unwrap_or_default();
    let seen = time(voice.seen);
    let is_known =
        voice.left > i64::MIN && voice.left.saturating_add(silence.ahead()) >= voice.seen;
    let left = match is_known {
        true => format!(",\"knownExit\":\"{}\"", time(voice.left)),
        false => String::new(),
    };
    let hours = silence.after / 3600;
    format!(
        "{{\"eventSource\":\"{SOURCE}\",\"eventName\":\"AccountFellSilent\",\"eventTime\":\"{seen}\",\
         \"eventID\":\"silence of {account} since {seen}\",\"recipientAccountId\":\"{account}\",\
         \"serviceEventDetails\":{{\"lastSeen\":\"{seen}\",\"hours\":{hours}{left}}}}}"
    )
}
