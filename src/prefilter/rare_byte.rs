//! Searching for text by one of its bytes, where that byte is rare.
//!
//! memchr searches for text by two of its bytes, and its `memmem` with a ranker of bytes can be told which.
//! In WebAssembly with 128-bit vectors, which is what routers run, that takes 1.4 times as long as this: 14 GB/s
//! against 20 GB/s over 16 MB of CloudTrail, with or without a ranker. In native code with 256-bit vectors it is
//! the other way round, 35 GB/s against 21 GB/s, and there the lines of a batch are found in [one pass](super::lines).

use memchr::memchr;
use memchr::memmem::Finder;

/// The places of a text, in order.
///
/// A search for one byte takes in four times as much at a step as a search for text. Where the byte
/// turns out to be no rare one, text is searched for instead, for a while.
pub(super) struct RareByteFinder<'a, const N: usize> {
    bytes: &'a [u8],
    /// The offset from which on it has not been searched.
    at: usize,
    text: &'static [u8; N],
    finder: Finder<'static>,
    /// The place of the rare byte in the text.
    rare: usize,
    /// The number of times that the byte may yet be near the one before it.
    misses_left: u32,
}

const MISSES: u32 = 8;

/// Nearer than this the byte is not rare.
const DENSE_GAP: usize = 32;

/// The number of bytes in which text is searched for then.
const FALLBACK_SPAN: usize = 1024;

impl<'a, const N: usize> RareByteFinder<'a, N> {
    /// Searches for a text whose byte at `rare` is rare.
    pub(super) fn new(bytes: &'a [u8], text: &'static [u8; N], rare: usize) -> Self {
        RareByteFinder { bytes, at: 0, text, finder: Finder::new(text), rare, misses_left: MISSES }
    }

    /// Searches for the text for a while.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "offsets into a batch, which is shorter than half of what a usize counts"
    )]
    fn by_text(&mut self) -> Option<usize> {
        let end = self.bytes.len().min(self.at + FALLBACK_SPAN + N);
        let found = self.bytes.get(self.at..end).and_then(|rest| self.finder.find(rest));
        let found = found.map(|found| self.at + found);
        self.at = match found {
            Some(found) => found + N,
            // One may have begun that goes on behind the end.
            None if end < self.bytes.len() => end + 1 - N,
            None => end,
        };
        self.misses_left = if found.is_some() { self.misses_left } else { MISSES };
        found
    }
}

impl<const N: usize> Iterator for RareByteFinder<'_, N> {
    type Item = usize;

    #[inline(never)]
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "offsets into a batch, which is shorter than half of what a usize counts"
    )]
    fn next(&mut self) -> Option<usize> {
        let byte = *self.text.get(self.rare)?;
        loop {
            let rest = self.bytes.get(self.at + self.rare..)?;
            if self.misses_left == 0 {
                match self.by_text() {
                    None if self.at < self.bytes.len() => continue,
                    found => return found,
                }
            }
            let Some(distance) = memchr(byte, rest) else {
                self.at = self.bytes.len();
                return None;
            };
            self.misses_left = if distance < DENSE_GAP { self.misses_left - 1 } else { MISSES };
            let start = self.at + distance;
            // Of an array: comparing slices calls a function for each byte that is as rare.
            if self.bytes.get(start..).and_then(<[u8]>::first_chunk) == Some(self.text) {
                self.at = start + N;
                return Some(start);
            }
            self.at = start + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use memchr::memmem;
    use proptest::prelude::*;

    use super::*;

    fn both(bytes: &[u8]) -> (Vec<usize>, Vec<usize>) {
        (
            RareByteFinder::new(bytes, b"eventName", 5).collect(),
            memmem::find_iter(bytes, b"eventName").collect(),
        )
    }

    #[test]
    fn a_frequent_byte_hides_nothing() {
        // Around every place where one way of searching gives way to the other.
        for between in (0..40)
            .chain(FALLBACK_SPAN - 30..FALLBACK_SPAN + 30)
            .chain(2 * FALLBACK_SPAN - 30..2 * FALLBACK_SPAN + 30)
        {
            let text = format!("eventName{}eventName{}", "N".repeat(between), "x".repeat(between));
            let (found, expected) = both(text.repeat(3).as_bytes());
            assert_eq!(found, expected, "{between}");
            assert_eq!(found.len(), 6);
        }
    }

    proptest! {
        #[test]
        fn it_finds_what_a_search_for_text_finds(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "eventName", "eventNam", "ventName", "N", "NNNNNNNN", "e", "x",
                "----------------------------------------------------------------------",
            ]), 0..200),
        ) {
            let (found, expected) = both(pieces.concat().as_bytes());
            prop_assert_eq!(found, expected);
        }
    }
}
