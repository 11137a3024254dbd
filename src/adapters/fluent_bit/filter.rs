//! The filter's work on a record, in safe code.

use crate::adapters::annotate_json::splice_parsed;
use crate::detector::Detector;
use crate::json::{Tape, Value};

/// An output buffer that grew beyond this for one record is given back before the next.
const KEEP: usize = 256 * 1024;

/// The filter of one Fluent Bit.
#[derive(Debug)]
pub struct Filter {
    detector: Detector,
    tape: Tape,
    out: Vec<u8>,
    annotated: u64,
    renamed: u64,
}

impl Filter {
    /// Opens with what is baked into this artifact, or with the defaults. `None` if that is refused.
    pub fn open() -> Option<Filter> {
        Self::with("{}")
    }

    fn with(settings: &str) -> Option<Filter> {
        let detector = Detector::open(settings).ok()?;
        let (tape, out) = Default::default();
        Some(Filter { detector, tape, out, annotated: 0, renamed: 0 })
    }

    /// The record with its findings, ending in a zero byte; `None` if it goes on as it came.
    ///
    /// A finding given before is left out, so that a record that comes twice is annotated once:
    /// what a chain needs of it is remembered all the same, and a filter has nothing downstream of
    /// it that could fail and ask again. Fluent Bit repeats a failed delivery itself, from its own
    /// buffers, without running the filters once more.
    ///
    /// A record that comes with keys of our names has them renamed even without findings: whoever
    /// routes on them must find ours or none.
    pub fn annotate(&mut self, record: &[u8]) -> Option<&[u8]> {
        if self.may_match(record) { self.look(record) } else { None }
    }

    /// Apart from what examines a record, since an interpreter has little stack for that.
    #[inline(never)]
    fn may_match(&self, record: &[u8]) -> bool {
        self.detector.may_match(record)
    }

    /// Apart from what sees every record: an interpreter sets up the whole frame of a function that is
    /// called, whichever part of it runs.
    #[inline(never)]
    fn look(&mut self, record: &[u8]) -> Option<&[u8]> {
        let text = std::str::from_utf8(record).ok()?;
        self.tape.parse(text).ok()?;
        let root = Value::root(&self.tape, text);
        let mut findings = self.detector.detect_parsed(root);
        findings.retain(|finding| !finding.repeat);
        if self.out.capacity() > KEEP {
            self.out = Vec::new();
        }
        self.out.clear();
        let renamed = splice_parsed(root, &findings, &mut self.out)?;
        // What comes back ends at its first zero byte, and half a record would be lost. Fluent Bit
        // measures records so too, and sends none that has one.
        if (renamed == 0 && findings.is_empty()) || record.contains(&0) {
            return None;
        }
        self.renamed = self.renamed.saturating_add(renamed);
        self.annotated = self.annotated.saturating_add((!findings.is_empty()).into());
        self.out.push(0);
        Some(&self.out)
    }

    /// Counters of the filter and its memory, as a JSON object ending in a zero byte.
    pub fn counters(&mut self) -> &[u8] {
        let mut counters = self.detector.counters();
        counters.extend([("annotated", self.annotated), ("keys_renamed", self.renamed)]);
        let counters: std::collections::BTreeMap<_, _> = counters.into_iter().collect();
        self.out.clear();
        if serde_json::to_writer(&mut self.out, &counters).is_err() {
            self.out.clear();
        }
        self.out.push(0);
        &self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str) -> String {
        format!(
            r#"{{"eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization","eventTime":"2026-06-01T12:00:00Z","eventID":"{id}","recipientAccountId":"444455556666"}}"#
        )
    }

    #[test]
    fn a_record_that_comes_twice_is_annotated_once() {
        let mut filter = Filter::open().unwrap();
        let out = filter.annotate(record("1").as_bytes()).unwrap();
        assert_eq!(out.iter().position(|byte| *byte == 0), Some(out.len() - 1));
        assert!(filter.annotate(record("1").as_bytes()).is_none());
        assert!(filter.annotate(record("2").as_bytes()).is_some());
        let counters = String::from_utf8(filter.counters().to_vec()).unwrap();
        assert!(counters.contains(r#""annotated":2,"keys_renamed":0"#), "{counters}");
    }

    #[test]
    fn a_forged_key_is_renamed_without_findings() {
        let mut filter = Filter::open().unwrap();
        let forged = r#"{"eventName":"GetRole","orgwatch_severity":"critical"}"#;
        let out = filter.annotate(forged.as_bytes()).unwrap();
        assert_eq!(
            out,
            &[&forged.replace("rity\"", "rity_original\"").into_bytes()[..], b"\0"].concat()
        );
        let counters = String::from_utf8(filter.counters().to_vec()).unwrap();
        assert!(counters.contains(r#""annotated":0,"keys_renamed":1"#), "{counters}");
    }

    #[test]
    fn what_is_no_record_goes_on_as_it_came() {
        let mut filter = Filter::open().unwrap();
        for record in ["", "{}", "[]", "{\"eventName\":\"LeaveOrganization\"", "\"eventName\""] {
            assert!(filter.annotate(record.as_bytes()).is_none());
        }
    }
}
