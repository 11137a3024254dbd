//! Times and spans of time as a page shows them.

use time::OffsetDateTime;

/// In UTC; 1970 for what is no time of this calendar.
pub(super) fn utc(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// `2026-11-17`.
pub(super) fn date(seconds: i64) -> String {
    let time = utc(seconds);
    format!("{:04}-{:02}-{:02}", time.year(), u8::from(time.month()), time.day())
}

/// `19:06:31`.
pub(super) fn clock(seconds: i64) -> String {
    let time = utc(seconds);
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

/// `2026-11-17 19:06:31`.
pub(super) fn moment(seconds: i64) -> String {
    format!("{} {}", date(seconds), clock(seconds))
}

/// From one moment to another: the date of the second one is left out where it is the same.
pub(super) fn period(from: i64, to: i64) -> String {
    if from == to {
        moment(from)
    } else if date(from) == date(to) {
        format!("{} to {}", moment(from), clock(to))
    } else {
        format!("{} to {}", moment(from), moment(to))
    }
}

/// A duration in its two largest units: `7 min 50 s`.
pub(super) fn span(seconds: i64) -> String {
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let seconds = seconds.unsigned_abs();
    let Some(first) = units.iter().position(|(length, _)| seconds >= *length) else {
        return "0 s".into();
    };
    let (length, unit) = units[first];
    let whole = format!("{} {unit}", seconds / length);
    match units.get(first + 1) {
        Some((next, unit)) if seconds % length >= *next => {
            format!("{whole} {} {unit}", seconds % length / next)
        }
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_utc() {
        let time = orgwatch::time::parse("2026-11-17T20:06:31+01:00").unwrap();
        assert_eq!(moment(time), "2026-11-17 19:06:31");
        assert_eq!(date(i64::MAX), "1970-01-01");
        assert_eq!(period(time, time), "2026-11-17 19:06:31");
        assert_eq!(period(time, time + 2), "2026-11-17 19:06:31 to 19:06:33");
        assert_eq!(period(time, time + 86_400), "2026-11-17 19:06:31 to 2026-11-18 19:06:31");
    }

    #[test]
    fn spans_have_two_units_at_most() {
        let spans = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (470, "7 min 50 s"),
            (3600, "1 h"),
            (3659, "1 h"),
            (90_000, "1 d 1 h"),
            (86_400 * 400 + 59, "400 d"),
            (i64::MIN, "106751991167300 d 15 h"),
        ];
        for (seconds, shown) in spans {
            assert_eq!(span(seconds), shown);
        }
    }
}
