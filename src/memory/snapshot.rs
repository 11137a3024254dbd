//! Snapshots of findings, for the findings of the chains that they are parts of.
//!
//! A snapshot is bytes: every finding that feeds a chain is written down, and few are ever read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::digest::Digest128;
use crate::finding::{Finding, Outcome};
use crate::text::shortened;

/// The most bytes of a value in a snapshot.
const MAX_VALUE: usize = 256;

/// The most bytes of all values together: a hostile event is one of thousands.
const MAX_TEXTS: usize = 1024;

/// The most bytes of the accounts, none of which is left out: 50 numbers, joined by commas.
const MAX_ACCOUNTS: usize = 50 * 14;

/// The most approvals of one finding, and organizations of one approval.
const MAX_APPROVALS: usize = 4;
const MAX_ORGANIZATIONS: usize = 8;

/// A snapshot that was written.
pub type FindingSnapshot<'a> = Snapshot<&'a str>;

/// A snapshot in memory, for the finding of a chain. There may be fifty, and of most of them no more is wanted than
/// stands here, so that the rest is read [where it is wanted](Part::whole).
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Part<'a> {
    pub id: Text<'a>,
    pub rule: Text<'a>,
    pub event: Option<Text<'a>>,
    pub time: Option<Text<'a>>,
    pub account: Option<Text<'a>>,
    pub organization: Option<Text<'a>>,
    pub destination_organization: Option<Text<'a>>,
    bytes: &'a [u8],
}

/// A text of a part. It was checked when it came into memory, and is not looked at again before it is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// The text.
    pub fn as_str(self) -> &'a str {
        std::str::from_utf8(self.0).unwrap_or_default()
    }
}

/// The values that a chain's finding takes from a part: everything but the texts, which are the rule's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Snapshot<T> {
    // [`Part::of`] goes by the order of these.
    /// First: of two that differ, memory keeps the one without approvals.
    pub approvals: Vec<Approved>,
    pub outcome: Outcome,
    pub mfa: Option<bool>,
    pub console: Option<bool>,
    pub id: T,
    pub rule: T,
    pub event_name: T,
    pub event_source: T,
    pub event: Option<T>,
    /// Its time, as RFC 3339.
    pub time: Option<T>,
    pub account: Option<T>,
    pub acting: Option<T>,
    pub recipient: Option<T>,
    pub organization: Option<T>,
    pub destination_organization: Option<T>,
    pub principal_kind: Option<T>,
    pub principal_arn: Option<T>,
    pub principal_name: Option<T>,
    pub access_key_id: Option<T>,
    pub issuer: Option<T>,
    pub source_ip: Option<T>,
    pub region: Option<T>,
    pub target_kind: Option<T>,
    pub target_id: Option<T>,
    pub outcome_reason: Option<T>,
    pub user_agent: Option<T>,
}

/// An approval that covered the event when it was seen. The verdict is saved, since the snapshot of the
/// event is too short to come to it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The chain that it names by its slug; without one, it covers the finding and every chain that the
    /// finding completes.
    pub chain: Option<Digest128>,
    /// Its reason.
    pub reason: String,
    /// The organizations that an account may go to; any if there are none.
    pub organizations: Vec<String>,
}

impl Approved {
    /// An approval for a snapshot; none if it names more organizations than fit.
    pub fn new(chain: Option<Digest128>, reason: &str, organizations: &[String]) -> Option<Self> {
        let organizations = organizations.to_vec();
        let reason = shortened(reason, MAX_VALUE).into_owned();
        (organizations.len() <= MAX_ORGANIZATIONS).then_some(Approved {
            chain,
            reason,
            organizations,
        })
    }

    /// Whether it covers a chain, which says where the account goes if that is known.
    pub fn covers(&self, chain: Digest128, destination: Option<&str>) -> bool {
        let goes_to = |to: &str| self.organizations.iter().any(|own| own == to);
        self.chain.is_none_or(|named| named == chain)
            && (self.organizations.is_empty() || destination.is_none_or(goes_to))
    }
}

