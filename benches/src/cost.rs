//! The work that events take, on corpora that are always the same: a change that makes candidates dearer
//! fails here, on whatever machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::corpus::{self, Settings};
use crate::instructions::Counted;
use crate::measure::{Native, Shape as _};

/// The share of interesting events, and the most instructions for each event of all, of the component and of
/// the native core: a tenth more than it takes. A change that makes it cheaper lowers the number.
const MOST: [(f64, u64, u64); 3] =
    [(0.0, 8_250, 1_690), (1.0 / 35.0, 19_100, 7_130), (1.0, 457_000, 229_000)];

/// As a scan hands them on.
const BATCH: usize = 64 << 10;

/// Fails where any corpus takes more for each event than it may.
fn check(most: [u64; MOST.len()], mut took: impl FnMut(&Path) -> u64) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut wrong = Vec::new();
    for ((share, ..), most) in MOST.into_iter().zip(most) {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { size: 2 << 20, share, ..Settings::default() };
        let made = corpus::write(root, folder.path(), &settings).unwrap();
        let each = took(&folder.path().join("events.ndjson")) / made.events;
        println!("{each} instructions for each event, {share:.3} of them interesting");
        if each > most {
            wrong.push(format!("{each} instead of {most} where {share:.3} are interesting"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Hands on the events of a file, a batch at a time.
fn batches(events: &Path, mut examine: impl FnMut(&[u8])) {
    let events = fs::read(events).unwrap();
    let mut rest = &events[..];
    while !rest.is_empty() {
        let piece = rest.len().min(BATCH);
        let end = memchr::memchr(b'\n', &rest[piece - 1..]).map_or(rest.len(), |at| piece + at);
        examine(&rest[..end]);
        rest = &rest[end..];
    }
}

#[test]
fn events_take_no_more_work_than_they_did() {
    let component = Counted::load();
    check(MOST.map(|(_, component, _)| component), |events| {
        let mut detector = component.open("{}");
        let mut took = 0;
        batches(events, |batch| took += detector.detect_batch(batch).1);
        took
    });
}

/// Names the file of the pass that valgrind counts.
const COUNTED: &str = "ORGWATCH_COUNTED";

#[test]
#[ignore = "needs valgrind"]
fn native_events_take_no_more_work_than_they_did() {
    check(MOST.map(|(.., native)| native), |events| {
        let first = events.with_file_name("first.ndjson");
        let all = fs::read(events).unwrap();
        fs::write(&first, all.split_inclusive(|byte| *byte == b'\n').next().unwrap()).unwrap();
        // What opens the detector is in both counts.
        instructions(events) - instructions(&first)
    });
}

/// The instructions of this program, in which it passes over a file.
fn instructions(events: &Path) -> u64 {
    let valgrind = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "cost::a_pass_that_is_counted", "--ignored", "--test-threads=1"])
        .env(COUNTED, events)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&valgrind.stderr);
    assert!(valgrind.status.success(), "{said}");
    let counted = said.lines().find_map(|line| line.split_once("refs:"));
    let (_, counted) = counted.unwrap_or_else(|| panic!("no count in {said}"));
    counted.trim().replace(',', "").parse().unwrap()
}

#[test]
#[ignore = "the test above runs it in valgrind"]
fn a_pass_that_is_counted() {
    let events = env::var_os(COUNTED).map(PathBuf::from).expect("the file to pass over");
    let mut native = Native::new(orgwatch::rules::builtin_pack()).unwrap();
    batches(&events, |batch| drop(native.batch(batch).unwrap()));
}
