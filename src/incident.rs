//! Incidents: findings of one account and one day, which a responder takes for one story.
//!
//! An incident follows from the finding alone, so that neither order, nor a merge, nor a replay, nor the
//! router changes it.

use crate::digest::Digest128;
use crate::finding::Finding;
use crate::settings::Settings;
use crate::time;

const DAY: i64 = 86_400;

/// The UTC day of a finding's last event, in days since 1970; none if it has no time that can be read.
pub fn day(finding: &Finding) -> Option<i64> {
    time::parse(finding.last_seen.as_deref()?).map(|time| time.div_euclid(DAY))
}

/// Names the incident of a finding, and that of the day before.
pub fn name(finding: &mut Finding, settings: &Settings) {
    let acting = || finding.accounts.acting.as_deref();
    let key = finding.account.as_deref().or(settings.ownership.organization.as_deref());
    let key = key.or_else(acting).unwrap_or_default().to_owned();
    let day = day(finding);
    finding.incident_before =
        day.and_then(|day| written(day.checked_sub(1)?)).map(|day| of(&key, &day));
    finding.incident = of_day(&key, day);
}

/// The incident of an account, or of whatever stands for it, and of a day.
pub fn of_day(key: &str, day: Option<i64>) -> String {
    of(key, &day.and_then(written).unwrap_or_else(|| "unknown".to_owned()))
}

fn of(key: &str, day: &str) -> String {
    Digest128::of(&["orgwatch incident", key, day]).hex()
}

/// A day as in 2026-06-01.
fn written(day: i64) -> Option<String> {
    let mut text = time::rfc3339(day.checked_mul(DAY)?)?;
    text.truncate("2026-06-01".len());
    Some(text)
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
        name(&mut finding, &settings);
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
        let of = |time| found(None, Some(time), "{}");
        let (before, after) = (of("2026-02-28T23:59:59Z"), of("2026-03-01T00:00:00Z"));
        assert_ne!(before.incident, after.incident);
        assert_eq!(after.incident_before.unwrap(), before.incident);
        assert_eq!(of("2026-03-01T23:59:59Z").incident, after.incident);
        assert_eq!(of("0000-01-01T00:00:00Z").incident_before, None);
        let unknown = found(None, None, "{}");
        assert_eq!(unknown.incident_before, None);
        assert_eq!(unknown.incident, of_day("111122223333", None));
    }
}
