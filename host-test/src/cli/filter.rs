//! `--since`, `--until` and `--account`: which events are examined.

use anyhow::{Result, ensure};
use clap::Args;
use orgwatch::time::parse as parse_time;
use orgwatch_host::scan::{Filter, FilteredOut, Totals};

use orgwatch_host::output::{number, plural};

/// Which events are examined.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which events")]
pub(super) struct FilterFlags {
    /// Only events from this time on: a date, which is its midnight in UTC, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<i64>,

    /// Only events before this time: with 2026-06-01, all of May and nothing of June
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<i64>,

    /// Only events that this account's trail recorded; may be given again for others. What the
    /// management account does to a member is recorded in the management account
    #[arg(long = "account", value_name = "NUMBER", value_parser = account, value_delimiter = ',')]
    accounts: Vec<String>,
}

impl FilterFlags {
    /// Fails if it wants nothing at all.
    pub(super) fn filter(&self) -> Result<Filter> {
        let FilterFlags { since, until, accounts } = self.clone();
        let empty = since.zip(until).is_some_and(|(since, until)| since >= until);
        ensure!(!empty, "no event is from --since on and before --until: --until must be later");
        Ok(Filter { since, until, accounts: accounts.into_iter().collect() })
    }
}

fn time(text: &str) -> Result<i64, String> {
    let is_date = text.len() == 10;
    let full = if is_date { format!("{text}T00:00:00Z") } else { text.to_owned() };
    // What lacks a zone is not guessed, though it is where events lack it.
    let has_zone = is_date || text.ends_with(['Z', 'z']) || text[..].rfind(['+', '-']) > Some(10);
    let time = if has_zone { parse_time(&full) } else { None };
    time.ok_or_else(|| {
        "give a date, 2026-05-04, or a time with its zone, 2026-05-04T12:00:00Z".to_owned()
    })
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err("an account's number has 12 digits, zeros in front included: 012345678901".to_owned())
}

/// Events and files filtered out, and why, as a row of a summary; none if there are none.
pub(super) fn filtered_out(totals: &Totals) -> Option<(&'static str, String)> {
    let (events, files) = (totals.filtered_out, totals.files_filtered_out);
    let mut parts = Vec::new();
    if events.all() > 0 {
        parts.push(format!(
            "{} that a rule names ({})",
            plural(events.all(), "event"),
            why(events)
        ));
    }
    if files.all() > 0 {
        parts.push(format!("{} by their folders ({})", plural(files.all(), "file"), why(files)));
    }
    if parts.is_empty() {
        return None;
    }
    let nothing = totals.counts.evaluated == 0;
    let rest = if nothing { "; nothing that a rule names is left" } else { "" };
    Some(("filtered out", parts.join(", ") + rest))
}

fn why(filtered_out: FilteredOut) -> String {
    let FilteredOut { before, after, account } = filtered_out;
    let parts =
        [(before, "before --since"), (after, "not before --until"), (account, "not of --account")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, why)| format!("{} {why}", number(count))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_or_refused() {
        assert_eq!(time("1970-01-02"), Ok(86_400));
        for same in
            ["1970-01-02T00:00:00Z", "1970-01-02T01:00:00+01:00", "1970-01-01t23:30:00-00:30"]
        {
            assert_eq!(time(same), Ok(86_400), "{same}");
        }
        for bad in [
            "",
            "yesterday",
            "1970-13-01",
            "1970-02-30",
            "1970-1-2",
            "02.01.1970",
            "86400",
            "1970-01-02T00:00:00",
            "1970-01-02 00:00:00",
            "1970-01-02T00:00",
            "1970-01-02Z",
            "é",
        ] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn accounts_are_numbers_of_twelve_digits() {
        assert!(account("012345678901").is_ok());
        for bad in ["", "12345678901", "1234567890123", "0123-4567-8901", "١١١١٢٢٢٢٣٣٣٣"]
        {
            assert!(account(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_leaves_nothing_is_refused() {
        let flags = |since, until| FilterFlags { since, until, accounts: Vec::new() };
        assert!(flags(Some(1), Some(2)).filter().is_ok());
        assert!(flags(Some(2), Some(2)).filter().is_err());
        assert!(flags(None, None).filter().unwrap().is_empty());
    }

    #[test]
    fn why_something_was_left_out_is_said() {
        let mut totals = Totals::default();
        assert_eq!(filtered_out(&totals), None);
        totals.filtered_out = FilteredOut { before: 1000, after: 0, account: 2 };
        totals.files_filtered_out = FilteredOut { before: 0, after: 1, account: 0 };
        let said = "1,002 events that a rule names (1,000 before --since, 2 not of --account), \
                    1 file by their folders (1 not before --until); nothing that a rule names is left";
        assert_eq!(filtered_out(&totals), Some(("filtered out", said.to_owned())));
        totals.counts.evaluated = 1;
        assert!(!filtered_out(&totals).unwrap().1.contains("nothing"));
    }
}
