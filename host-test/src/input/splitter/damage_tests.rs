//! Tests of what is broken, and of what is no JSON.

use super::super::{Broken, LISTS, Splitter};
use super::{Batch, event, split, split_in};

#[test]
fn a_document_that_breaks_off_does_not_take_the_next_with_it() {
    // Inside a string, after a comma, after a colon, and where a value could still go on.
    for broken in ["{\"a\": \"x", "{\"a\": 1,", "{\"a\":", "{\"a\": [1", "{\"a\": {", "x", "{]"] {
        let (events, unreadable) = split(&format!("{broken}\n{{\"b\":2}}\n{{\"c\":3}}\n"));
        assert_eq!(events, [event(2, "{\"b\":2}"), event(3, "{\"c\":3}")], "{broken}");
        assert_eq!(unreadable.len(), 1, "{broken}: {unreadable:?}");
        assert_eq!(unreadable[0].0, 1, "{broken}");
    }
}

#[test]
fn a_broken_record_does_not_take_its_siblings_with_it() {
    let text = "{\n \"Records\": [\n  {\n   \"a\": 1\n  },\n  {\n   \"b\": {\n    \"c\" 2\n   }\n  },\n  \
                {\n   \"d\": 3\n  }\n ]\n}\n{\"e\":4}\n";
    let (events, unreadable) = split(text);
    assert_eq!(
        events,
        [event(3, "{    \"a\": 1   }"), event(11, "{    \"d\": 3   }"), event(16, "{\"e\":4}"),]
    );
    assert_eq!(unreadable, [event(6, "broken JSON: expected a colon (line 8)")]);
}

#[test]
fn a_document_cut_off_is_reported_and_what_it_held_is_not_lost() {
    let (events, unreadable) = split("{\"Records\":[{\"a\":1},{\"b\":2},{\"c\":");
    assert_eq!(events, [event(1, "{\"a\":1}"), event(1, "{\"b\":2}")]);
    assert_eq!(unreadable, [event(1, "ends before it is complete")]);
    let (events, unreadable) = split("\n{\"Records\":[\n{\"a\":1},\n");
    assert_eq!(events, [event(3, "{\"a\":1}")]);
    assert_eq!(unreadable, [event(2, "the document ends before it is complete")]);
}

#[test]
fn text_that_is_no_json_is_one_unreadable_part() {
    let (events, unreadable) = split("Dear reader,\nthis is no log.\n\n {\"a\":1}\nbye\n");
    assert_eq!(events, [event(4, "{\"a\":1}")]);
    assert_eq!(unreadable, [event(1, "not JSON"), event(5, "not JSON")]);
    // Either order of bytes. Without a mark, whole files are known by their first bytes.
    for utf16 in [&b"\xff\xfe{\0}\0"[..], b"\xfe\xff\0{\0}"] {
        let (_, unreadable) = split_in(100, utf16);
        assert_eq!(unreadable, [event(1, "UTF-16: convert it to UTF-8")], "{utf16:?}");
    }
}

#[test]
fn input_made_to_be_read_again_and_again_is_not() {
    // Every line opens an object inside the one before; only the end shows that all are broken.
    let text = "{\"a\":\n".repeat(200_000);
    let start = std::time::Instant::now();
    let (events, unreadable) = split_in(1 << 18, text.as_bytes());
    assert_eq!(events, []);
    assert!(!unreadable.is_empty());
    assert!(start.elapsed().as_secs() < 20);
}

#[test]
fn a_record_behind_a_header_in_brackets_is_passed_on_with_the_rest_of_its_line() {
    let record = "{\"a\":1}";
    for header in [
        "INFO",
        "info",
        "notice",
        "17/Nov/2026:10:00:00 +0000",
        "2026-11-17T19:06:31Z",
        "-",
        "2026-11-17 19:06:31",
        "2026/11/17",
        "x@1 a=\"b\"",
        "INFO] [17/Nov",
        "[INFO]",
        "a, b",
    ] {
        for pieces in [1, 2, 7, 1000] {
            let text = format!("[{header}] {record}\n  {record}\n[{header}] bye\n {record}\n");
            let mut splitter = Splitter::new(1, LISTS).with(Broken::MayHoldRecords);
            let mut batch = Batch::default();
            for piece in text.as_bytes().chunks(pieces) {
                assert_eq!(splitter.feed(piece, &mut batch, usize::MAX), piece.len());
            }
            assert!(splitter.finish(&mut batch, usize::MAX));
            let events: Vec<&str> = std::str::from_utf8(&batch.bytes).unwrap().lines().collect();
            assert_eq!(events.len(), 3, "{header} in {pieces}: {events:?}");
            assert!(events[0].ends_with(&format!("] {record}")), "{events:?}");
            assert_eq!(events[1..], [record; 2]);
            let unreadable = &batch.last().unreadable;
            assert_eq!(unreadable.len(), 1, "{header}: {unreadable:?}");
            assert_eq!(unreadable[0].line, 3, "{header}");
        }
    }
}

#[test]
fn damage_in_a_list_is_reported_and_what_is_behind_it_passed_on() {
    let mut splitter = Splitter::new(1, LISTS).with(Broken::MayHoldRecords);
    let mut batch = Batch::default();
    splitter.feed(b"[{\"a\":1},oops,{\"b\":2}]\n", &mut batch, usize::MAX);
    assert!(splitter.finish(&mut batch, usize::MAX));
    assert_eq!(batch.bytes, b"{\"a\":1}\noops,{\"b\":2}]\n");
    assert_eq!(batch.last().unreadable.len(), 1);
}
