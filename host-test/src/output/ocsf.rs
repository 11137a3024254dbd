//! Findings as OCSF 1.8 Detection Findings, for systems that speak OCSF.
//!
//! A value that OCSF has a place for stands there; the rest is in `unmapped`, under our own names.

use std::io;
use std::net::IpAddr;

use orgwatch::finding::{Finding, Outcome, Severity, Status};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Format;

/// One Detection Finding a line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ocsf;

const VERSION: &str = "1.8.0";

// Numbers that the schema gives to its captions.
const ANALYTIC_RULE: u8 = 1;
const ACCOUNT_AWS: u8 = 10;
const ROLE_TARGET: u8 = 1;
const ROLE_AFFECTED: u8 = 3;
const DETECTION_FINDING_CREATE: u32 = 200_401;

impl Format for Ocsf {
    fn write(&self, finding: &Finding, to: &mut dyn io::Write) -> io::Result<()> {
        let mut line = serde_json::to_vec(&detection_finding(finding))?;
        line.push(b'\n');
        to.write_all(&line)
    }
}

/// The finding as an OCSF 1.8 Detection Finding (class 2004), with the profile `cloud`.
pub fn detection_finding(finding: &Finding) -> Value {
    let first = finding.first_seen.as_deref().and_then(milliseconds);
    let last = finding.last_seen.as_deref().and_then(milliseconds);
    let (severity_id, severity) = severity(finding.severity);
    let (status_id, status) = status(finding.status);
    let mut event = object(json!({
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": DETECTION_FINDING_CREATE,
        "type_name": "Detection Finding: Create",
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "status_detail": finding.status_reason,
        "is_alert": finding.status == Status::New,
        // Required. An event without a time gives no better one.
        "time": last.or(first).unwrap_or(0),
        "start_time": first,
        "end_time": last,
        "message": finding.summary,
        "metadata": metadata(finding),
        "finding_info": finding_info(finding, first, last),
        "cloud": cloud(finding),
        "evidences": [evidence(finding)],
        "resources": resources(finding),
        "unmapped": unmapped(finding),
    }));
    if !finding.triage.is_empty() {
        event.insert("remediation".into(), json!({ "desc": finding.triage.join("\n") }));
    }
    Value::Object(event)
}

fn metadata(finding: &Finding) -> Value {
    let artifact = &finding.artifact;
    Value::Object(object(json!({
        "version": VERSION,
        "profiles": ["cloud"],
        "uid": finding.id,
        "correlation_uid": finding.incident,
        "event_code": finding.rule,
        "log_name": "AWS CloudTrail",
        "original_event_uid": finding.events.first(),
        "original_time": finding.last_seen,
        "product": { "name": artifact.name, "vendor_name": "orgwatch", "version": artifact.version },
    })))
}

fn finding_info(finding: &Finding, first: Option<i64>, last: Option<i64>) -> Value {
    let events = finding.events.iter().map(|id| json!({ "uid": id, "type": "AWS CloudTrail" }));
    let parts = finding
        .parts
        .iter()
        .map(|id| json!({ "uid": id, "type_uid": DETECTION_FINDING_CREATE, "type": "orgwatch" }));
    Value::Object(object(json!({
        "uid": finding.id,
        "title": finding.title,
        "desc": finding.why,
        "analytic": {
            "uid": finding.rule_id,
            "name": finding.rule,
            "type_id": ANALYTIC_RULE,
            "type": "Rule",
            "version": finding.artifact.version,
        },
        "attacks": finding.attack.iter().map(|id| attack(id, finding)).collect::<Vec<_>>(),
        "first_seen_time": first,
        "last_seen_time": last,
        "data_sources": ["AWS CloudTrail"],
        "related_events": events.chain(parts).collect::<Vec<_>>(),
    })))
}

fn attack(id: &str, finding: &Finding) -> Value {
    let version = &finding.attack_version;
    if id.starts_with("TA") {
        return json!({ "version": version, "tactic": { "uid": id } });
    }
    match id.split_once('.') {
        Some((technique, _)) => json!({
            "version": version,
            "technique": { "uid": technique },
            "sub_technique": { "uid": id },
        }),
        None => json!({ "version": version, "technique": { "uid": id } }),
    }
}

