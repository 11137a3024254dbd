//! Lines by searches side by side: each byte is seen once by each, whatever the length of lines.

use std::iter::Peekable;

use memchr::memchr;

use super::super::escapes::EscapedLetters;
use super::super::frame::is_ascii;
use super::super::rare_byte::RareByteFinder;
use super::{Found, KEY, Spelling};

/// The place of the rarest byte of the key.
const RARE: usize = 5;

pub(in super::super) struct Searches<'a> {
    batch: &'a [u8],
    is_ascii: bool,
    keys: Peekable<RareByteFinder<'a, { KEY.len() }>>,
    escapes: EscapedLetters<'a>,
    start: usize,
    of_line: Vec<usize>,
}

impl<'a> Searches<'a> {
    pub(in super::super) fn new(batch: &'a [u8]) -> Self {
        Searches {
            batch,
            is_ascii: is_ascii(batch),
            keys: RareByteFinder::new(batch, KEY, RARE).peekable(),
            escapes: EscapedLetters::new(batch),
            start: 0,
            of_line: Vec::new(),
        }
    }

    pub(in super::super) fn next(&mut self) -> Option<Found<'_>> {
        let start = self.start;
        let rest = self.batch.get(start..).filter(|rest| !rest.is_empty())?;
        let end = start.saturating_add(memchr(b'\n', rest).unwrap_or(rest.len()));
        self.start = end.saturating_add(1);
        self.of_line.clear();
        self.of_line.extend(std::iter::from_fn(|| self.keys.next_if(|key| *key < end)));
        Some(Found {
            start,
            end,
            keys: &self.of_line,
            has_escaped_letter: self.escapes.before(end),
            // A guest's host looks for itself.
            may_be_packed: true,
            // Another search would take as long as it may save.
            spelling: Spelling { is_ascii: self.is_ascii, is_unescaped: false },
        })
    }
}