impl<'a> FindingSnapshot<'a> {
    /// The snapshot of a rule's finding, as bytes: of every value no more than 256 bytes (of the
    /// accounts no more than 50), and of all together about a kilobyte.
    #[inline(never)]
    pub fn write(finding: &'a Finding, mut approvals: Vec<Approved>) -> Box<[u8]> {
        approvals.truncate(MAX_APPROVALS);
        let mut left = MAX_TEXTS;
        let mut cut = |text: &'a str, most: usize| {
            let text = shortened(text, most.min(left));
            left = left.saturating_sub(text.len());
            text
        };
        let account = finding.account.as_deref().map(|text| cut(text, MAX_ACCOUNTS));
        let mut value = |text: &'a str| cut(text, MAX_VALUE);
        let who = &finding.principal;
        let target = finding.target.as_ref();
        let snapshot: Snapshot<Cow<'_, str>> = Snapshot {
            approvals,
            outcome: finding.outcome,
            mfa: who.mfa,
            console: who.console,
            id: value(&finding.id),
            rule: value(&finding.rule),
            event_name: value(&finding.event_name),
            event_source: value(&finding.event_source),
            event: finding.events.first().map(|text| value(text)),
            time: finding.last_seen.as_deref().map(&mut value),
            account,
            acting: finding.accounts.acting.as_deref().map(&mut value),
            recipient: finding.accounts.recipient.as_deref().map(&mut value),
            organization: finding.organization.as_deref().map(&mut value),
            destination_organization: finding.destination_organization.as_deref().map(&mut value),
            principal_kind: who.kind.as_deref().map(&mut value),
            principal_arn: who.arn.as_deref().map(&mut value),
            principal_name: who.name.as_deref().map(&mut value),
            access_key_id: who.access_key_id.as_deref().map(&mut value),
            issuer: who.issuer.as_deref().map(&mut value),
            source_ip: finding.source_ip.as_deref().map(&mut value),
            region: finding.region.as_deref().map(&mut value),
            target_kind: target.and_then(|target| target.kind.as_deref()).map(&mut value),
            target_id: target.and_then(|target| target.id.as_deref()).map(&mut value),
            outcome_reason: finding.outcome_reason.as_deref().map(&mut value),
            user_agent: finding.user_agent.as_deref().map(&mut value),
        };
        // Writing to memory does not fail.
        postcard::to_allocvec(&snapshot).unwrap_or_default().into()
    }

    /// What was written.
    #[inline(never)]
    pub fn read(bytes: &'a [u8]) -> Option<FindingSnapshot<'a>> {
        let (snapshot, rest) = postcard::take_from_bytes(bytes).ok()?;
        rest.is_empty().then_some(snapshot)
    }
}

impl<'a> Part<'a> {
    /// A part from what was written of it.
    #[inline(never)]
    pub fn of(bytes: &'a [u8]) -> Option<Part<'a>> {
        // The fields of a snapshot before its texts.
        type Before = (Vec<Approved>, Outcome, Option<bool>, Option<bool>);
        let (_, rest) = postcard::take_from_bytes::<Before>(bytes).ok()?;
        let mut texts = Texts(rest);
        let (id, rule) = (texts.text()?, texts.text()?);
        let (_event_name, _event_source) = (texts.text()?, texts.text()?);
        let (event, time, account) = (texts.option()?, texts.option()?, texts.option()?);
        let (_acting, _recipient) = (texts.option()?, texts.option()?);
        let (organization, destination_organization) = (texts.option()?, texts.option()?);
        Some(Part { id, rule, event, time, account, organization, destination_organization, bytes })
    }

    /// All that was written of it.
    pub fn whole(&self) -> Option<FindingSnapshot<'a>> {
        FindingSnapshot::read(self.bytes)
    }
}

/// The texts of a snapshot as they were written, in their order: the length of each in groups of seven bits, and a
/// byte before it where it may be absent.
struct Texts<'a>(&'a [u8]);

