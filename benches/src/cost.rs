//! The work that events take, on corpora that are always the same: a change that makes candidates dearer
//! fails here, on whatever machine.

use std::fs;
use std::path::Path;

use crate::corpus::{self, Settings};
use crate::instructions::Counted;

/// The share of interesting events, and the most instructions for each event of all: a tenth more than it
/// takes. A change that makes it cheaper lowers the number.
const MOST: [(f64, u64); 3] = [(0.0, 8_300), (1.0 / 35.0, 20_300), (1.0, 578_000)];

#[test]
fn events_take_no_more_work_than_they_did() {
    let component = Counted::load();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut wrong = Vec::new();
    for (share, most) in MOST {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { size: 2 << 20, share, ..Settings::default() };
        let made = corpus::write(root, folder.path(), &settings).unwrap();
        let events = fs::read(folder.path().join("events.ndjson")).unwrap();
        let mut detector = component.open("{}");
        // As a scan hands them on.
        let mut took = 0;
        let mut rest = &events[..];
        while !rest.is_empty() {
            let piece = rest.len().min(64 << 10);
            let end = memchr::memchr(b'\n', &rest[piece - 1..]).map_or(rest.len(), |at| piece + at);
            took += detector.detect_batch(&rest[..end]).1;
            rest = &rest[end..];
        }
        let each = took / made.events;
        println!("{each} instructions for each event, {share:.3} of them interesting");
        if each > most {
            wrong.push(format!("{each} instead of {most} where {share:.3} are interesting"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
