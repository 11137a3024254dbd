//! Files long enough to be read in pieces.

use std::fs;
use std::io::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::tests::{event, options, real, scan_with};
use super::*;

/// Lines of about four MiB, and what stands among them.
fn file(odd: &[(usize, u8)], end: &str) -> String {
    let mut text = String::new();
    for id in 0..6000 {
        for (_, what) in odd.iter().filter(|(at, _)| *at == id) {
            text += &match what % 10 {
                0 => event(id, "LeaveOrganization").to_string(),
                1 => "nonsense".into(),
                2 => serde_json::to_string_pretty(&event(id, "LeaveOrganization")).unwrap(),
                3 => format!("{{\"eventName\":\"{}\"}}", "x".repeat(700 << 10)),
                4 => format!("{{\"eventName\":\"{}\"}}", "x".repeat(1500 << 10)),
                5 => "{\"a\":\n".into(),
                6 => "\n".repeat(3000),
                7 => "[".into(),
                8 => json!({ "awslogs": { "data": "e30=" } }).to_string(),
                _ => json!({ "message": event(id, "LeaveOrganization") }).to_string(),
            };
            text += end;
        }
        let mut event = event(id, "DescribeX");
        event["requestParameters"] = json!({ "text": "x".repeat(200 + id * 37 % 800) });
        text += &event.to_string();
        text += end;
    }
    text
}

/// The same with any number of threads, and as in a compressed file, which is read in order.
fn check(text: &str) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    let run = |threads| scan_with(real(), std::slice::from_ref(&path), &options(threads));
    fs::write(&path, text).unwrap();
    let plain = [1, 2, 5].map(run);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    fs::write(&path, encoder.finish().unwrap()).unwrap();
    let in_order = run(1);
    for one in plain {
        assert!(one.0.0.len() == in_order.0.0.len(), "{:?}", one.0);
        for (one, other) in one.0.0.iter().zip(&in_order.0.0) {
            assert!(one == other, "{one} instead of {other}");
        }
        assert_eq!(one.1, in_order.1);
    }
}

#[test]
fn a_long_file_is_read_in_pieces_and_a_short_one_is_not() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("file");
    let pieces = |text: &str| {
        fs::write(&path, text).unwrap();
        let (limits, progress) = (Limits::default(), ReadProgress::default());
        let source = Source::File(path.clone());
        let mut reader = input::Reader::open(&source, &limits, &progress).unwrap();
        let mut batch = input::Batch::new();
        assert!(reader.next(&mut batch, &mut |_| None).unwrap());
        let lines = memchr::memchr_iter(b'\n', batch.bytes()).count() as u64;
        reader.pieces().map(|(pieces, line)| {
            assert_eq!((pieces.start(), line), (batch.bytes().len() as u64, lines + 1));
            pieces.count()
        })
    };
    let text = file(&[], "\n");
    assert_eq!(pieces(&text), Some(text.len() / (512 << 10) - 1));
    assert_eq!(pieces(&text[..2 << 20]), None);
    assert_eq!(pieces(&format!("[\n{text}")), None);
}

#[test]
fn long_files_give_the_same_in_pieces() {
    check(&file(&[], "\n"));
    for what in 0..10 {
        check(&file(&[(10, 0), (2500, what), (4000, 0), (5999, 0)], "\n"));
    }
    check(file(&[(3000, 0)], "\r\n").trim_end());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_long_file_gives_the_same_in_pieces(
        odd in prop::collection::vec((0_usize..6000, any::<u8>()), 0..12),
        cut in 0_usize..2000,
    ) {
        let text = file(&odd, "\n");
        check(&text[..text.len() - cut]);
    }
}
