//! Rules of any bytes: compiled or refused with a place, and what is compiled runs.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use orgwatch::detector::Detector;
use orgwatch::rules::Pack;
use orgwatch_sigma::compile::{Attack, Options, RuleFile, compile, pack};

const EVENTS: &[u8] = include_bytes!("../../samples/incident.ndjson");

fuzz_target!(|bytes: &[u8]| {
    let Ok(yaml) = std::str::from_utf8(bytes) else { return };
    let file = RuleFile { path: "a/b.yml".into(), yaml: yaml.into() };
    let files = [file];
    drop(pack(&files, &Attack::default()));
    let compiled = compile(&files, &Attack::default(), &Options::default());
    // YAML has more ends of a line than Rust.
    let lines = yaml.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
    for refusal in &compiled.refusals {
        assert!(!refusal.text.is_empty());
        assert!(refusal.line <= lines + 1, "{refusal}");
    }
    let packed = compiled.pack.to_bytes();
    let unpacked = Pack::from_bytes(&packed).expect("a pack of our own");
    assert_eq!(unpacked.to_bytes(), packed);
    if let Ok(mut detector) = Detector::with_pack(Arc::new(unpacked), "{}") {
        detector.detect_batch(EVENTS);
    }
});
