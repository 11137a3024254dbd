//! Bytes that are in memory as a whole, as events of a line each.

use orgwatch::envelope::may_hold_record;
use serde::de::IgnoredAny;

use super::kind::Kind;
use super::lines::whole_lines;
use super::splitter::{Broken, Splitter};
use super::{Batch, Error};

/// Whether a body is an event a line as it is, told by little more than the ends of its lines.
pub(crate) fn are_lines(body: &[u8]) -> bool {
    body.starts_with(b"{") && whole_lines(body).1.is_none()
}

/// Why a body is no log, if its first bytes are those of something else. Text, and bytes of no known kind, are for
/// the detector; so is what names an event, lest a few bytes in front of records hide them. A Parquet file is told
/// by both of its ends.
pub(crate) fn not_a_log(body: &[u8]) -> Option<Error> {
    let is_parquet = body.starts_with(b"PAR1") && body.ends_with(b"PAR1");
    Kind::of_bytes(body).filter(|_| is_parquet || !may_hold_record(body)).map(Error::from)
}

/// The events of a body, one a line; none if it is so already. Every byte of them is passed on: line breaks
/// between their values become spaces, elements of an array become lines, and what is broken stays as it is,
/// line by line, for the detector to say so. Separators between events (commas, byte order marks, NUL) are
/// left out.
pub(crate) fn event_lines(body: &[u8]) -> Option<Vec<u8>> {
    let text = body.trim_ascii();
    let several = memchr::memchr(b'\n', text).is_some();
    match text.first() {
        // One line that is broken is for the detector.
        Some(b'[') if !several && serde_json::from_slice::<IgnoredAny>(text).is_err() => {
            return None;
        }
        Some(b'[') => {}
        _ if whole_lines(body).1.is_none() => return None,
        _ if !several => return None,
        _ => {}
    }
    let mut batch = Batch::default();
    let mut splitter = Splitter::new(1, &[]).with(Broken::PassedOn);
    let mut read = 0;
    while read < body.len() {
        read += splitter.feed(&body[read..], &mut batch, usize::MAX);
    }
    while !splitter.finish(&mut batch, usize::MAX) {}
    // What is longer than an event may be is in no batch.
    let whole = batch.last().unreadable.is_empty();
    let same = batch.bytes.trim_ascii_end() == body.trim_ascii_end();
    (whole && !same).then_some(batch.bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(body: &str) -> String {
        let lines = event_lines(body.as_bytes()).unwrap_or_else(|| body.into());
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn lines_stay_as_they_are() {
        for body in [
            "",
            "\n\n",
            "{\"a\":1}",
            "{\"a\":1}\n{\"b\": 2}\r\n\n{}",
            "{}\n[{}]\nnot json",
            "nothing of the kind\n",
            "\"{}\"\n\"{}\"",
        ] {
            assert_eq!(of(body), body);
        }
    }

    #[test]
    fn a_body_that_is_no_log_is_named() {
        let named = |body: &[u8]| not_a_log(body).map(|err| err.to_string());
        let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0; 64]].concat();
        assert!(named(&png).unwrap().starts_with("a PNG image"));
        assert!(named(b"PK\x03\x04\x14\0\0\0\x08\0").unwrap().starts_with("a ZIP archive"));
        assert!(named(b"PAR1\x15\x04\x15\0").unwrap().starts_with("a Parquet file"));
        assert!(named(b"\xff\xfe{\0}\0").unwrap().starts_with("UTF-16"));
        let behind = [&png[..], b"\n{\"eventName\":\"LeaveOrganization\"}"].concat();
        for body in
            [&behind[..], b"", b"{}", b"%PDF-1", b"<html>", b"\xe9t\xe9\n", &[0; 100], &[0xff; 100]]
        {
            assert_eq!(named(body), None, "{body:?}");
        }
    }

    #[test]
    fn documents_are_taken_apart_and_no_value_is_changed() {
        assert_eq!(of("[{\"a\" :1.50},{\"b\":\"\\n\"}]"), "{\"a\" :1.50}\n{\"b\":\"\\n\"}\n");
        assert_eq!(of(" [ ] \n"), "");
        assert_eq!(of("[{\n\"Records\":[1,\r\n2]}\n,7]"), "{ \"Records\":[1,  2]}\n7\n");
        assert_eq!(of("{\n  \"a\": 1\n}\n"), "{   \"a\": 1 }\n");
        assert_eq!(
            of("{\"a\":1}\n{\n\"b\":2\n}\n{\"c\":3}\n"),
            "{\"a\":1}\n{ \"b\":2 }\n{\"c\":3}\n"
        );
        assert_eq!(of("[\"{}\",\"x\"]"), "\"{}\"\n\"x\"\n");
    }

    #[test]
    fn what_is_broken_stays() {
        for body in [
            "{\"a\":\n",
            "{\"a\":",
            "[{\"a\":1}",
            "[1,",
            "not json\n{\"a\":1",
            "{\"a\":1\n{\"b\":2}\nsome {prose\n{\"c\":3}",
        ] {
            assert_eq!(of(body), body);
        }
        assert_eq!(of("{\n\u{c}a"), "{\na\n");
        assert_eq!(of("[{\"a\":1},\n{\"b\":"), "{\"a\":1}\n{\"b\":\n");
    }

    proptest! {
        #[test]
        fn no_byte_that_means_something_is_lost(body in "[\\[\\]{}\":, \\\\a1\n]{0,40}") {
            let means = |text: &str| {
                let means = |c: &char| !matches!(c, ' ' | ',' | '\n' | '[' | ']' | '}');
                text.chars().filter(means).collect::<String>()
            };
            prop_assert_eq!(means(&of(&body)), means(&body));
        }
    }
}
