//! Settings of any bytes, as JSON and as the YAML of a file: refused with a path, or the detector runs with them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use orgwatch::detector::Detector;

const EVENTS: &[u8] = include_bytes!("../../samples/incident.ndjson");

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    open(text);
    if let Ok(value) = yaml_serde::from_str::<serde_json::Value>(text) {
        open(&value.to_string());
    }
});

fn open(settings: &str) {
    match Detector::open(settings) {
        Ok(mut detector) => {
            let found = detector.detect_batch(EVENTS).findings.len();
            assert!(found > 0 || settings.contains("enabled") || settings.contains("rules"));
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|problem| !problem.problem.is_empty()));
        }
    }
}
