//! Tests of the splitter.

use proptest::prelude::*;

use super::super::batch::Lines;
use super::super::{BATCH, LONG_LINE, MAX_LINE, TOO_LONG};
use super::*;

#[path = "splitter/damage_tests.rs"]
mod damage;

/// Lines of the file, and what starts there.
type Told = Vec<(u64, String)>;

/// The events with their lines, and what was unreadable; fed in pieces of this size.
fn split_in(pieces: usize, text: &[u8]) -> (Told, Told) {
    let mut batch = Batch::default();
    batch.clear();
    batch.begin_at(Lines::Each(Vec::new()));
    let mut splitter = Splitter::new(1, LISTS);
    for mut piece in text.chunks(pieces) {
        while !piece.is_empty() {
            let read = splitter.feed(piece, &mut batch, usize::MAX);
            piece = &piece[read..];
            if is_full(&mut batch, usize::MAX) {
                break;
            }
        }
    }
    splitter.finish(&mut batch, usize::MAX);
    let text = String::from_utf8_lossy(&batch.bytes).into_owned();
    let events = text.lines().enumerate().map(|(index, line)| {
        (batch.parts()[0].line(u32::try_from(index).unwrap() + 1), line.to_owned())
    });
    (
        events.collect(),
        batch.parts()[0].unreadable.iter().map(|one| (one.line, one.reason.clone())).collect(),
    )
}

fn split(text: &str) -> (Told, Told) {
    let whole = split_in(usize::MAX, text.as_bytes());
    for pieces in [1, 2, 7] {
        assert_eq!(split_in(pieces, text.as_bytes()), whole, "in pieces of {pieces}");
    }
    whole
}

fn events(text: &str) -> Told {
    let (events, unreadable) = split(text);
    assert_eq!(unreadable, []);
    events
}

fn event(line: u64, text: &str) -> (u64, String) {
    (line, text.to_owned())
}

#[test]
fn documents_become_lines() {
    assert_eq!(
        events("{\n \"a\": 1,\r\n \"b\": [\n  2\n ]\n}\n\n{\"c\":3} {\"d\":4}"),
        [
            event(1, "{  \"a\": 1,   \"b\": [   2  ] }"),
            event(8, "{\"c\":3}"),
            event(8, "{\"d\":4}"),
        ]
    );
    assert_eq!(events(" \n\r\n\t"), []);
}

#[test]
fn elements_of_arrays_are_events() {
    assert_eq!(
        events("[\n{\"a\":1},\n{\"b\":[{}]},\n3,\"four\"\n]\n[]\n[[{\"c\":5}],[]]"),
        [
            event(2, "{\"a\":1}"),
            event(3, "{\"b\":[{}]}"),
            event(4, "3"),
            event(4, "\"four\""),
            event(7, "{\"c\":5}"),
        ]
    );
}

#[test]
fn records_and_events_are_events() {
    assert_eq!(
        events(
            "{\"Records\": [\n {\"a\":1},\n {\"Recordsx\":[1]}\n]}\n\
             {\"NextToken\":{\"x\":[1]},\"Events\":[{\"c\":2}],\"z\":\"y\"}"
        ),
        [event(2, "{\"a\":1}"), event(3, "{\"Recordsx\":[1]}"), event(5, "{\"c\":2}")]
    );
    assert_eq!(events("{\"Records\":[]}"), []);
    assert_eq!(events("{\"Records\":{\"a\":1}}"), [event(1, "{\"Records\":{\"a\":1}}")]);
    // Only as a key of the document itself.
    let inside = "{\"a\":{\"Records\":[1]}}";
    assert_eq!(events(inside), [event(1, inside)]);
    let other = "{\"Rec\\tords\":[{\"a\":1}]}";
    assert_eq!(events(other), [event(1, other)]);
    // S3 objects that were put into one array.
    assert_eq!(
        events("[{\"Records\":[{\"a\":1}]},{\"Records\":[{\"b\":2}]}]"),
        [event(1, "{\"a\":1}"), event(1, "{\"b\":2}")]
    );
}

#[test]
fn a_record_that_has_a_list_besides_is_an_event() {
    let name = "\"eventName\":\"a\"";
    let source = "\"eventSource\": \"b\"";
    let list = "\"Records\":[{\"x\":1},\n{\"y\":2}]";
    let all = [name, source, list];
    for order in [[0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 0, 1], [2, 1, 0]] {
        let record = format!("{{{}}}", order.map(|part| all[part]).join(",\n"));
        let one = record.replace('\n', " ");
        assert_eq!(events(&record), [event(1, &one)], "{order:?}");
        // Between others, and inside another list.
        let text = format!("{{\"c\":1}}\n{{\"Events\":[{record},{{\"d\":2}}]}}\n{record}");
        let got: Vec<String> = events(&text).into_iter().map(|(_, text)| text).collect();
        assert_eq!(got, ["{\"c\":1}", &one, "{\"d\":2}", &one], "{order:?}");
    }
    // One key makes no record, and neither do keys of something inside it.
    let text = format!("{{{name},{list},\"in\":{{{source}}},\"eventSource\":null}}");
    assert_eq!(events(&text), [event(1, "{\"x\":1}"), event(2, "{\"y\":2}")]);
    // What is cut off cannot be told: its elements are not lost.
    let (events, unreadable) = split(&format!("{{{list},{name},{source}"));
    assert_eq!((events.len(), unreadable.len()), (2, 1));
}

