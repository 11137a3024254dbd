//! The whole detector on a batch of any bytes: what it finds does not depend on the way that the batch took.

#![no_main]

use libfuzzer_sys::fuzz_target;
use orgwatch::batch::Screened;
use orgwatch::detector::Detector;
use orgwatch::finding::Finding;

const SETTINGS: [&str; 4] = [
    "{}",
    r#"{"record_at":["*"]}"#,
    r#"{"record_at":["a","data.aws"],"silence":{"accounts":["111122223333","444455556666"],"after":"24h"}}"#,
    r#"{"memory":{"events":100,"terms":100,"steps":100,"policies":100,"alerts":100},"learning_until":"2026-06-02T00:00:00Z"}"#,
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, events)) = bytes.split_first() else { return };
    let settings = SETTINGS[usize::from(*choice) % SETTINGS.len()];
    let Ok(mut whole) = Detector::open(settings) else { return };
    let screened = whole.screen(events);
    let batch = whole.detect_batch(events);
    let counts = &batch.counts;
    let sum = counts.rejected + counts.evaluated + counts.foreign + counts.unreadable;
    assert_eq!(counts.events, sum, "{counts:?}");
    let found: Vec<Finding> = batch.findings.iter().map(|one| one.finding.clone()).collect();
    let state = whole.save_state();

    // Opening takes far longer than examining: only where something could differ.
    if screened.spans.is_empty() {
        assert!(found.is_empty(), "found without a candidate");
        return;
    }

    // Screened elsewhere, and examined here.
    let mut screening = Detector::open(settings).expect("it opened before");
    let candidates = candidates(&screened, events);
    let again = screening.detect_batch(&candidates);
    let again: Vec<Finding> = again.findings.into_iter().map(|one| one.finding).collect();
    assert_eq!(again, found, "screening lost or made findings");
    assert_eq!(screening.save_state(), state, "screening changed the memory");

    // The cheap look that an interpreter takes.
    for located in &batch.findings {
        let line = events.split(|&byte| byte == b'\n').nth(located.place.line as usize - 1);
        assert!(line.is_some_and(|line| whole.may_match(line)), "line {}", located.place.line);
    }

    // A memory that is loaded is the one that was saved.
    let mut loaded = Detector::open(settings).expect("it opened before");
    loaded.merge_state(&state).expect("a state of our own is taken up");
    assert_eq!(loaded.save_state(), state, "a state changes by being loaded");
    loaded.merge_state(&state).expect("twice");
    assert_eq!(loaded.save_state(), state, "a state changes by being merged again");
    for located in loaded.detect_batch(events).findings {
        assert!(located.finding.repeat, "{}", located.finding.rule);
    }
});

fn candidates(screened: &Screened, events: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for span in &screened.spans {
        let (offset, length) = (span.offset as usize, span.length as usize);
        lines.extend(&events[offset..offset + length]);
        lines.push(b'\n');
    }
    lines
}
