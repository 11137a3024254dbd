//! Searches in the bytes of JSON, a word of eight at a time. Most texts are short, so that this takes
//! less than the preparations of a wider search.

const ONES: u64 = u64::from_le_bytes([1; 8]);

/// Whether a byte may stand between values and means nothing, beside blanks and byte order marks: commas between
/// the elements of a list that was cut into lines, the record separator of JSON text sequences, and the zeros of a
/// file that was preallocated.
#[inline]
pub fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | 0 | 0x1e)
}

/// A high bit for each byte below this one, at most 128. The lowest that is set is that of the first such
/// byte; of those above it, and of others than high bits, nothing is said.
#[inline(always)]
fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(byte)) & !word
}

/// The offset of the first quote, backslash or control character in a text, or of its end.
pub fn needs_escape(text: &[u8]) -> usize {
    quote_or_backslash_or_below::<b' '>(text, 0)
}

/// The offset of the next quote or backslash, or of the end.
#[inline(always)]
pub fn quote_or_backslash(bytes: &[u8], at: usize) -> usize {
    quote_or_backslash_or_below::<0>(bytes, at)
}

#[inline(always)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "offsets into a text, which is shorter than half of what a usize counts"
)]
fn quote_or_backslash_or_below<const LIMIT: u8>(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let (quote, backslash) =
            (word ^ (ONES * u64::from(b'"')), word ^ (ONES * u64::from(b'\\')));
        let found = (below(word, LIMIT) | below(quote, 1) | below(backslash, 1)) & (ONES << 7);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\') && *byte >= LIMIT) {
        at += 1;
    }
    at
}
