//! Tests of the reader.

use std::io::{Cursor, Read};

use super::super::bytes::gzip;
use super::super::{MAX_LINE, TOO_LONG};
use super::*;

#[derive(Debug, Default, PartialEq)]
struct All {
    /// Lines that are not blank, with their lines in the file.
    events: Vec<(u64, String)>,
    unreadable: Vec<(u64, String)>,
    error: Option<String>,
    batches: usize,
}

fn open(input: impl Read + Send + 'static, live: bool) -> Reader {
    let (limits, progress) = (Limits::default(), ReadProgress::default());
    Reader::new(Bytes::new(Box::new(input), live, &limits, &progress))
}

/// Behind what is in a batch already, if anything is.
fn read_from(input: impl Read + Send + 'static, live: bool, before: &[u8]) -> All {
    let mut reader = open(input, live);
    let mut batch = Batch::default();
    let mut all = All::default();
    loop {
        batch.clear();
        batch.begin();
        batch.bytes.extend(before);
        match reader.next(&mut batch, &mut |_| None) {
            Ok(true) => {}
            Ok(false) => break,
            Err(err) => {
                assert!(all.error.is_none());
                all.error = Some(err.to_string());
                continue;
            }
        }
        all.batches += 1;
        assert!(batch.bytes().len() <= BATCH + MAX_LINE);
        let part = &batch.parts()[1];
        for (index, line) in batch.of(1).split(|&byte| byte == b'\n').enumerate() {
            if !line.trim_ascii().is_empty() {
                let text = String::from_utf8_lossy(line).into_owned();
                let number = part.before + u32::try_from(index).unwrap() + 1;
                all.events.push((part.line(number), text));
            }
        }
        all.unreadable.extend(part.unreadable.iter().map(|one| (one.line, one.reason.clone())));
    }
    all
}

fn read(input: &[u8]) -> All {
    let all = read_from(Cursor::new(input.to_owned()), false, b"");
    for (live, before) in [(true, &b""[..]), (false, b"before\n\n"), (true, b"before\n")] {
        let other = read_from(Cursor::new(input.to_owned()), live, before);
        assert_eq!((&all.events, &all.unreadable), (&other.events, &other.unreadable));
    }
    all
}

fn events(input: &[u8]) -> Vec<(u64, String)> {
    let all = read(input);
    assert_eq!((all.unreadable, all.error), (vec![], None));
    all.events
}

fn event(line: u64, text: &str) -> (u64, String) {
    (line, text.to_owned())
}

#[test]
fn an_event_a_line_is_left_as_it_is() {
    let broken = "{\"a\":1}\n\n{\"b\": \r\nnot json\n{\"c\":3}";
    let got = read(broken.as_bytes());
    assert_eq!(got.events, [event(1, "{\"a\":1}"), event(5, "{\"c\":3}")]);
    let reason = "broken JSON: expected a comma or a closing brace (line 4)";
    assert_eq!(got.unreadable, [event(3, reason)]);
    // The guest reads what can be read of a line that may hold a record.
    let cut = "{\"eventName\":\"A\n{\"c\":3}\nprose {\"d\":4}\nprose";
    let lines =
        [event(1, "{\"eventName\":\"A"), event(2, "{\"c\":3}"), event(3, "prose {\"d\":4}")];
    let got = read(cut.as_bytes());
    assert_eq!((&got.events[..], &got.unreadable[..]), (&lines[..], &[event(4, "not JSON")][..]));
    // What begins with something else is left to the guest as well.
    assert_eq!(events(b"oops\n{\"a\":1}"), [event(1, "oops"), event(2, "{\"a\":1}")]);
    assert_eq!(events(b""), []);
    assert_eq!(events(b"\n \r\n"), []);
    assert_eq!(events(b"\n\n{\"a\":1}"), [event(3, "{\"a\":1}")]);
}

#[test]
fn an_object_of_records_on_one_line_is_left_to_the_guest() {
    let records = r#"{"Records":[{"a":"}{"},{"b":2}]}"#;
    assert_eq!(events(records.as_bytes()), [event(1, records)]);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    // Blanks take its place.
    assert_eq!(events(b"\xef\xbb\xbf{\"a\":1}\n"), [event(1, "   {\"a\":1}")]);
    assert_eq!(events(b"\xef\xbb\xbf[{\"a\":1}]\n"), [event(1, "{\"a\":1}")]);
}

#[test]
fn documents_are_recognised() {
    for (text, line) in [
        ("{\n \"a\": 1 }", 1),
        ("\n[{\"a\":1}]", 2),
        ("{\"Records\":[\n{\"a\":1}]}", 2),
        ("{\"Records\":[{\"a\":1},{\"b\"", 1),
    ] {
        let got = read(text.as_bytes());
        assert_eq!(got.events.len(), 1, "{text}: {got:?}");
        assert_eq!(got.events[0].0, line, "{text}");
    }
}

