//! Findings for programs, for other systems and for people.

mod escape;
mod json;
#[cfg(feature = "scan")]
mod number;
#[cfg(feature = "scan")]
mod ocsf;
#[cfg(feature = "report")]
pub mod report;
#[cfg(feature = "scan")]
mod story;
#[cfg(feature = "scan")]
mod text;

use std::io;

use orgwatch::finding::Finding;

pub use escape::{Escaped, escape};
pub use json::Json;
#[cfg(feature = "scan")]
pub use number::{number, plural};
#[cfg(feature = "scan")]
pub use ocsf::{Ocsf, detection_finding};
#[cfg(feature = "scan")]
pub use story::Stories;
#[cfg(feature = "scan")]
pub use text::Text;

/// Writes findings. Each is written whole, by one call: what reads them, or is interrupted, never
/// sees half of one.
pub trait Format {
    /// Writes one finding.
    fn write(&self, finding: &Finding, to: &mut dyn io::Write) -> io::Result<()>;
}

#[cfg(test)]
mod tests {
    use orgwatch::finding::Finding;
    use serde_json::{Value, json};

    use super::*;

    /// A finding with nothing that may be absent.
    pub(super) fn least() -> Value {
        json!({
            "id": "00000000000000000000000000000000",
            "rule": "a-rule",
            "rule_id": "11111111-1111-4111-8111-111111111111",
            "title": "A title",
            "severity": "high",
            "status": "new",
            "incident": "22222222222222222222222222222222",
            "accounts": {},
            "outcome": "success",
            "event_name": "LeaveOrganization",
            "event_source": "organizations.amazonaws.com",
            "principal": {},
            "summary": "It happened.",
            "why": "It matters.",
            "benign": "Routine.",
            "attack_version": "19.1",
            "artifact": { "name": "orgwatch", "version": "0.1.0" },
        })
    }

    /// A finding with everything, and something bad in every text.
    pub(super) fn hostile() -> Finding {
        filled("\u{1b}[2J\u{202e}\nCRITICAL  forged")
    }

    /// A finding with everything, and this in every text.
    pub(super) fn filled(bad: &str) -> Finding {
        let mut value = json!({
            "severity": "critical",
            "status": "approved",
            "accounts": { "acting": bad, "recipient": bad },
            "outcome": "failure",
            "principal": {
                "type": bad, "arn": bad, "name": bad, "access_key_id": bad, "mfa": false,
                "issuer": bad, "console": true,
            },
            "target": { "type": bad, "id": bad },
            "handshake": { "id": bad, "action": bad, "state": bad },
            "details": { (bad): bad },
            "artifact": { "name": bad, "version": bad, "digest": bad },
        });
        for text in [
            "id",
            "rule",
            "rule_id",
            "title",
            "status_reason",
            "account",
            "organization",
            "destination_organization",
            "outcome_reason",
            "event_name",
            "event_source",
            "source_ip",
            "user_agent",
            "region",
            "first_seen",
            "last_seen",
            "summary",
            "why",
            "benign",
            "attack_version",
        ] {
            value[text] = bad.into();
        }
        for list in
            ["parts", "events", "triage", "attack", "attack_aliases", "threat_catalogue", "covers"]
        {
            value[list] = json!([bad, bad]);
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_finding_in_json_is_one_line() {
        for finding in [hostile(), serde_json::from_value(least()).unwrap()] {
            let mut out = Vec::new();
            Json.write(&finding, &mut out).unwrap();
            assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 1);
            assert_eq!(serde_json::from_slice::<Finding>(&out).unwrap(), finding);
        }
    }
}
