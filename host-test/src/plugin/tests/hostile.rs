//! Guests that mean harm: the events of each batch are accounted for, the reason is named, and the next batch is
//! examined as if nothing had been.

use super::*;

/// The only event lost of three is the one in the middle; gives the reason.
fn reason_of(event: &str) -> String {
    let mut detector = open();
    let batch = detector.detect_batch(format!("m\n{event}\nm\n").as_bytes()).unwrap();
    assert_eq!((batch.counts.trapped, batch.counts.evaluated), (1, 2), "{event}");
    assert_eq!(batch.unreadable[0].place, Place { line: 2, record: 0 }, "{event}");
    assert_eq!(seen(&mut detector), 2, "{event}");
    batch.unreadable[0].reason.clone()
}

#[test]
fn each_harm_is_named() {
    for (event, reason) in [
        ("<", "the component trapped: wasm trap: call stack exhausted"),
        ("#", "the component answered with more than 1000 findings"),
        ("S", "the component took longer than 100ms"),
        ("G", "the component wanted more than 67108864 bytes of memory"),
    ] {
        assert_eq!(reason_of(event), reason);
    }
    assert!(reason_of("~").contains("utf-8"), "{}", reason_of("~"));
}

#[test]
fn a_trap_at_the_nth_event_costs_that_and_what_comes_after_it() {
    let mut detector = open();
    let batch = detector.detect_batch(b"m>\nm>\nm>\nm\nm>\nm\n").unwrap();
    assert_eq!((batch.counts.trapped, batch.counts.evaluated), (2, 4));
    let lines: Vec<_> = batch.unreadable.iter().map(|one| one.place.line).collect();
    assert_eq!(lines, [3, 5]);
    assert_eq!(seen(&mut detector), 4);
}

#[test]
fn findings_that_are_many_are_taken_in_parts() {
    let mut detector = open();
    let batch = detector.detect_batch(&b"m+\n".repeat(1500)).unwrap();
    assert_eq!((batch.findings.len(), batch.counts.trapped), (1500, 0));
    assert_eq!(batch.counts.evaluated, 1500);
    assert_eq!(seen(&mut detector), 1500);
    // But there is an end to it.
    let line = [b"+".repeat(900), b"\n".to_vec()].concat();
    let batch = detector.detect_batch(&line.repeat(20)).unwrap();
    assert_eq!((batch.findings.len(), batch.counts.trapped), (11 * 900, 9));
    let reason = "the component answered with more than 10000 findings";
    assert!(batch.unreadable.iter().all(|one| one.reason == reason));
}

#[test]
fn a_guest_that_fails_on_every_event_costs_a_bounded_time() {
    let options = Options { recovery_deadline: Duration::from_secs(1), ..options() };
    let mut detector = Plugin::load(bad_guest(), &options).unwrap().open("{}").unwrap();
    for event in [&b"S\n"[..], b"m>\n"] {
        let start = Instant::now();
        for _ in 0..3 {
            let batch = detector.detect_batch(&event.repeat(5000)).unwrap();
            assert_eq!(batch.counts.events, 5000);
            assert_eq!(batch.counts.trapped + batch.counts.evaluated, 5000);
            assert!(batch.unreadable.len() <= 5000);
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
    // It is not given up for good.
    assert_eq!(detector.detect_batch(b"m\nm\n").unwrap().counts.evaluated, 2);
}

#[test]
fn a_guest_that_cannot_be_rebuilt_costs_events_and_no_batch() {
    let mut detector = open();
    let padding = vec![b' '; 2 << 20];
    detector.detect_batch(&[b"m=", &padding[..], b"\n"].concat()).unwrap();
    for _ in 0..2 {
        let batch = detector.detect_batch(b"m\nT\n\nm\n").unwrap();
        assert_eq!((batch.counts.events, batch.counts.trapped), (3, 3));
        let reason = &batch.unreadable[0].reason;
        let expected = "the detector could not be rebuilt after a trap: the component trapped: ";
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(detector.screen(b"a\nb\n").unwrap().spans.len(), 2);
    }
    assert!(detector.detect(b"m").is_err());
}

#[test]
fn a_guest_that_never_starts_is_refused_in_time() {
    let options = Options { open_deadline: Duration::from_millis(200), ..options() };
    let forever = include_str!("../bad_guest.wat").replacen(
        "(func $reset",
        "(func $start (loop $forever (br $forever))) (start $start) (func $reset",
        1,
    );
    let plugin = Plugin::load(&component(&forever), &options).unwrap();
    assert!(matches!(plugin.open("{}"), Err(Error::Deadline(_))));
    let large = include_str!("../bad_guest.wat").replacen(
        "(memory (export \"memory\") 128)",
        "(memory (export \"memory\") 65536)",
        1,
    );
    let plugin = Plugin::load(&component(&large), &options).unwrap();
    let err = plugin.open("{}").unwrap_err().to_string();
    assert_eq!(err, "the component wanted more than 67108864 bytes of memory");
}