#[test]
fn objects_without_anything_between_them_are_told_apart() {
    for text in ["{\"a\":1}{\"b\":2}", "{\"a\":1} {\"b\":2}\n"] {
        assert_eq!(events(text.as_bytes()), [event(1, "{\"a\":1}"), event(1, "{\"b\":2}")]);
    }
    let one = "{\"a\":\"}{\"}";
    assert_eq!(events(one.as_bytes()), [event(1, one)]);
}

#[test]
fn batches_end_at_lines_and_count_them() {
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(999));
    let text = line.repeat(20_000);
    let all = read(text.as_bytes());
    assert_eq!(all.events.len(), 20_000);
    assert_eq!(all.batches, text.len().div_ceil(BATCH));
    assert!(all.events.iter().zip(1..).all(|((line, _), expected)| *line == expected));
}

#[test]
fn documents_come_in_batches_too() {
    let text =
        format!("[{}]", vec![format!("\n{{\"a\":\"{}\"}}", "x".repeat(999)); 20_000].join(","));
    let all = read(text.as_bytes());
    assert_eq!(all.events.len(), 20_000);
    assert!(all.batches >= 20);
    assert!(all.events.iter().zip(2..).all(|((line, _), expected)| *line == expected));
}

#[test]
fn gzip_is_recognised_by_its_content() {
    let input = [gzip(b"{\"a\":1}\n"), gzip(b"{\"b\":2}\n")].concat();
    assert_eq!(events(&input), [event(1, "{\"a\":1}"), event(2, "{\"b\":2}")]);
}

#[test]
fn what_a_gzip_cut_off_still_holds_is_delivered() {
    let lines: String = (0..50_000).map(|n| format!("{{\"a\":{n}}}\n")).collect();
    let whole = gzip(lines.as_bytes());
    let all = read(&whole[..whole.len() / 2]);
    assert!(all.events.len() > 10_000);
    assert!(all.error.unwrap().starts_with("gzip is corrupt or cut off after "));
}

#[test]
fn a_line_too_long_does_not_take_others_with_it() {
    let long = "x".repeat(MAX_LINE);
    let text = format!("{{\"a\":1}}\n{{\"b\":\"{long}\"}}\n{{\"c\":3}}\n");
    let all = read(text.as_bytes());
    assert_eq!(all.events, [event(1, "{\"a\":1}"), event(3, "{\"c\":3}")]);
    assert_eq!(all.unreadable, [event(2, TOO_LONG)]);

    let text = format!("{{\"a\":1}}\n{long}{long}\n{{\"c\":3}}\n");
    let all = read(text.as_bytes());
    assert_eq!(all.events, [event(1, "{\"a\":1}"), event(3, "{\"c\":3}")]);
    assert_eq!(all.unreadable.len(), 1);
}

#[test]
fn a_long_line_of_records_is_split() {
    let record = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    let records = format!("{{\"Records\":[{}]}}", vec![record.as_str(); 20].join(","));
    let all = read(format!("{{\"b\":1}}\n{records}\n{{\"c\":3}}").as_bytes());
    assert_eq!(all.events.len(), 22);
    assert_eq!(all.events[1].0, 2);
    assert_eq!(all.events[21], event(3, "{\"c\":3}"));
    assert!(all.unreadable.is_empty());
    // As the first of the file, too.
    let all = read(records.as_bytes());
    assert_eq!((all.events.len(), all.unreadable.len()), (20, 0));
}

/// Gives its parts one by one, as a pipe does, and then waits to be asked.
struct Parts(Vec<&'static [u8]>, std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl Read for Parts {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if self.0.is_empty() {
            return Ok(0);
        }
        let part = self.0.remove(0);
        to[..part.len()].copy_from_slice(part);
        Ok(part.len())
    }
}

#[test]
fn what_a_pipe_has_given_does_not_wait_for_more() {
    let reads = std::sync::Arc::default();
    let parts = Parts(
        vec![b"{", b"\"", b"a\":1}\n", b"{\"b\":2}\n{\"c", b"\":3}\n"],
        std::sync::Arc::clone(&reads),
    );
    let mut reader = open(parts, true);
    let mut batch = Batch::default();
    let expected: [(&[u8], usize); 3] =
        [(b"{\"a\":1}\n", 3), (b"{\"b\":2}\n", 4), (b"{\"c\":3}\n", 5)];
    for (bytes, most_reads) in expected {
        batch.clear();
        assert!(reader.next(&mut batch, &mut |_| None).unwrap());
        assert_eq!(batch.bytes(), bytes);
        assert!(reads.load(std::sync::atomic::Ordering::Relaxed) <= most_reads);
    }
    assert!(!reader.next(&mut batch, &mut |_| None).unwrap());
}
