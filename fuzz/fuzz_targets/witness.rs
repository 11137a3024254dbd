//! The prefilter and the witnesses of rules beside evaluation without any of it: no record is passed over that a
//! rule matches. The input is rules in YAML, a zero byte, and an event.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use orgwatch::detector::Detector;
use orgwatch::finding::Finding;
use orgwatch::json::{Tape, Value};
use orgwatch::rules::{self, Pack, Rule};
use orgwatch_sigma::compile::{Attack, Options, RuleFile, compile};

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    let (Some(yaml), Some(event)) = (parts.next(), parts.next()) else { return };
    let Ok(event) = std::str::from_utf8(event) else { return };
    let mut tape = Tape::default();
    if tape.parse(event).is_err() {
        return;
    }
    let rules = match std::str::from_utf8(yaml) {
        Ok(yaml) if !yaml.is_empty() => {
            let file = RuleFile { path: "a/b.yml".into(), yaml: yaml.into() };
            compile(&[file], &Attack::default(), &Options::default()).pack.rules
        }
        _ => rules::builtin_pack().rules.clone(),
    };
    let blind: Vec<Rule> = rules.iter().map(Rule::without_witness).collect();
    let (Some(mut seeing), Some(mut blind)) = (open(rules), open(blind)) else { return };
    let expected = slugs(blind.detect_parsed(Value::root(&tape, event)));
    let candidate = !seeing.screen(event.replace(['\n', '\r'], " ").as_bytes()).spans.is_empty();
    assert!(candidate || expected.is_empty(), "screened out: {expected:?}");
    let may_match = seeing.may_match(event.as_bytes());
    assert!(may_match || expected.is_empty(), "passed over by the interpreter: {expected:?}");
    assert_eq!(slugs(seeing.detect(event.as_bytes()).unwrap_or_default()), expected);
});

fn open(rules: Vec<Rule>) -> Option<Detector> {
    let pack = Pack { rules, ..Pack::default() };
    Detector::with_pack(Arc::new(pack), r#"{"record_at":["*"]}"#).ok()
}

fn slugs(findings: Vec<Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| finding.rule.to_string()).collect()
}
