//! Incidents: findings of one account and one day, which a responder takes for one story.
//!
//! An incident follows from the finding alone, so that neither order, nor a merge, nor a replay, nor the
//! router changes it.

use time::{Date, Month};

use crate::digest::Digest128;
use crate::finding::Finding;
use crate::memory::IncidentNames;
use crate::settings::Settings;

/// The UTC day of a finding's last event, in days of the Julian calendar; none if it has no time that can be
/// read.
pub fn day(finding: &Finding) -> Option<i64> {
    date(finding).map(|date| date.to_julian_day().into())
}

/// Names the incident of a finding, and that of the day before.
pub fn name(finding: &mut Finding, settings: &Settings, known: &mut IncidentNames) {
    let key = finding.account.as_deref().or(settings.ownership.organization.as_deref());
    let key = key.or(finding.accounts.acting.as_deref()).unwrap_or_default();
    let date = date(finding);
    let before = date.and_then(Date::previous_day).filter(|date| date.year() >= 0);
    let before = before.map(|before| known.of(key, Some(before)).hex());
    (finding.incident, finding.incident_before) = (known.of(key, date).hex(), before);
}

/// The incident of another account on the day of a finding.
pub fn of_account(account: &str, finding: &Finding, known: &mut IncidentNames) -> Digest128 {
    known.of(account, date(finding))
}

/// The date in a time that a finding has, which is RFC 3339 in UTC.
fn date(finding: &Finding) -> Option<Date> {
    let text = finding.last_seen.as_deref()?;
    let number = |at: std::ops::Range<usize>| text.get(at)?.parse::<u8>().ok();
    let month = Month::try_from(number(5..7)?).ok()?;
    Date::from_calendar_date(text.get(..4)?.parse().ok()?, month, number(8..10)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(account: Option<&str>, last_seen: Option<&str>, settings: &str) -> Finding {
        let settings = Settings::from_json(settings, &crate::rules::builtin_pack()).unwrap();
        let mut finding = Finding {
            account: account.map(str::to_owned),
            last_seen: last_seen.map(str::to_owned),
            ..Finding::default()
        };
        finding.accounts.acting = Some("111122223333".into());
        name(&mut finding, &settings, &mut IncidentNames::default());
        finding
    }

    #[test]
    fn an_incident_is_of_the_account_else_of_the_organization_else_of_who_acted() {
        const ORGANIZATION: &str = r#"{"organization":"o-h7k2m9x4qd"}"#;
        let time = Some("2026-06-01T12:00:00Z");
        let incident = |account, settings| found(account, time, settings).incident;
        assert_eq!(incident(None, "{}"), incident(Some("111122223333"), "{}"));
        assert_eq!(incident(None, ORGANIZATION), incident(Some("o-h7k2m9x4qd"), "{}"));
        assert_eq!(
            incident(Some("444455556666"), ORGANIZATION),
            incident(Some("444455556666"), "{}")
        );
        assert_ne!(incident(Some("444455556666"), "{}"), incident(None, "{}"));
        assert_eq!(incident(None, "{}").len(), 32);
    }

    #[test]
    fn neighbouring_days_name_each_other() {
        let at = |time| found(None, Some(time), "{}");
        let (before, after) = (at("2026-02-28T23:59:59Z"), at("2026-03-01T00:00:00Z"));
        assert_ne!(before.incident, after.incident);
        assert_eq!(after.incident_before.unwrap(), before.incident);
        assert_eq!(at("2026-03-01T23:59:59Z").incident, after.incident);
        assert_eq!(at("0000-01-01T00:00:00Z").incident_before, None);
        let unknown = found(None, None, "{}");
        assert_eq!(unknown.incident_before, None);
        assert_eq!(unknown.incident, IncidentNames::default().of("111122223333", None).hex());
    }
}
