//! Findings into the events that gave them. Whatever is not ours stays as it came, to the byte.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::unwrap_used))]

use bytes::Bytes;
use memchr::{memchr, memmem, memrchr};
use orgwatch::adapters::annotate_json::splice;
use orgwatch::finding::Finding;
use orgwatch::json::Tape;

use crate::native;
use crate::plugin::{Located, Span};

/// The events with their findings, and how many keys that came with our names were given others.
///
/// The same bytes if there is nothing to change. Findings of a line that is not an object, where no
/// key can be added, follow on a line of their own.
pub(super) fn annotate(events: &Bytes, spans: &[Span], found: &[Located]) -> (Bytes, u64) {
    let mut changes: Vec<(usize, &[Located])> = Vec::new();
    for findings in found.chunk_by(|one, next| one.place.line == next.place.line) {
        let line = findings.first().map_or(0, |one| one.place.line);
        let nth = spans.binary_search_by_key(&line, |span| span.line).ok();
        // One that a guest places nowhere stands on the last line: it must be on some.
        let last = events.len().saturating_sub(1);
        let at = nth.and_then(|nth| spans.get(nth)).map_or(last, |span| span.offset.min(last));
        changes.push((start(events, at), findings));
    }
    changes.extend(ours(events).map(|start| (start, &[][..])));
    changes.sort_by_key(|(start, findings)| (*start, findings.is_empty()));
    if changes.is_empty() {
        return (events.clone(), 0);
    }

    let mut out = Vec::with_capacity(events.len().saturating_add(found.len().saturating_mul(4096)));
    let mut tape = Tape::default();
    let (mut from, mut renamed) = (0, 0_u64);
    for same in changes.chunk_by(|one, next| one.0 == next.0) {
        // Every line begins at or behind the end of the one before.
        let Some(start) = same.first().map(|(start, _)| *start) else { continue };
        let end = end(events, start);
        let findings: Vec<Finding> =
            same.iter().flat_map(|(_, found)| *found).map(|one| one.finding.clone()).collect();
        out.extend_from_slice(events.get(from..start).unwrap_or_default());
        from = end;
        let (line, before) = (events.get(start..end).unwrap_or_default(), out.len());
        let spliced = native::parse(line, || splice(line, &findings, &mut tape, &mut out));
        match spliced.flatten() {
            Some(keys) => renamed = renamed.saturating_add(keys),
            None => {
                out.truncate(before);
                out.extend_from_slice(line);
                if !findings.is_empty() {
                    out.push(b'\n');
                    let _ = splice(b"{}", &findings, &mut tape, &mut out);
                }
            }
        }
    }
    out.extend_from_slice(events.get(from..).unwrap_or_default());
    (out.into(), renamed)
}

/// Just the findings, one a line.
pub(super) fn findings(found: &[Located]) -> Vec<u8> {
    let mut out = Vec::new();
    for one in found {
        // Writing to memory does not fail, and a finding has no key that is not text.
        let _ = serde_json::to_writer(&mut out, &one.finding);
        out.push(b'\n');
    }
    out
}

/// The first byte of the line that a byte stands in.
fn start(events: &[u8], at: usize) -> usize {
    let before = memrchr(b'\n', events.get(..at).unwrap_or_default());
    before.map_or(0, |end| end.saturating_add(1))
}

/// The end of the line that a byte stands in, without its newline.
fn end(events: &[u8], at: usize) -> usize {
    let length = memchr(b'\n', events.get(at..).unwrap_or_default());
    length.map_or(events.len(), |length| at.saturating_add(length))
}

/// The beginnings of lines in which one of our names may stand: as it is, or behind escaped letters.
fn ours(events: &[u8]) -> impl Iterator<Item = usize> {
    let escaped = memmem::find_iter(events, b"\\u00")
        .filter(|at| matches!(events.get(at.saturating_add(4)), Some(b'4'..=b'7')));
    starts(events, memmem::find_iter(events, b"\"orgwatch")).chain(starts(events, escaped))
}