#[test]
fn a_row_that_is_a_list_of_fields_is_an_event() {
    for (name, source) in [("eventName", "eventSource"), ("eventname", "eventsource")] {
        let row = format!("[{{\"{name}\":\"a\"}},\n {{\"{source}\":\"b\"}}, {{\"x\":null}}]");
        let one = row.replace('\n', " ");
        assert_eq!(events(&row), [event(1, &one)]);
        let rows = events(&format!("[{row},{row}]\n[{{\"c\":1}},{row}]"));
        let texts: Vec<&str> = rows.iter().map(|(_, text)| &**text).collect();
        assert_eq!(texts, [&one, &one, "{\"c\":1}", &one]);
        let rows = format!("{{\"QueryResultRows\":[{row}]}}");
        assert_eq!(events(&rows), [event(1, &rows.replace('\n', " "))]);
    }
    // Not of records, nor of fields that name no call.
    for list in [
        "[{\"eventName\":\"a\"},{\"c\":1}]",
        "[{\"eventName\":\"a\",\"eventSource\":\"b\"}]",
        "[{\"eventName\":\"a\"},{\"eventSource\":null}]",
        "[{\"eventName\":\"a\"},{\"eventSource\":\"b\"},{}]",
        "[{\"eventName\":\"a\"},{\"eventSource\":\"b\"},1]",
    ] {
        assert!(events(list).iter().all(|(_, text)| !text.starts_with('[')), "{list}");
    }
}

#[test]
fn a_batch_ends_between_documents_however_they_are_set_aside() {
    // Documents that may be records with a list besides, long and short ones.
    for events in [3, 300, 30_000] {
        let list = vec![r#"{"a":"some text, so that it takes room"}"#; events].join(",");
        let document = format!("{{\"Records\":[{list}]}}\n");
        let text = document.repeat((8 << 20) / document.len());
        let (mut splitter, mut batch) = (Splitter::new(1, LISTS), Batch::default());
        let (mut read, mut longest) = (0, 0);
        while read < text.len() {
            read += splitter.feed(&text.as_bytes()[read..], &mut batch, BATCH);
            longest = longest.max(batch.bytes().len());
            if batch.is_full() && !splitter.in_event() {
                batch.clear();
                batch.begin();
            }
        }
        assert!(longest < BATCH + 2 * LONG_LINE, "{longest} bytes of {events} events each");
    }
}

#[test]
fn byte_order_marks_and_record_separators_mean_nothing() {
    assert_eq!(
        events("\u{feff}{\"a\":1}\n\u{feff}{\"b\":2}\n\u{1e}{\"c\":3}"),
        [event(1, "{\"a\":1}"), event(2, "{\"b\":2}"), event(3, "{\"c\":3}")]
    );
}

#[test]
fn an_event_of_any_depth_is_passed_on() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(events(&deep), [event(1, &deep)]);
}

#[test]
fn an_event_too_long_is_left_out_and_reported() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_LINE));
    let text = format!("{{\"Records\":[\n{{\"b\":1}},\n{long},\n{{\"c\":2}}]}}");
    let (events, unreadable) = split_in(1 << 18, text.as_bytes());
    assert_eq!(events, [event(2, "{\"b\":1}"), event(4, "{\"c\":2}")]);
    assert_eq!(unreadable, [event(3, TOO_LONG)]);
}

#[test]
fn a_list_of_any_length_is_split() {
    let record = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    let text = format!("{{\"Records\":[{}]}}", vec![record.as_str(); 20].join(","));
    let (events, unreadable) = split_in(1 << 18, text.as_bytes());
    assert_eq!((events.len(), unreadable.len()), (20, 0));
}

#[test]
fn nothing_is_pending_at_the_end() {
    let text = b"{\"Records\":[{\"eventName\":\"a\"},{\"eventName\":\"b";
    let mut batch = Batch::default();
    let mut splitter = Splitter::new(1, LISTS).with(Broken::MayHoldRecords);
    splitter.feed(text, &mut batch, usize::MAX);
    assert!(splitter.finish(&mut batch, usize::MAX));
    assert!(splitter.is_between_documents());
    assert_eq!(batch.bytes, b"{\"eventName\":\"a\"}\n{\"eventName\":\"b\n");
}

#[test]
fn a_full_batch_stops_and_goes_on_where_it_was() {
    let text = b"{\"a\":1} {\"b\":2}\n{\"c\":\n{\"d\":3}\n{\"e\":4}";
    let mut splitter = Splitter::new(1, LISTS);
    let mut got = Vec::new();
    let mut read = 0;
    loop {
        let mut batch = Batch::default();
        batch.clear();
        batch.begin_at(Lines::Each(Vec::new()));
        let done = if read < text.len() {
            read += splitter.feed(&text[read..], &mut batch, 1);
            false
        } else {
            splitter.finish(&mut batch, 1)
        };
        assert!(batch.events() <= 1);
        if batch.events() == 1 {
            got.push((batch.parts()[0].line(1), String::from_utf8(batch.bytes).unwrap()));
        }
        if done {
            break;
        }
    }
    let expected: [(u64, String); 4] = [
        event(1, "{\"a\":1}\n"),
        event(1, "{\"b\":2}\n"),
        event(3, "{\"d\":3}\n"),
        event(4, "{\"e\":4}\n"),
    ];
    assert_eq!(got, expected);
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_give_the_same(
        text in "[\\[\\]{}\":, \n\\\\a1]{0,60}",
        pieces in 1_usize..9,
    ) {
        let whole = split_in(usize::MAX, text.as_bytes());
        prop_assert_eq!(split_in(pieces, text.as_bytes()), whole);
    }

    #[test]
    fn good_documents_survive_bad_neighbours(bad in "[\\[\\]{}\":, \\\\a1]{0,20}") {
        let good = "{\"good\":[true]}";
        let (events, _) = split_in(usize::MAX, format!("{good}\n{bad}\n{good}\n{good}").as_bytes());
        let found = events.iter().filter(|(_, text)| text.contains(good)).count();
        prop_assert!(found >= 2, "{:?}", events);
    }
}
