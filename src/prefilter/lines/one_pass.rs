//! Lines by one pass: every byte is loaded once, and compared with all that is looked for.
//!
//! Three searches by memchr with vectors of the same width take as long for the bytes of long events, but each
//! of them begins anew behind everything that it finds, which costs short events more than their bytes do.

use fearless_simd::{Level, Simd, SimdBase as _, SimdMask as _, dispatch, u8x64};

use super::{Found, KEY, PACKED, Spelling};

/// How many bytes are compared at once.
pub(super) const BLOCK: usize = 64;

/// How many blocks are looked at before their marks are read, while their bytes are near.
pub(super) const BLOCKS: usize = 256;

/// The place of the rarest byte of the key. The one before it is a `t`.
const RARE: usize = 5;

pub(in super::super) struct OnePass<'a> {
    batch: &'a [u8],
    level: Level,
    /// The blocks with marks in a part of the batch.
    marked: Marked,
    /// How many of these were read.
    read: usize,
    /// The block that is read, and the marks that are left in it.
    at: usize,
    marks: u64,
    /// Up to here the batch has been looked at.
    to: usize,
    start: usize,
    /// Where the last key ends.
    behind: usize,
    keys: Vec<usize>,
}

/// Where some blocks begin, with a bit for each place in them that may be of interest: line ends, and the rarest
/// bytes of keys and of escaped letters.
struct Marked {
    blocks: [(usize, u64); BLOCKS],
    count: usize,
    /// Nothing beyond ASCII was seen.
    is_ascii: bool,
}

impl<'a> OnePass<'a> {
    pub(in super::super) fn new(batch: &'a [u8]) -> Self {
        let level = Level::new();
        // Wider ones take longer: what they compare has to come out of a mask before it is asked for.
        Self::with(batch, level.as_avx2().map_or(level, Level::Avx2))
    }

    /// With the vectors of this level.
    pub(super) fn with(batch: &'a [u8], level: Level) -> Self {
        OnePass {
            batch,
            level,
            marked: Marked { blocks: [(0, 0); BLOCKS], count: 0, is_ascii: true },
            read: 0,
            at: 0,
            marks: 0,
            to: 0,
            start: 0,
            behind: 0,
            keys: Vec::new(),
        }
    }

    #[inline(always)]
    pub(in super::super) fn next(&mut self) -> Option<Found<'_>> {
        let start = self.start;
        self.keys.clear();
        let (mut has_escaped_letter, mut may_be_packed) = (false, false);
        let mut spelling = Spelling { is_ascii: self.marked.is_ascii, is_unescaped: true };
        let end = loop {
            if self.marks == 0 {
                let marked = self.marked.blocks.get(..self.marked.count).unwrap_or_default();
                if let Some((at, marks)) = marked.get(self.read) {
                    (self.at, self.marks) = (*at, *marks);
                    self.read = self.read.saturating_add(1);
                } else if self.to < self.batch.len() {
                    self.look();
                    spelling.is_ascii &= self.marked.is_ascii;
                } else {
                    break self.batch.len();
                }
                continue;
            }
            let at = self.at.saturating_add(self.marks.trailing_zeros() as usize);
            self.marks &= self.marks.wrapping_sub(1);
            match self.batch.get(at..) {
                Some([b'\n', ..]) => break at,
                Some([b'N', ..]) => self.key(at.saturating_sub(RARE)),
                Some([b'd', ..]) => {
                    let key = self.batch.get(at.saturating_sub(1)..);
                    may_be_packed |= key.is_some_and(|key| key.starts_with(PACKED));
                }
                escape => {
                    spelling.is_unescaped = false;
                    has_escaped_letter |=
                        matches!(escape, Some([_, b'u', b'0', b'0', b'4'..=b'7', ..]));
                }
            }
        };
        self.start = end.saturating_add(1);
        (start < self.batch.len()).then_some(Found {
            start,
            end,
            keys: &self.keys,
            has_escaped_letter,
            may_be_packed,
            spelling,
        })
    }

    /// Takes note of a key, if one starts here.
    fn key(&mut self, at: usize) {
        let is_key = || self.batch.get(at..).and_then(<[u8]>::first_chunk) == Some(KEY);
        // One may begin with the end of another, and is none then.
        if at >= self.behind && is_key() {
            self.keys.push(at);
            self.behind = at.saturating_add(KEY.len());
        }
    }

    /// Looks at the next part of the batch: as many whole blocks as there are, with a byte before and behind
    /// them; or else one at the beginning or at the end of the batch, with zeros where there is none of it.
    fn look(&mut self) {
        let from = self.to;
        let blocks = self.batch.len().saturating_sub(from).saturating_sub(1) / BLOCK;
        let length = blocks.min(BLOCKS).saturating_mul(BLOCK);
        let before = from.checked_sub(1);
        let whole = before.and_then(|at| self.batch.get(at..)?.get(..length.saturating_add(2)));
        let mut padded = [0; BLOCK + 2];
        let part = match whole.filter(|_| length > 0) {
            Some(part) => part,
            None => {
                let bytes = self.batch.get(before.unwrap_or(0)..).unwrap_or_default();
                let room = padded.get_mut(usize::from(before.is_none())..).unwrap_or_default();
                room.iter_mut().zip(bytes).for_each(|(padded, byte)| *padded = *byte);
                &padded
            }
        };
        (self.marked.count, self.read) = (0, 0);
        self.marked.is_ascii = true;
        self.to = from.saturating_add(part.len().saturating_sub(2));
        let marked = &mut self.marked;
        dispatch!(self.level, simd => look(simd, part, from, marked));
    }
}

/// Marks the places in blocks that begin behind the first byte and before the last one, and here in the batch.
#[inline(always)]
fn look<S: Simd>(simd: S, part: &[u8], from: usize, marked: &mut Marked) {
    let [line_end, rare, before_rare, backslash, letter, quote, data] =
        [b'\n', b'N', b't', b'\\', b'u', b'"', b'd'].map(|byte| u8x64::splat(simd, byte));
    let blocks = |offset: usize| part.get(offset..).unwrap_or_default().as_chunks::<BLOCK>().0;
    let mut all = u8x64::splat(simd, 0);
    let mut at = from;
    for ((before, here), behind) in blocks(0).iter().zip(blocks(1)).zip(blocks(2)) {
        let [before, here] = [before, here].map(|bytes| u8x64::from_slice(simd, bytes));
        all |= here;
        let keys = here.simd_eq(rare) & before.simd_eq(before_rare);
        let keys = keys | here.simd_eq(data) & before.simd_eq(quote);
        let backslashes = here.simd_eq(backslash);
        let found = here.simd_eq(line_end) | keys;
        if (found | backslashes).any_true() {
            // There may be a backslash before every quote.
            let escapes = backslashes & u8x64::from_slice(simd, behind).simd_eq(letter);
            let found = (found | escapes).to_bitmask();
            if let Some(block) = marked.blocks.get_mut(marked.count) {
                *block = (at, found);
                marked.count = marked.count.wrapping_add(usize::from(found != 0));
            }
        }
        at = at.wrapping_add(BLOCK);
    }
    marked.is_ascii = !all.simd_ge(u8x64::splat(simd, 0x80)).any_true();
}
