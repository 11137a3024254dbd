//! What is kept of a finding, for the findings of the chains that it is a part of.
//!
//! It is kept as bytes: every finding that feeds a chain is written down, and few are ever read.
//!
//! ```text
//! outcome u8, mfa u8, console u8   0 for none, else one more than the value
//! texts, in the order of [`Kept::read`], each: length u16 and so many bytes of UTF-8; 0xffff for none
//! ```
//! Integers are little-endian.

use crate::finding::{Accounts, Finding, Outcome, Principal, Target};
use crate::record::shortened;

/// The most bytes of a value that are kept.
const MAX_KEPT: usize = 256;

/// The length of a text that is not there.
const NONE: u16 = u16::MAX;

/// What a chain's finding takes from a part: everything but the texts, which are the rule's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Kept {
    pub id: String,
    pub rule: String,
    pub event: Option<String>,
    pub event_name: String,
    pub event_source: String,
    /// When it was seen, as RFC 3339.
    pub time: Option<String>,
    pub account: Option<String>,
    pub accounts: Accounts,
    pub organization: Option<String>,
    pub destination_organization: Option<String>,
    pub outcome: Outcome,
    pub outcome_reason: Option<String>,
    pub principal: Principal,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub region: Option<String>,
    pub target: Option<Target>,
}

impl Kept {
    /// What is kept of a rule's finding. Of every value no more than 256 bytes.
    #[inline(never)]
    pub fn write(finding: &Finding) -> Box<[u8]> {
        let who = &finding.principal;
        let target = finding.target.as_ref();
        let flag = |flag: Option<bool>| flag.map_or(0, |flag| u8::from(flag) + 1);
        let mut out = vec![finding.outcome as u8 + 1, flag(who.mfa), flag(who.console)];
        for text in [
            Some(finding.id.as_str()),
            Some(&finding.rule),
            finding.events.first().map(String::as_str),
            Some(&finding.event_name),
            Some(&finding.event_source),
            finding.last_seen.as_deref(),
            finding.account.as_deref(),
            finding.accounts.acting.as_deref(),
            finding.accounts.recipient.as_deref(),
            finding.organization.as_deref(),
            finding.destination_organization.as_deref(),
            finding.outcome_reason.as_deref(),
            who.kind.as_deref(),
            who.arn.as_deref(),
            who.name.as_deref(),
            who.access_key_id.as_deref(),
            who.issuer.as_deref(),
            finding.source_ip.as_deref(),
            finding.user_agent.as_deref(),
            finding.region.as_deref(),
            target.and_then(|target| target.kind.as_deref()),
            target.and_then(|target| target.id.as_deref()),
        ] {
            let text = text.map(|text| shortened(text, MAX_KEPT));
            let length = text.as_ref().and_then(|text| u16::try_from(text.len()).ok());
            out.extend_from_slice(&length.unwrap_or(NONE).to_le_bytes());
            out.extend_from_slice(text.as_deref().unwrap_or_default().as_bytes());
        }
        out.into()
    }

    /// A part from what was written of it.
    #[inline(never)]
    pub fn read(bytes: &[u8]) -> Option<Kept> {
        let (&[outcome, mfa, console], mut rest) = bytes.split_first_chunk()?;
        let flag = |flag: u8| flag.checked_sub(1).map(|flag| flag != 0);
        let outcomes = [Outcome::Success, Outcome::Failure, Outcome::Unknown];
        // Whether the text can be read, and whether it is there.
        let mut text = || -> Option<Option<String>> {
            let (length, after) = rest.split_first_chunk()?;
            rest = after;
            let length = u16::from_le_bytes(*length);
            if length == NONE {
                return Some(None);
            }
            let (text, after) = rest.split_at_checked(length.into())?;
            rest = after;
            Some(Some(std::str::from_utf8(text).ok()?.to_owned()))
        };
        let part = Kept {
            outcome: *outcomes.get(usize::from(outcome).checked_sub(1)?)?,
            id: text()??,
            rule: text()??,
            event: text()?,
            event_name: text()??,
            event_source: text()??,
            time: text()?,
            account: text()?,
            accounts: Accounts { acting: text()?, recipient: text()? },
            organization: text()?,
            destination_organization: text()?,
            outcome_reason: text()?,
            principal: Principal {
                kind: text()?,
                arn: text()?,
                name: text()?,
                access_key_id: text()?,
                issuer: text()?,
                mfa: flag(mfa),
                console: flag(console),
            },
            source_ip: text()?,
            user_agent: text()?,
            region: text()?,
            target: Some(Target { kind: text()?, id: text()? })
                .filter(|target| *target != Target::default()),
        };
        rest.is_empty().then_some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::Detector;

    #[test]
    fn what_was_written_is_read() {
        let long = "x".repeat(70_000);
        let record = format!(
            r#"{{"eventSource":"organizations.amazonaws.com","eventID":"1","userAgent":"{long}",
            "eventName":"LeaveOrganization","eventTime":"2026-06-01T12:00:00Z","errorCode":"no",
            "userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::1:user/é","sessionContext":
            {{"attributes":{{"mfaAuthenticated":"false"}}}}}},"recipientAccountId":"444455556666"}}"#
        );
        let found = Detector::open("{}").unwrap().detect(record.as_bytes()).unwrap();
        let bytes = Kept::write(&found[0]);
        let part = Kept::read(&bytes).unwrap();
        assert_eq!((&part.id, &part.rule), (&found[0].id, &found[0].rule.to_string()));
        assert_eq!(part.event.as_ref(), found[0].events.first());
        assert_eq!((&part.time, &part.account), (&found[0].last_seen, &found[0].account));
        assert_eq!((part.outcome, part.principal.mfa), (Outcome::Failure, Some(false)));
        assert_eq!(part.principal, found[0].principal);
        assert_eq!((part.region, part.target), (None, found[0].target.clone()));
        assert_eq!(part.user_agent.unwrap(), format!("{}…", &long[..MAX_KEPT]));
        for length in 0..bytes.len() {
            assert_eq!(Kept::read(&bytes[..length]), None);
        }
    }
}
