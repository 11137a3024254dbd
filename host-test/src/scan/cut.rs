//! Records cut out of an object of a bucket by their braces.
//!
//! To tell where the records of `{"Records":[{…},{…}]}` begin and end takes a look at quotes, backslashes and
//! brackets, many at once, and no parser. Only a document as CloudTrail writes it is cut.

mod block;
#[cfg(test)]
mod tests;

use std::mem;
use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};
use memchr::memmem;

use block::{BLOCK, Block};

/// The document around its records.
const START: &[u8] = b"{\"Records\":[";
const END: &[u8] = b"]}";

/// The keys that make an object a record. CloudTrail writes one right behind the other.
const SOURCE: &[u8] = b"\"eventSource\":\"";
const NAME: &[u8] = b"\"eventName\"";

/// The longest `eventSource` that is looked at.
const MOST_SOURCE: usize = 128;

/// The parser takes no more than 1000 containers in one another; in a block may begin as many more as it is long.
const MOST_DEPTH: usize = 900;

/// Where the records of a document stand, in order, each between brackets or commas. None unless it is a list of at
/// least two objects, each of them a record by its keys, and nothing else.
///
/// The parser says the same of JSON, but for a record that has its `eventSource` twice. Bytes between quotes and
/// brackets are not looked at: parsing a record tells whether it is JSON.
pub(super) fn records(document: &[u8]) -> Option<Vec<Range<usize>>> {
    let list = document.strip_prefix(START)?.strip_suffix(END)?;
    if !list.starts_with(b"{") {
        return None;
    }
    let names: Vec<usize> = memmem::find_iter(list, NAME).collect();
    let walk = Walk { list, names: &names, records: Vec::new(), start: 0, named: false };
    dispatch!(Level::new(), simd => walk.all(simd))
}

/// The way through the list.
struct Walk<'a> {
    list: &'a [u8],
    /// Where the names are to which it has not come yet.
    names: &'a [usize],
    /// In the document.
    records: Vec<Range<usize>>,
    /// Where the record begins that is not at its end yet.
    start: usize,
    /// Whether that record was named.
    named: bool,
}

impl Walk<'_> {
    #[inline(always)]
    fn all<S: Simd>(mut self, simd: S) -> Option<Vec<Range<usize>>> {
        let (blocks, rest) = self.list.as_chunks::<BLOCK>();
        let mut last = [b' '; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        // How many containers are open in the list, whether the next byte is escaped, and whether it is in a text.
        let (mut depth, mut escaped, mut inside) = (0, 0, 0);
        let (mut at, mut next_name) = (0, self.names.first().copied()?);
        for bytes in blocks.iter().chain([&last]) {
            let Block { mut quotes, backslashes, opens, closes, has_control } =
                Block::of(simd, bytes);
            if backslashes | escaped != 0 {
                quotes &= !behind_backslashes(backslashes, &mut escaped);
            }
            let texts = between(quotes) ^ inside;
            // All bits of what the last one is.
            inside = (texts.cast_signed() >> (BLOCK - 1)).cast_unsigned();
            let (opens, closes) = (opens & !texts, closes & !texts);
            if has_control || backslashes & !texts != 0 || depth > MOST_DEPTH {
                return None;
            }
            let closed = closes.count_ones() as usize;
            if depth > closed && next_name >= at + BLOCK {
                depth = depth + opens.count_ones() as usize - closed;
            } else {
                depth = self.steps(at, depth, opens, closes)?;
                next_name = self.names.first().copied().unwrap_or(usize::MAX);
            }
            at += BLOCK;
        }
        (inside == 0 && depth == 0 && self.records.len() > 1).then_some(self.records)
    }

    /// Takes the brackets and names of a block, which begins here, one by one. How many containers are open then.
    fn steps(&mut self, at: usize, mut depth: usize, opens: u64, closes: u64) -> Option<usize> {
        let mut names = 0_u64;
        while let [name, rest @ ..] = self.names
            && *name < at + BLOCK
        {
            names |= 1 << (name - at);
            self.names = rest;
        }
        let mut left = opens | closes | names;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            left ^= bit;
            let here = at + bit.trailing_zeros() as usize;
            if opens & bit != 0 {
                depth += 1;
            } else if closes & bit != 0 {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    self.end(here + 1)?;
                }
            } else if depth == 1 {
                // The parser would take the second of two.
                let is_first = !mem::replace(&mut self.named, true);
                let is_text = self.list[here + NAME.len()..].starts_with(b":\"");
                if !is_first || !is_text || !is_behind_source(&self.list[..here]) {
                    return None;
                }
            }
        }
        Some(depth)
    }

    /// Ends a record. Another begins right behind the comma, or the list is at its end.
    fn end(&mut self, end: usize) -> Option<()> {
        let is_record = mem::take(&mut self.named) && self.list[end - 1] == b'}';
        let rest = &self.list[end..];
        if !is_record || !(rest.is_empty() || rest.starts_with(b",{")) {
            return None;
        }
        self.records.push(START.len() + self.start..START.len() + end);
        self.start = end + 1;
        Some(())
    }
}

/// Whether a key that stands behind this follows an `eventSource`, which no notification's is.
fn is_behind_source(before: &[u8]) -> bool {
    let Some(before) = before.strip_suffix(b"\",") else { return false };
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let length = before.iter().rev().take(MOST_SOURCE).take_while(is_name).count();
    length > 0 && before[..before.len() - length].ends_with(SOURCE)
}

/// The bytes between one quote and the next, the first of the two included.
fn between(mut quotes: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        quotes ^= quotes << shift;
    }
    quotes
}

/// The bytes behind an odd number of backslashes. Whether the first byte of the next block is one comes from block to
/// block.
///
/// As simdjson does it: from each odd beginning a carry runs through the backslashes behind it, and so tells how many
/// they are.
fn behind_backslashes(backslashes: u64, escaped: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let backslashes = backslashes & !*escaped;
    let behind = backslashes << 1 | *escaped;
    let odd_starts = backslashes & !EVEN & !behind;
    let (ends, carry) = odd_starts.overflowing_add(backslashes);
    *escaped = carry.into();
    (EVEN ^ ends << 1) & behind
}