impl<'a> Texts<'a> {
    fn text(&mut self) -> Option<Text<'a>> {
        let mut length = 0_usize;
        // The longest text takes two bytes.
        for shift in [0, 7, 14] {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            length |= usize::from(byte & 0x7f).wrapping_shl(shift);
            if *byte < 0x80 {
                let (text, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                return Some(Text(text));
            }
        }
        None
    }

    /// None if it cannot be read; `Some(None)` if it is absent.
    fn option(&mut self) -> Option<Option<Text<'a>>> {
        let (is_there, rest) = self.0.split_first()?;
        self.0 = rest;
        if *is_there == 0 { Some(None) } else { self.text().map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        let bytes = FindingSnapshot::write(&found[0], Vec::new());
        let part = FindingSnapshot::read(&bytes).unwrap();
        assert_eq!((part.id, part.rule), (&*found[0].id, &*found[0].rule));
        assert_eq!(part.event, found[0].events.first().map(String::as_str));
        assert_eq!(part.time, found[0].last_seen.as_deref());
        assert_eq!(part.account, Some("444455556666"));
        assert_eq!((part.outcome, part.mfa), (Outcome::Failure, Some(false)));
        assert_eq!(part.principal_arn, Some("arn:aws:iam::1:user/é"));
        assert_eq!(part.region, None);
        assert_eq!(part.user_agent.unwrap(), format!("{}…", &long[..MAX_VALUE]));
        for length in 0..bytes.len() {
            assert_eq!(FindingSnapshot::read(&bytes[..length]), None);
            let _ = Part::of(&bytes[..length]);
        }
    }

    proptest! {
        #[test]
        fn a_part_says_what_its_snapshot_says(
            texts in prop::collection::vec(prop::option::of("[a-z, é]{0,200}"), 22),
            refused: bool,
            reasons in prop::collection::vec("[a-z]{0,200}", 0..3),
        ) {
            let [id, rule, event, time, account, organization, to, ..] = &texts[..] else { panic!() };
            let finding = Finding {
                id: id.clone().unwrap_or_default(),
                rule: rule.clone().unwrap_or_default().into(),
                events: event.iter().cloned().collect(),
                last_seen: time.clone(),
                account: account.clone(),
                organization: organization.clone(),
                destination_organization: to.clone(),
                event_name: texts[8].clone().unwrap_or_default(),
                source_ip: texts[9].clone(),
                outcome: if refused { Outcome::Failure } else { Outcome::Success },
                ..Finding::default()
            };
            let chain = (!refused).then_some(Digest128::of(&["chain"]));
            let organizations = ["o-h7k2m9x4qd".to_owned()];
            let approvals = reasons.iter().filter_map(|text| Approved::new(chain, text, &organizations));
            let bytes = FindingSnapshot::write(&finding, approvals.collect());
            let part = Part::of(&bytes).unwrap();
            let whole = part.whole().unwrap();
            prop_assert_eq!(whole.approvals.len(), reasons.len());
            prop_assert_eq!((part.id.as_str(), part.rule.as_str()), (whole.id, whole.rule));
            for (one, other) in [
                (part.event, whole.event),
                (part.time, whole.time),
                (part.account, whole.account),
                (part.organization, whole.organization),
                (part.destination_organization, whole.destination_organization),
            ] {
                prop_assert_eq!(one.map(Text::as_str), other);
            }
        }
    }

    #[test]
    fn long_values_are_bounded_together() {
        let long = "x".repeat(5000);
        let record = format!(
            r#"{{"eventSource":"organizations.amazonaws.com","eventID":"{long}","userAgent":"{long}",
            "eventName":"LeaveOrganization","eventTime":"2026-06-01T12:00:00Z","errorCode":"{long}",
            "userIdentity":{{"type":"{long}","arn":"{long}","userName":"{long}","accessKeyId":"{long}"}},
            "sourceIPAddress":"{long}","awsRegion":"{long}","recipientAccountId":"{long}"}}"#
        );
        let found = Detector::open("{}").unwrap().detect(record.as_bytes()).unwrap();
        assert!(FindingSnapshot::write(&found[0], Vec::new()).len() < MAX_TEXTS + 200);
    }
}
