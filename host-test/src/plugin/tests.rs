//! A guest that traps, hangs, takes all memory and lies: `bad_guest.wat`.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::*;
use component::component;

mod component;
mod hostile;

fn bad_guest() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| component(include_str!("bad_guest.wat")))
}

fn options() -> Options {
    Options {
        open_deadline: Duration::from_secs(5),
        call_deadline: Duration::from_millis(500),
        max_memory: 64 << 20,
        max_findings: 1000,
        ..Options::default()
    }
}

pub(crate) fn open() -> Detector {
    Plugin::load(bad_guest(), &options()).unwrap().open("{}").unwrap()
}

fn seen(detector: &mut Detector) -> u64 {
    let counters = detector.counters().unwrap();
    assert_eq!(counters[0].name, "seen");
    counters[0].value
}

fn reasons(batch: &Batch) -> Vec<(u32, u32, &str)> {
    let unreadable = batch.unreadable.iter();
    unreadable.map(|one| (one.place.line, one.place.record, &one.reason[..])).collect()
}

const UNREADABLE: &str = "unreadable as asked";

#[test]
fn a_batch_without_trouble_is_examined_at_once() {
    let mut detector = open();
    let batch = detector.detect_batch(b"m\nu\nmm\n").unwrap();
    assert_eq!((batch.counts.evaluated, batch.counts.trapped), (3, 0));
    assert_eq!(reasons(&batch), [(2, 0, UNREADABLE)]);
    assert_eq!(seen(&mut detector), 3);
}

#[test]
fn the_event_that_traps_is_the_only_one_lost() {
    let mut detector = open();
    for position in 0..7 {
        let before = seen(&mut detector);
        let mut lines = ["mu\n"; 7];
        lines[position] = "mmT\n";
        let batch = detector.detect_batch(lines.concat().as_bytes()).unwrap();
        assert_eq!((batch.counts.trapped, batch.counts.unreadable), (1, 7));
        assert_eq!(batch.counts.evaluated, 6);
        let expected: Vec<(u32, u32)> = (1..=7).map(|line| (line, 0)).collect();
        let places: Vec<_> = reasons(&batch).iter().map(|one| (one.0, one.1)).collect();
        assert_eq!(places, expected);
        let reason = &batch.unreadable[position].reason;
        assert_eq!(
            reason,
            "the component trapped: wasm trap: wasm `unreachable` instruction executed"
        );
        // Its memory is what it would have been without that event.
        assert_eq!(seen(&mut detector), before + 6);
    }
}

#[test]
fn events_that_trap_may_be_many() {
    let mut detector = open();
    let batch = detector.detect_batch(b"T\nm\nT\nT\nm\nT").unwrap();
    assert_eq!((batch.counts.trapped, batch.counts.evaluated), (4, 2));
    let lines: Vec<_> = batch.unreadable.iter().map(|one| one.place.line).collect();
    assert_eq!(lines, [1, 3, 4, 6]);
    assert_eq!(seen(&mut detector), 2);
}

