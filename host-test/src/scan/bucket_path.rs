//! Account and day of a file, by the folders of the bucket.
//!
//! CloudTrail delivers to `AWSLogs/<account>/CloudTrail/<region>/yyyy/mm/dd/`, and a trail of an
//! organization to `AWSLogs/<organization>/<account>/…`. The date is that of the delivery, in UTC.

use std::path::Path;

use time::{Date, Month};

/// Account and day of a file; none, if it is not in such folders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct BucketPath<'a> {
    pub(super) account: Option<&'a str>,
    /// The day on which it was delivered: only of CloudTrail's own files.
    pub(super) day: Option<Date>,
}

impl<'a> BucketPath<'a> {
    pub(super) fn of(file: &'a Path) -> Self {
        let folders = file.parent().into_iter().flat_map(Path::iter);
        // A name that is not UTF-8 is none of these.
        let names: Vec<&str> = folders.map(|name| name.to_str().unwrap_or_default()).collect();
        let Some(root) = names.iter().rposition(|name| *name == "AWSLogs") else {
            return BucketPath::default();
        };
        let mut rest = &names[root + 1..];
        if rest.first().is_some_and(|name| name.starts_with("o-")) {
            rest = &rest[1..];
        }
        match rest {
            [account, "CloudTrail", _, year, month, day, ..] if is_account(account) => {
                BucketPath { account: Some(account), day: date(year, month, day) }
            }
            [account, ..] if is_account(account) => {
                BucketPath { account: Some(account), day: None }
            }
            _ => BucketPath::default(),
        }
    }
}

/// Whether this is the number of an account: 12 digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    let all_digits = [year, month, day].concat().bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits || [year.len(), month.len(), day.len()] != [4, 2, 2] {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str) -> (Option<&str>, Option<Date>) {
        let path = BucketPath::of(Path::new(file));
        (path.account, path.day)
    }

    #[test]
    fn folders_of_a_bucket_are_known() {
        let day = Date::from_calendar_date(2026, Month::May, 4).ok();
        for root in ["AWSLogs", "/mnt/bucket/prefix/AWSLogs/o-h7k2m9x4qd", "AWSLogs/x/AWSLogs"] {
            let file = format!("{root}/111122223333/CloudTrail/us-east-1/2026/05/04/a.json.gz");
            assert_eq!(of(&file), (Some("111122223333"), day), "{file}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        let account = Some("111122223333");
        // Of other files the date may mean anything.
        assert_eq!(of("AWSLogs/111122223333/Config/us-east-1/2026/5/4/a"), (account, None));
        for folders in ["2026/5/04", "2026/13/01", "2026/02/30", "2026/05", "+026/05/04"] {
            let file = format!("AWSLogs/111122223333/CloudTrail/us-east-1/{folders}/a.json.gz");
            assert_eq!(of(&file), (account, None), "{file}");
        }
        for file in [
            "111122223333/CloudTrail/us-east-1/2026/05/04/a.json.gz",
            "AWSLogs/11112222333/CloudTrail/us-east-1/2026/05/04/a.json.gz",
            "AWSLogs/111122223333",
            "a.json.gz",
        ] {
            assert_eq!(of(file), (None, None), "{file}");
        }
    }
}
