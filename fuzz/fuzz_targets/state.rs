//! States of any bytes, and whole ones with a section of any bytes: taken up or refused as a whole.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use orgwatch::detector::Detector;
use orgwatch::state;

const EVENTS: &[u8] = include_bytes!("../../samples/incident.ndjson");

fuzz_target!(|bytes: &[u8]| {
    merge(bytes);
    let Some((choice, body)) = bytes.split_first() else { return };
    let ours = ours();
    let mut sections = state::decode(ours).expect("a state of our own");
    let chosen = usize::from(*choice) % sections.len();
    sections[chosen].1 = body;
    merge(&state::encode(&sections));
    if let Ok(name) = std::str::from_utf8(body.get(..8).unwrap_or_default()) {
        sections.push((name, body));
        merge(&state::encode(&sections));
    }
});

/// A memory of the sample, saved.
fn ours() -> &'static [u8] {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    STATE.get_or_init(|| {
        let mut detector = open();
        detector.detect_batch(EVENTS);
        detector.save_state()
    })
}

fn open() -> Detector {
    let room = r#"{"memory":{"events":100,"terms":100,"steps":100,"policies":100,"alerts":100}}"#;
    Detector::open(room).expect("the settings are right")
}

fn merge(bytes: &[u8]) {
    let mut detector = open();
    let empty = detector.save_state();
    if detector.merge_state(bytes).is_err() {
        assert_eq!(detector.save_state(), empty, "something of a refused state was taken");
        return;
    }
    let saved = detector.save_state();
    let mut other = open();
    other.merge_state(&saved).expect("it was saved by us");
    assert_eq!(other.save_state(), saved, "a state changes by being loaded");
    // What was taken up is used.
    other.detect_batch(EVENTS);
    other.merge_state(&saved).expect("and again");
}
