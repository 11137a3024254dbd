//! Both ways find the same lines, whatever the vectors, and these are what plain searches find.

use fearless_simd::Level;
use memchr::memmem;
use proptest::prelude::*;

use super::one_pass::{BLOCK, BLOCKS, OnePass};
use super::searches::Searches;
use super::*;

/// A line by its start, its end, its keys, whether letters are escaped in it, how it is spelled, and whether it may
/// be packed.
type Known = (usize, usize, Vec<usize>, bool, Spelling, bool);

fn known(found: Found<'_>) -> Known {
    let Found { start, end, keys, has_escaped_letter, spelling, may_be_packed } = found;
    (start, end, keys.to_vec(), has_escaped_letter, spelling, may_be_packed)
}

fn expected(batch: &[u8]) -> Vec<Known> {
    let mut start = 0;
    let mut keys = memmem::find_iter(batch, KEY).peekable();
    let lines = batch.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let end = start + line.strip_suffix(b"\n").unwrap_or(line).len();
        let of_line = std::iter::from_fn(|| keys.next_if(|key| *key < end)).collect();
        let escapes = |at: usize| {
            let escape = batch.get(at..at + 5);
            escape.is_some_and(|it| it.starts_with(b"\\u00") && (b'4'..=b'7').contains(&it[4]))
        };
        let is_unescaped = memmem::find(line, b"\\u").is_none();
        let spelling = Spelling { is_ascii: line.is_ascii(), is_unescaped };
        let is_packed = memmem::find(line, PACKED).is_some();
        let found = (start, end, of_line, (start..end).any(escapes), spelling, is_packed);
        start += line.len();
        found
    });
    lines.collect()
}

fn levels() -> Vec<Level> {
    let best = Level::new();
    let narrower = [
        best.as_sse2().map(Level::Sse2),
        best.as_sse4_2().map(Level::Sse4_2),
        best.as_avx2().map(Level::Avx2),
    ];
    narrower.into_iter().flatten().chain([best]).collect()
}

/// Those of a batch however they are found.
fn check(batch: &[u8]) {
    let expected = expected(batch);
    let is_same = |found: &[Known], how: &str| {
        assert_eq!(found.len(), expected.len(), "{how}");
        for (found, expected) in found.iter().zip(&expected) {
            let without =
                |(start, end, keys, escaped, ..): &Known| (*start, *end, keys.clone(), *escaped);
            assert_eq!(without(found), without(expected), "{how}");
            let (told, is) = (found.4, expected.4);
            assert!(!told.is_ascii || is.is_ascii, "{how}: {found:?}");
            assert!(!told.is_unescaped || is.is_unescaped, "{how}: {found:?}");
            assert!(found.5 == expected.5 || how == "searches", "{how}: {found:?}");
        }
    };
    let mut searches = Searches::new(batch);
    let found: Vec<_> = std::iter::from_fn(|| searches.next().map(known)).collect();
    is_same(&found, "searches");
    for level in levels() {
        let mut one_pass = OnePass::with(batch, level);
        let found: Vec<_> = std::iter::from_fn(|| one_pass.next().map(known)).collect();
        is_same(&found, &format!("{level:?}"));
    }
}

#[test]
fn whatever_is_looked_for_is_found_wherever_it_stands() {
    let part = BLOCK * BLOCKS;
    let around = |at: usize| at.saturating_sub(70)..at + 70;
    for text in
        ["\n", "eventName", "eventNameventName", "\\u0041", "\\u003d", "\u{e9}", "N", "\"data\""]
    {
        for before in (0..3 * BLOCK).chain(around(part)).chain(around(2 * part)) {
            for after in [0, 1, 2, 63, 64, 65] {
                let (before, after) = ("x".repeat(before), "y".repeat(after));
                check(format!("{before}{text}{after}").as_bytes());
            }
        }
    }
}

#[test]
fn text_beyond_ascii_is_told_of_its_line() {
    for before in [0, 1, 63, 64, 65, 20_000] {
        let batch = format!("{}\n\u{e9}\n{}\n", "x".repeat(before), "x".repeat(20_000));
        check(batch.as_bytes());
    }
}

proptest! {
    #[test]
    fn lines_are_what_searches_find(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "eventName", "eventNam", "ventName", "tN", "N", "e", "\n", "\\", "\\u", "\\u00", "\\u0041",
            "\\u0039", "u0041", "\"data\"", "\"dat", "d", "\u{e9}", "{", "\"", "\n\n",
            "----------------------------------------------------------------------",
        ]), 0..200),
        times in 1..40_usize,
    ) {
        check(pieces.concat().repeat(times).as_bytes());
    }
}