fn cloud(finding: &Finding) -> Value {
    Value::Object(object(json!({
        "provider": "AWS",
        "account": finding.account.as_ref().map(|id| account(id)),
        "org": finding.organization.as_ref().map(|id| json!({ "uid": id })),
        "region": finding.region,
    })))
}

fn account(id: &str) -> Value {
    json!({ "uid": id, "type_id": ACCOUNT_AWS, "type": "AWS Account" })
}

fn evidence(finding: &Finding) -> Value {
    let principal = &finding.principal;
    let user = object(json!({
        "uid": principal.arn,
        "name": principal.name,
        "type": principal.kind,
        "credential_uid": principal.access_key_id,
        "account": finding.accounts.acting.as_ref().map(|id| account(id)),
    }));
    let named = ["uid", "name", "account"].iter().any(|key| user.contains_key(*key));
    let session = object(json!({ "issuer": principal.issuer, "is_mfa": principal.mfa }));
    let source = finding.source_ip.as_ref().map(|source| match source.parse::<IpAddr>() {
        Ok(_) => json!({ "ip": source }),
        // AWS writes the name of a service that calls on somebody's behalf.
        Err(_) => json!({ "svc_name": source }),
    });
    let response = match finding.outcome {
        Outcome::Success | Outcome::Unknown => None,
        Outcome::Failure => {
            finding.outcome_reason.as_ref().map(|reason| json!({ "error_message": reason }))
        }
    };
    Value::Object(object(json!({
        "uid": finding.events.first(),
        "api": object(json!({
            "operation": finding.event_name,
            "service": { "name": finding.event_source },
            "response": response,
        })),
        "actor": object(json!({
            "user": named.then_some(user),
            "session": session,
        })),
        "src_endpoint": source,
        "http_request": finding.user_agent.as_ref().map(|agent| json!({ "user_agent": agent })),
    })))
}

fn resources(finding: &Finding) -> Vec<Value> {
    let affected = |id: &Option<String>, kind: &str| {
        id.as_ref().map(|id| json!({ "uid": id, "type": kind, "role_id": ROLE_AFFECTED }))
    };
    let target = finding.target.as_ref().and_then(|target| {
        let id = target.id.as_ref()?;
        let mut resource = object(json!({ "uid": id, "type": target.kind }));
        resource.insert("role_id".into(), ROLE_TARGET.into());
        Some(Value::Object(resource))
    });
    [
        affected(&finding.account, "AWS Account"),
        affected(&finding.organization, "AWS Organization"),
        target,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Fields that OCSF has no place for.
fn unmapped(finding: &Finding) -> Value {
    Value::Object(object(json!({
        "accounts": finding.accounts,
        "destination_organization": finding.destination_organization,
        "outcome": finding.outcome,
        "outcome_reason": finding.outcome_reason,
        "console": finding.principal.console,
        "handshake": finding.handshake,
        "target": finding.target,
        "details": finding.details.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
        "benign": finding.benign,
        "attack_aliases": finding.attack_aliases,
        "threat_catalogue": finding.threat_catalogue,
        "covers": finding.covers,
        "status": finding.status,
        "incident_before": finding.incident_before,
        "digest": finding.artifact.digest,
    })))
}

/// An object without what is null or empty: absent values are absent.
fn object(value: Value) -> Map<String, Value> {
    let Value::Object(mut map) = value else {
        return Map::new();
    };
    map.retain(|_, value| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    });
    map
}

fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// OCSF's `Suppressed` is for findings reviewed and judged benign, which is what an approval says;
/// it has nothing for rules on trial, nor for what follows an alert.
fn status(status: Status) -> (u8, &'static str) {
    match status {
        Status::New => (1, "New"),
        Status::Approved => (3, "Suppressed"),
        Status::Learning => (99, "learning"),
        Status::DryRun => (99, "dry-run"),
        Status::FollowUp => (99, "follow-up"),
        Status::Other => (99, "other"),
    }
}

/// Milliseconds since 1970.
fn milliseconds(time: &str) -> Option<i64> {
    let time = OffsetDateTime::parse(time, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

#[cfg(test)]
#[path = "ocsf_tests.rs"]
mod tests;
