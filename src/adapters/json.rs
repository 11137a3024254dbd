//! A finding as JSON, for where every instruction counts.
//!
//! What is written is what `serde_json` writes of a [`Finding`], byte for byte, as a test of every case
//! shows. But that looks at each byte of a text by itself, a third of what a finding costs in an
//! interpreter; this looks at eight at once.

use crate::finding::Finding;
use crate::json::needs_escape;
use crate::text::hex_digit;

/// Appends a list of findings.
pub fn findings(findings: &[Finding], out: &mut Vec<u8>) {
    out.push(b'[');
    for (n, finding) in findings.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        Object::write(out, |object| members(finding, object));
    }
    out.push(b']');
}

/// Appends a text.
pub fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, escaped) = rest.split_at(needs_escape(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = escaped.split_first() else { break };
        rest = after;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            other => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[other >> 4, other & 15].map(hex_digit));
            }
        }
    }
    out.push(b'"');
}

fn members(finding: &Finding, to: &mut Object<'_>) {
    to.text("id", &finding.id);
    to.text("rule", &finding.rule);
    to.text("rule_id", &finding.rule_id);
    to.text("title", &finding.title);
    to.text("severity", finding.severity.as_str());
    to.text("status", finding.status.as_str());
    to.maybe("status_reason", &finding.status_reason);
    to.maybe("account", &finding.account);
    to.object("accounts", |to| {
        to.maybe("acting", &finding.accounts.acting);
        to.maybe("recipient", &finding.accounts.recipient);
    });
    to.maybe("organization", &finding.organization);
    to.maybe("destination_organization", &finding.destination_organization);
    to.text("outcome", finding.outcome.as_str());
    to.maybe("outcome_reason", &finding.outcome_reason);
    to.text("event_name", &finding.event_name);
    to.text("event_source", &finding.event_source);
    to.object("principal", |to| {
        let who = &finding.principal;
        to.maybe("type", &who.kind);
        to.maybe("arn", &who.arn);
        to.maybe("name", &who.name);
        to.maybe("access_key_id", &who.access_key_id);
        to.flag("mfa", who.mfa);
        to.maybe("issuer", &who.issuer);
        to.flag("console", who.console);
    });
    to.maybe("source_ip", &finding.source_ip);
    to.maybe("user_agent", &finding.user_agent);
    to.maybe("region", &finding.region);
    if let Some(target) = &finding.target {
        to.object("target", |to| {
            to.maybe("type", &target.kind);
            to.maybe("id", &target.id);
        });
    }
    if let Some(handshake) = &finding.handshake {
        to.object("handshake", |to| {
            to.maybe("id", &handshake.id);
            to.maybe("action", &handshake.action);
            to.maybe("state", &handshake.state);
        });
    }
    if !finding.details.is_empty() {
        to.object("details", |to| {
            for (name, value) in &finding.details {
                to.text(name, value);
            }
        });
    }
    to.texts("parts", &finding.parts);
    to.texts("events", &finding.events);
    to.maybe("first_seen", &finding.first_seen);
    to.maybe("last_seen", &finding.last_seen);
    to.text("summary", &finding.summary);
    to.text("why", &finding.why);
    to.text("benign", &finding.benign);
    to.texts("triage", &finding.triage);
    to.texts("attack", &finding.attack);
    to.texts("attack_aliases", &finding.attack_aliases);
    to.text("attack_version", &finding.attack_version);
    to.texts("threat_catalogue", &finding.threat_catalogue);
    to.texts("covers", &finding.covers);
    to.object("artifact", |to| {
        to.text("name", &finding.artifact.name);
        to.text("version", &finding.artifact.version);
        to.maybe("digest", &finding.artifact.digest);
    });
}

/// An object that is being written.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    /// What stands before the next key.
    before: u8,
}

impl Object<'_> {
    fn write(out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        let mut object = Object { out, before: b'{' };
        members(&mut object);
        if object.before == b'{' {
            object.out.push(b'{');
        }
        object.out.push(b'}');
    }

    fn key(&mut self, key: &str) {
        self.out.push(self.before);
        self.before = b',';
        text(key, self.out);
        self.out.push(b':');
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        text(value, self.out);
    }

    fn maybe(&mut self, key: &str, value: &Option<String>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn flag(&mut self, key: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.key(key);
            self.out.extend_from_slice(if value { b"true" } else { b"false" });
        }
    }

    /// Nothing of an empty list.
    fn texts(&mut self, key: &str, values: &[String]) {
        if values.is_empty() {
            return;
        }
        self.key(key);
        let mut before = b'[';
        for value in values {
            self.out.push(before);
            before = b',';
            text(value, self.out);
        }
        self.out.push(b']');
    }

    fn object(&mut self, key: &str, members: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        Object::write(self.out, members);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::detector::Detector;

    proptest! {
        #[test]
        fn texts_are_written_as_serde_json_writes_them(value in r#"[ -~\x00-\x20"\\é€😀]{0,40}"#) {
            let mut out = Vec::new();
            text(&value, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&value).unwrap());
        }
    }

    #[test]
    fn findings_are_written_as_serde_json_writes_them() {
        let (mut detector, mut seen) = (Detector::open("{}").unwrap(), 0);
        let within = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path())
        };
        for case in within("tests/cases".into()).flat_map(within) {
            let Ok(events) = fs::read(case.join("events.ndjson")) else { continue };
            for located in detector.detect_batch(&events).findings {
                let mut out = Vec::new();
                findings(&[located.finding.clone(), located.finding.clone()], &mut out);
                let expected = serde_json::to_string(&[&located.finding; 2]).unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), expected);
                seen += 1;
            }
        }
        assert!(seen > 100, "{seen} findings");
    }
}