#[test]
fn an_event_that_never_ends_is_cut_off() {
    let mut detector = open();
    let start = Instant::now();
    let batch = detector.detect_batch(b"m\nS\nm\n").unwrap();
    assert_eq!((batch.counts.trapped, batch.counts.evaluated), (1, 2));
    assert!(batch.unreadable[0].reason.starts_with("the component took longer than "));
    assert_eq!(seen(&mut detector), 2);
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn an_event_that_takes_all_memory_is_cut_off() {
    let mut detector = open();
    let batch = detector.detect_batch(b"m\nG\nm\n").unwrap();
    assert_eq!((batch.counts.trapped, batch.counts.evaluated), (1, 2));
    let reason = "the component wanted more than 67108864 bytes of memory";
    assert_eq!(reasons(&batch), [(2, 0, reason)]);
    assert_eq!(seen(&mut detector), 2);
}

#[test]
fn an_answer_that_is_none_is_a_trap() {
    let mut detector = open();
    let batch = detector.detect_batch(b"m\nP\nm\n").unwrap();
    assert_eq!((batch.counts.trapped, batch.counts.evaluated), (1, 2));
    assert_eq!(seen(&mut detector), 2);
}

#[test]
fn a_record_that_traps_does_not_hide_the_others_on_its_line() {
    let mut detector = open();
    let line = br#"{"Records":[{"":"m"},{"":"T"},{"":"mu"},{"":"m"}]}"#;
    let batch = detector.detect_batch(&[b"m\n", &line[..], b"\nm"].concat()).unwrap();
    assert_eq!((batch.counts.trapped, batch.counts.evaluated), (1, 5));
    let places: Vec<_> = reasons(&batch).iter().map(|one| (one.0, one.1)).collect();
    assert_eq!(places, [(2, 1), (2, 2)]);
    assert_eq!(seen(&mut detector), 5);
}

#[test]
fn memory_survives_whether_it_was_saved_or_not() {
    let mut detector = open();
    let padding = vec![b' '; 300 << 10];
    let mut expected = 0;
    for round in 0..20 {
        let events = [b"mm".as_slice(), &padding].concat();
        expected += detector.detect_batch(&events).unwrap().counts.evaluated;
        if round % 3 == 0 {
            detector.detect(b"m").unwrap();
            expected += 1;
        }
        if round % 4 == 0 {
            assert_eq!(detector.detect_batch(b"T").unwrap().counts.trapped, 1);
        }
        assert_eq!(seen(&mut detector), expected, "round {round}");
    }
}

#[test]
fn a_single_event_that_traps_is_an_error_and_nothing_else() {
    let mut detector = open();
    detector.detect(b"m").unwrap();
    assert!(matches!(detector.detect(b"T"), Err(Error::Trapped(..))));
    assert!(matches!(detector.detect(b"S"), Err(Error::Deadline(_))));
    assert_eq!(seen(&mut detector), 1);
}

#[test]
fn a_screen_that_traps_passes_every_line() {
    let mut detector = open();
    detector.detect_batch(b"m").unwrap();
    let screened = detector.screen(b"a\nT\n").unwrap();
    assert_eq!(screened.spans.len(), 2);
    assert_eq!(seen(&mut detector), 1);
}

#[test]
fn states_are_merged_and_kept() {
    let mut one = open();
    one.detect_batch(b"mmm").unwrap();
    let state = one.save_state().unwrap();
    let mut other = open();
    other.detect_batch(b"m").unwrap();
    other.merge_state(&state).unwrap();
    assert!(matches!(other.merge_state(b"nonsense"), Err(Error::Refused(_))));
    other.detect_batch(b"T").unwrap();
    assert_eq!(seen(&mut other), 4);
}

#[test]
fn opening_is_bounded_too() {
    let options = Options { open_deadline: Duration::from_millis(200), ..options() };
    let plugin = Plugin::load(bad_guest(), &options).unwrap();
    assert!(matches!(plugin.open("T"), Err(Error::Trapped(..))));
    assert!(matches!(plugin.open("S"), Err(Error::Deadline(_))));
    assert!(plugin.open("{}").is_ok());
}

#[test]
fn a_component_that_wants_anything_is_refused() {
    let wat = r#"(component
        (import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func))))
        (import "types-only" (instance
            (type (list u8))
            (export "bytes" (type (eq 0)))))
        (import "a-function" (func)))"#;
    let bytes = wat::parse_str(wat).unwrap();
    match Plugin::load(&bytes, &options()) {
        Err(Error::Imports(names)) => {
            assert_eq!(names, ["wasi:clocks/wall-clock@0.2.0", "a-function"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_our_component_is_refused() {
    let load = |bytes: &[u8]| Plugin::load(bytes, &options());
    assert!(matches!(load(b""), Err(Error::Compile(_))));
    assert!(matches!(load(b"(component)"), Err(Error::Compile(_))));
    assert!(matches!(load(&wat::parse_str("(module)").unwrap()), Err(Error::Compile(_))));
    assert!(matches!(load(&wat::parse_str("(component)").unwrap()), Err(Error::Contract(_))));
}

#[test]
fn compiled_code_is_kept_where_it_is_safe() {
    let home = tempfile::tempdir().unwrap();
    let cache = CacheDir::at(&home.path().join("cache")).unwrap();
    let options = Options { cache: Some(cache.clone()), ..options() };
    for _ in 0..2 {
        assert!(Plugin::load(bad_guest(), &options).unwrap().open("{}").is_ok());
    }
    assert!(cache.path().read_dir().unwrap().next().is_some());
}

#[test]
fn nothing_outlives_the_plugin() {
    let plugin = Plugin::load(bad_guest(), &options()).unwrap();
    let engine = plugin.engine.weak();
    drop(plugin);
    // The ticker may hold it for the moment of a tick.
    let gone = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        engine.upgrade().is_none()
    });
    assert!(gone);
}

/// The documentation promises embedders as much.
#[test]
fn a_plugin_is_shared_by_threads_and_a_detector_moves_between_them() {
    fn shared<T: Send + Sync + Clone>() {}
    fn moves<T: Send>() {}
    shared::<Plugin>();
    moves::<Detector>();
}
