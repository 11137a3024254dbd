//! Event time, in whole seconds: CloudTrail's own resolution.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seconds since 1970 of an `eventTime`: RFC 3339, or as Lake and Athena write it, with a space for
/// the `T` and no zone, which is UTC.
pub fn parse(text: &str) -> Option<i64> {
    let parsed = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| {
        let text = format!("{}Z", text.trim().replacen(' ', "T", 1));
        OffsetDateTime::parse(&text, &Rfc3339)
    });
    parsed.ok().map(OffsetDateTime::unix_timestamp)
}

/// Seconds since 1970 as RFC 3339 in UTC; none outside the years 0 to 9999.
pub fn rfc3339(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_one_time() {
        let seconds = parse("2024-08-02T08:30:00Z").unwrap();
        assert_eq!(parse("2024-08-02 08:30:00.000"), Some(seconds));
        assert_eq!(parse("2024-08-02T10:30:00+02:00"), Some(seconds));
        assert_eq!(rfc3339(seconds).unwrap(), "2024-08-02T08:30:00Z");
        assert_eq!(parse("yesterday"), None);
        assert_eq!(rfc3339(i64::MAX), None);
    }
}
