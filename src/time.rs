//! Event time, in whole seconds: CloudTrail's own resolution.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seconds since 1970 of an `eventTime`, which is one of
///
/// - RFC 3339 as pipelines write it: `T` or `t` or a space before the time, `Z` or `z` or an offset
///   with or without colon and minutes, or no zone or the word `UTC`, which are UTC;
/// - a count since 1970, as a number or as digits in text, with or without a fraction: of seconds,
///   milliseconds, microseconds or nanoseconds, by its size.
///
/// Anything else is no time. A short count is not taken for one: `20260601` is a date.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    epoch(text).or_else(|| {
        OffsetDateTime::parse(&as_rfc3339(text)?, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
    })
}

/// Seconds since 1970 as RFC 3339 in UTC; none outside the years 0 to 9999.
pub fn rfc3339(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(&Rfc3339).ok()
}

/// The count that a text is, in seconds. The digits before the fraction tell the unit: from 2001 to 2286
/// there are ten of them in seconds, and three more for each smaller unit.
fn epoch(text: &str) -> Option<i64> {
    let (count, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !are_digits(fraction) || !are_digits(count) || count.starts_with('0') {
        return None;
    }
    matches!(count.len(), 10 | 13 | 16 | 19).then(|| count.get(..10)?.parse().ok())?
}

/// A date and time, in what of RFC 3339 the library reads.
fn as_rfc3339(text: &str) -> Option<String> {
    const DATE: usize = "2026-06-01".len();
    const TIME: usize = "12:00:00".len();
    let (date, rest) = text.split_at_checked(DATE)?;
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = time.split_at_checked(TIME)?;
    let zone_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (fraction, zone) = rest.split_at(zone_at);
    let zone = match zone.trim_start() {
        "" | "Z" | "z" | "UTC" => "Z".to_owned(),
        offset => {
            let (sign @ ("+" | "-"), zone) = offset.split_at_checked(1)? else { return None };
            match zone.as_bytes() {
                [_, _] => format!("{sign}{zone}:00"),
                [_, _, b':', _, _] => offset.to_owned(),
                [_, _, _, _] => {
                    let (hours, minutes) = zone.split_at_checked(2)?;
                    format!("{sign}{hours}:{minutes}")
                }
                _ => return None,
            }
        }
    };
    Some(format!("{date}T{time}{fraction}{zone}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "2026-06-01T12:00:00Z";
    const SECONDS: i64 = 1_780_315_200;

    #[test]
    fn every_form_is_one_time() {
        assert_eq!(rfc3339(SECONDS).unwrap(), TEXT);
        for text in [
            TEXT,
            "2026-06-01t12:00:00z",
            "2026-06-01 12:00:00",
            "2026-06-01 12:00:00.000",
            "2026-06-01 12:00:00.123 UTC",
            " 2026-06-01T12:00:00 ",
            "2026-06-01T12:00:00.999999999Z",
            "2026-06-01T12:00:00+0000",
            "2026-06-01T12:00:00+00",
            "2026-06-01T12:00:00.5-00:00",
            "2026-06-01T14:00:00+02:00",
            "2026-06-01T14:00:00+0200",
            "2026-06-01 14:00:00 +0200",
            "2026-06-01T06:30:00-0530",
            "2026-06-01T07:00:00-05",
            "1780315200",
            "1780315200.123",
            "1780315200000",
            "1780315200123.4",
            "1780315200123456",
            "1780315200123456789",
        ] {
            assert_eq!(parse(text), Some(SECONDS), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_time() {
        for text in [
            "",
            "-",
            "yesterday",
            "2026-06-01",
            "2026-06-01T12:00",
            "2026-13-01T12:00:00Z",
            "2026-06-01T25:00:00Z",
            "2026-06-01T12:00:00.Z",
            "2026-06-01T12:00:00+",
            "2026-06-01T12:00:00+0",
            "2026-06-01T12:00:00+000",
            "2026-06-01T12:00:00+é",
            "2026-06-01T12:00:00ZZ",
            "2026-06-01T12:00:00 CEST",
            "20260601",
            "20260601120000",
            "0",
            "-1780315200",
            "1780315200.",
            ".1780315200",
            "1780315200.1.1",
            "1.7803152e9",
            "0780315200",
            "99999999999999999999",
            "NaN",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(rfc3339(i64::MAX), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_time_or_none(text in r"[0-9é]{0,4}[-0-9é]{0,8}[ Tt]?[0-9:é]{0,9}[.0-9]{0,3}[ +\-ZzUé0-9:]{0,7}") {
            parse(&text);
        }

        #[test]
        fn a_time_is_read_as_it_is_written(seconds in -62_135_596_800i64..=253_402_300_799) {
            prop_assert_eq!(parse(&rfc3339(seconds).unwrap()), Some(seconds));
        }
    }
}