/// The beginnings of the lines that hold these places, which are in order: each line once, however many of
/// them it holds.
fn starts(events: &[u8], places: impl Iterator<Item = usize>) -> impl Iterator<Item = usize> {
    let mut next = 0_usize;
    places.filter_map(move |at| {
        // None for a place in the line that was given last.
        let start = next.saturating_add(start(events.get(next..at)?, at.checked_sub(next)?));
        next = end(events, at).saturating_add(1);
        Some(start)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::plugin::Place;

    fn finding() -> Finding {
        let record = br#"{"eventSource":"organizations.amazonaws.com","eventID":"1",
            "eventName":"LeaveOrganization","eventTime":"2026-06-01T12:00:00Z"}"#;
        orgwatch::detector::Detector::open("{}").unwrap().detect(record).unwrap().remove(0)
    }

    /// Annotates the lines with these numbers, from 1.
    fn annotated(text: &str, lines: &[u32]) -> (String, u64) {
        let events = Bytes::copy_from_slice(text.as_bytes());
        let mut offset = 0;
        let spans: Vec<Span> = (1..)
            .zip(text.split_inclusive('\n'))
            .map(|(line, bytes)| {
                offset += bytes.len();
                Span { line, offset: offset - bytes.len(), length: bytes.trim_end().len() }
            })
            .collect();
        let found: Vec<Located> = lines
            .iter()
            .map(|line| Located { place: Place { line: *line, record: 0 }, finding: finding() })
            .collect();
        let (out, renamed) = annotate(&events, &spans, &found);
        (String::from_utf8(out.to_vec()).unwrap(), renamed)
    }

    #[test]
    fn without_findings_nothing_is_even_copied() {
        let events = Bytes::from_static(b"{\"a\":1}\n{\"userAgent\":\"curl\"}");
        let (out, renamed) = annotate(&events, &[], &[]);
        assert_eq!((out.as_ptr(), renamed), (events.as_ptr(), 0));
    }

    #[test]
    fn findings_stand_in_their_events() {
        let text = "{\"a\":1}\n\n{\"b\":2}\r\n{\"c\":3}";
        let (out, renamed) = annotated(text, &[3, 3, 4]);
        let lines: Vec<&str> = out.split('\n').collect();
        assert_eq!((lines.len(), renamed), (4, 0));
        assert_eq!((lines[0], lines[1]), ("{\"a\":1}", ""));
        for (line, count, end) in [(lines[2], 2, "}\r"), (lines[3], 1, "}")] {
            let value: Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["orgwatch"].as_array().unwrap().len(), count);
            assert!(value["orgwatch_severity"].is_string() && line.ends_with(end));
        }
    }

    #[test]
    fn our_names_are_cleared_wherever_they_come_from() {
        let text =
            "{\"orgwatch\":1}\n{\"x\":\"\\\"orgwatch\",\"\\u006frgwatch\":2}\nno \"orgwatch\"";
        let (out, renamed) = annotated(text, &[]);
        assert_eq!(renamed, 2);
        let expected = "{\"orgwatch_original\":1}\n{\"x\":\"\\\"orgwatch\",\"orgwatch_original\":2}\nno \"orgwatch\"";
        assert_eq!(out, expected);
        let (out, renamed) = annotated(text, &[1, 2]);
        assert_eq!(renamed, 2);
        assert_eq!(out.matches("\"orgwatch\":[").count(), 2);
    }

    #[test]
    fn findings_of_what_is_no_object_follow_it() {
        let (out, _) = annotated("[{\"a\":1}]\n{}", &[1]);
        let lines: Vec<&str> = out.split('\n').collect();
        assert_eq!((lines.len(), lines[0], lines[2]), (3, "[{\"a\":1}]", "{}"));
        assert!(lines[1].starts_with("{\"orgwatch\":[{"), "{out}");
        // A place that is not there loses nothing either.
        assert!(annotated("", &[1]).0.contains("\"orgwatch\":[{"));
    }

    #[test]
    fn a_line_that_a_native_parser_cannot_bear_keeps_its_findings() {
        let panics = format!("{{\"a\":\"{}\"}}", String::from_utf8_lossy(native::PANICS));
        let (out, _) = annotated(&format!("{{\"b\":2}}\n{panics}\n{{\"c\":3}}"), &[1, 2, 3]);
        let lines: Vec<&str> = out.split('\n').collect();
        assert_eq!((lines.len(), lines[1]), (4, &panics[..]));
        assert_eq!(out.matches("\"orgwatch\":[{").count(), 3);
    }

    proptest! {
        /// The output is the input but for our keys.
        #[test]
        fn all_else_stays(
            bodies in prop::collection::vec("\\PC{0,12}", 1..8),
            picks in prop::collection::vec(any::<bool>(), 8),
        ) {
            let lines: Vec<String> =
                bodies.iter().map(|text| serde_json::json!({ "k": text, text: 1.5 }).to_string()).collect();
            let picked: Vec<u32> = (1..).zip(&lines).zip(&picks)
                .filter(|(_, pick)| **pick).map(|((line, _), _)| line).collect();
            let (out, _) = annotated(&lines.join("\n"), &picked);
            for ((number, line), out) in (1..).zip(&lines).zip(out.split('\n')) {
                if picked.contains(&number) {
                    let cut = out.find(",\"orgwatch\":[").unwrap();
                    prop_assert_eq!(&out[..cut], &line[..line.len() - 1]);
                } else {
                    prop_assert_eq!(out, line);
                }
            }
        }
    }
}
