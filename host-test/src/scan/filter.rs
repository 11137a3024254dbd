//! The filter of events: by time and by account.

use std::collections::BTreeSet;
use std::path::Path;

use orgwatch::json::Value;
use orgwatch::time::parse as parse_time;

use super::bucket_path::{BucketPath, is_account};

/// For how long CloudTrail may deliver an event again, and a day for its folder.
const DELIVERED_AGAIN: i64 = 31 * DAY;

/// In seconds, as all times are here.
const DAY: i64 = 24 * 60 * 60;

/// Which events a scan examines. The others are neither examined nor remembered.
///
/// Times are seconds since 1970. An event whose time or account cannot be read is examined.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only events from this time on.
    pub since: Option<i64>,
    /// Only events before this time.
    pub until: Option<i64>,
    /// Only events of these accounts, whose trail recorded them; of all, if there are none here.
    pub accounts: BTreeSet<String>,
}

/// Why something was filtered out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FilterReason {
    Before,
    After,
    Account,
}

/// The number filtered out, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilteredOut {
    /// Before [`Filter::since`].
    pub before: u64,
    /// At or after [`Filter::until`].
    pub after: u64,
    /// Outside of [`Filter::accounts`].
    pub account: u64,
}

impl FilteredOut {
    /// How much it is altogether.
    pub fn all(&self) -> u64 {
        self.before + self.after + self.account
    }

    pub(super) fn count(&mut self, reason: FilterReason) {
        *match reason {
            FilterReason::Before => &mut self.before,
            FilterReason::After => &mut self.after,
            FilterReason::Account => &mut self.account,
        } += 1;
    }
}

impl std::ops::AddAssign for FilteredOut {
    fn add_assign(&mut self, other: FilteredOut) {
        self.before += other.before;
        self.after += other.after;
        self.account += other.account;
    }
}

impl Filter {
    /// Whether it wants everything.
    pub fn is_empty(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.accounts.is_empty()
    }

    /// Whether any of the events in a file may be wanted, by where it is.
    pub fn wants_file(&self, file: &Path) -> bool {
        self.filters_out_file(file).is_none()
    }

    /// Why none of the events in a file can be wanted; none if one may be.
    ///
    /// Only what the folders of a bucket say is used. An event is delivered after it happened, so a
    /// folder of a day before `since` has none that is wanted; one of a day after `until` may, for
    /// as long as CloudTrail delivers again.
    pub(super) fn filters_out_file(&self, file: &Path) -> Option<FilterReason> {
        if self.is_empty() {
            return None;
        }
        let path = BucketPath::of(file);
        if path.account.is_some_and(|account| !self.wants_account(account)) {
            return Some(FilterReason::Account);
        }
        let begins = path.day?.midnight().assume_utc().unix_timestamp();
        if self.since.is_some_and(|since| begins + DAY <= since) {
            return Some(FilterReason::Before);
        }
        self.until
            .is_some_and(|until| begins - DELIVERED_AGAIN > until)
            .then_some(FilterReason::After)
    }

    /// Why a record is not wanted; none if it is.
    pub(super) fn filters_out(&self, record: &Value<'_>) -> Option<FilterReason> {
        if !self.accounts.is_empty()
            && account(record).is_some_and(|account| !self.wants_account(&account))
        {
            return Some(FilterReason::Account);
        }
        if self.since.is_none() && self.until.is_none() {
            return None;
        }
        let time = parse_time(&record.get("eventTime")?.text()?)?;
        if self.since.is_some_and(|since| time < since) {
            return Some(FilterReason::Before);
        }
        self.until.is_some_and(|until| time >= until).then_some(FilterReason::After)
    }

    fn wants_account(&self, account: &str) -> bool {
        self.accounts.is_empty() || self.accounts.contains(account)
    }
}

/// The account whose trail recorded an event; where that is not said, the one that acted.
fn account(record: &Value<'_>) -> Option<String> {
    let known = |value: Value<'_>| value.text().filter(|text| is_account(text)).map(Into::into);
    let acting = || record.get("userIdentity")?.get("accountId");
    record.get("recipientAccountId").and_then(known).or_else(|| acting().and_then(known))
}

#[cfg(test)]
mod tests {
    use orgwatch::json::Tape;

    use super::*;

    fn filter() -> Filter {
        Filter {
            since: parse_time("2026-05-04T12:00:00Z"),
            until: parse_time("2026-05-06T00:00:00Z"),
            accounts: BTreeSet::from(["111122223333".to_owned()]),
        }
    }

    #[test]
    fn folders_are_left_out_only_where_that_is_safe() {
        let of = |account: &str, day: &str| {
            let file = format!("AWSLogs/{account}/CloudTrail/us-east-1/{day}/a.json.gz");
            filter().filters_out_file(Path::new(&file))
        };
        let ours = "111122223333";
        assert_eq!(of(ours, "2026/05/03"), Some(FilterReason::Before));
        // The same day, later ones, and deliveries of what happened before `until`.
        for day in ["2026/05/04", "2026/05/05", "2026/05/06", "2026/06/06"] {
            assert_eq!(of(ours, day), None, "{day}");
        }
        assert_eq!(of(ours, "2026/06/07"), Some(FilterReason::After));
        assert_eq!(of("444455556666", "2026/05/05"), Some(FilterReason::Account));
        assert_eq!(filter().filters_out_file(Path::new("2026/05/03/a.json.gz")), None);
        let all = Filter::default();
        let file = "AWSLogs/444455556666/CloudTrail/us-east-1/1999/05/05/a.json.gz";
        assert_eq!(all.filters_out_file(Path::new(file)), None);
    }

    #[test]
    fn events_are_left_out_by_their_own_words() {
        let of = |json: &str| {
            let mut tape = Tape::default();
            tape.parse(json).unwrap();
            filter().filters_out(&Value::root(&tape, json))
        };
        let at = |time: &str| {
            of(&format!(r#"{{"eventTime":"{time}","recipientAccountId":"111122223333"}}"#))
        };
        assert_eq!(at("2026-05-04T11:59:59Z"), Some(FilterReason::Before));
        assert_eq!(at("2026-05-04T12:00:00Z"), None);
        assert_eq!(at("2026-05-05T23:59:59Z"), None);
        assert_eq!(at("2026-05-06T00:00:00Z"), Some(FilterReason::After));
        assert_eq!(at("2026-05-06 00:00:00.000"), Some(FilterReason::After));
        assert_eq!(at("2026-05-06T01:00:00+02:00"), None);
        let acting = r#""userIdentity":{"accountId":"444455556666"}"#;
        assert_eq!(of(&format!("{{{acting}}}")), Some(FilterReason::Account));
        assert_eq!(of(&format!(r#"{{"recipientAccountId":"111122223333",{acting}}}"#)), None);
        // What cannot be read is examined.
        for json in ["{}", r#"{"eventTime":"soon","recipientAccountId":7}"#, r#"{"eventTime":1}"#] {
            assert_eq!(of(json), None, "{json}");
        }
    }
}
