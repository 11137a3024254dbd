//! The search for texts that rules want, in any case, wherever they stand in an event.
//!
//! Of a text that is long enough, four bytes that begin at a multiple of some stride are among its first ones,
//! wherever it stands. So it is enough to look up four bytes in each stride; what is found there is compared.
//! No look-up waits for the one before it, as the steps of an automaton do, and an interpreter takes as few
//! instructions as there are strides. In native code that is 7 GB/s for texts of eleven letters or more and
//! 0.8 GB/s for the shortest; the automata of `aho-corasick` take 0.6 GB/s for either and 34 KB more of a module.
//! Where there are vectors, the first bytes of a text are compared with all of a block at once instead, if the
//! texts of a stride are so few that this is faster.

mod block;

use std::ops::Range;

use memchr::memmem::Finder;

use super::escapes::backslashes;
use super::lines::Spelling;
use block::BLOCK;

/// How many bytes are looked up at once.
const GRAM: usize = 4;

/// The characters beyond ASCII whose lower case has letters of ASCII: the Kelvin sign, and a capital I with
/// a dot.
const FOLDED: [char; 2] = ['\u{212a}', '\u{130}'];

/// Texts to search for.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// In lower case, each from the part on that is [searched for](searched_part).
    texts: Vec<Box<[u8]>>,
    /// Some have no part of four bytes, or other letters than a search would find: they are everywhere.
    everywhere: bool,
    searches: Vec<Search>,
    disguises: Disguises,
}

/// The hash of four bytes of a text, the number of the text, and their place in it.
type Gram = (u16, u32, u8);

/// The search for some of the texts.
#[derive(Debug)]
struct Search {
    /// The distance between the places that are looked up; without one, all are compared.
    stride: Option<usize>,
    /// A bit for the hash of each of their first bytes.
    bits: Box<[u64; 1024]>,
    /// In order.
    grams: Vec<Gram>,
}

/// Whether there are vectors, without which a look-up for each byte is faster: not in Fluent Bit's interpreter.
const HAS_VECTORS: bool = cfg!(any(not(target_family = "wasm"), target_feature = "simd128"));

/// The strides, from the longest.
const STRIDES: [usize; 3] = [8, 4, 1];

/// Up to how many texts of each stride are compared with all of an event: one takes as long as the look-ups of
/// the longest stride, and an eighth of those of the shortest.
const FEW: [usize; STRIDES.len()] = [1, 2, 4];

impl Texts {
    /// A search for these texts.
    pub(crate) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Texts {
        let mut all = Texts::default();
        let mut grams: [Vec<Gram>; STRIDES.len()] = Default::default();
        for (number, text) in texts.into_iter().enumerate() {
            let text = text.to_ascii_lowercase().into_bytes();
            let (part, text) = searched_part(&text);
            let fits = |stride: &usize| part.len() >= stride.saturating_add(GRAM - 1);
            let is_known = text.iter().all(|byte| is_searched(byte) || *byte == b'/');
            let group = STRIDES.iter().position(fits).filter(|_| is_known);
            match group.and_then(|group| Some((*STRIDES.get(group)?, grams.get_mut(group)?))) {
                Some((stride, grams)) => {
                    let first = part.windows(GRAM).take(stride).enumerate();
                    let first =
                        first.filter_map(|(at, gram)| Some((at, hash(*gram.first_chunk()?))));
                    grams.extend(first.map(|(at, hash)| (hash, number as u32, at as u8)));
                }
                None => all.everywhere = true,
            }
            all.texts.push(text.into());
        }
        let mut compared = Vec::new();
        for ((stride, few), mut grams) in STRIDES.into_iter().zip(FEW).zip(grams) {
            if HAS_VECTORS && grams.len() <= few.saturating_mul(stride) {
                compared.extend(grams.into_iter().filter(|(.., at)| *at == 0));
            } else {
                grams.sort_unstable();
                all.searches.push(Search::new(Some(stride), grams));
            }
        }
        if !compared.is_empty() {
            compared.sort_unstable();
            all.searches.push(Search::new(None, compared));
        }
        all
    }

    /// Whether there is nothing to search for.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Whether any of them may be in an event, as it is or in characters that read as it.
    pub(super) fn may_be_in(&self, event: &[u8], spelling: Spelling) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut found = self.everywhere;
        let mut searches = self.searches.iter();
        while let Some(search) = searches.next().filter(|_| !found) {
            search.visit(event, &self.texts, &mut |_| {
                found = true;
                false
            });
        }
        found || self.disguises.are_in(event, spelling)
    }

    /// Visits the numbers of those that may be in an event, each once.
    pub(crate) fn visit(&self, event: &[u8], visit: &mut dyn FnMut(usize)) {
        if self.everywhere || self.disguises.are_in(event, Spelling::default()) {
            return (0..self.texts.len()).for_each(visit);
        }
        let mut seen = vec![false; self.texts.len()];
        for search in &self.searches {
            search.visit(event, &self.texts, &mut |number| {
                if let Some(seen) = seen.get_mut(number)
                    && !std::mem::replace(seen, true)
                {
                    visit(number);
                }
                true
            });
        }
    }
}

impl Search {
    fn new(stride: Option<usize>, grams: Vec<Gram>) -> Search {
        let mut bits = Box::new([0_u64; 1024]);
        for (hash, ..) in &grams {
            if let Some(word) = bits.get_mut(usize::from(hash >> 6)) {
                *word |= 1_u64.wrapping_shl((*hash).into());
            }
        }
        Search { stride, bits, grams }
    }

    /// Visits what stands in an event, until there is no more or the visitor has enough.
    fn visit(&self, event: &[u8], texts: &[Box<[u8]>], visit: &mut dyn FnMut(usize) -> bool) {
        // A loop for each stride, whose length the compiler knows.
        match self.stride {
            Some(8) => self.visit_blocks::<8>(event, texts, visit),
            Some(4) => self.visit_blocks::<4>(event, texts, visit),
            Some(_) => drop(self.visit_each(event, 0..event.len(), texts, visit)),
            None => self.visit_few(event, texts, visit),
        }
    }

    /// Looks up what begins at each of these places. Whether to go on.
    fn visit_each(
        &self,
        event: &[u8],
        places: Range<usize>,
        texts: &[Box<[u8]>],
        visit: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        let from = places.start;
        let grams = event.get(from..).unwrap_or_default().windows(GRAM).take(places.len());
        grams.filter_map(<[u8]>::first_chunk).enumerate().all(|(at, gram)| {
            !self.has(*gram) || self.compare(event, from.saturating_add(at), *gram, texts, visit)
        })
    }

    /// The same for all places and few texts: whole blocks are compared with the beginning of each text.
    fn visit_few(&self, event: &[u8], texts: &[Box<[u8]>], visit: &mut dyn FnMut(usize) -> bool) {
        let of = |number: &u32| texts.get(*number as usize)?.first_chunk::<GRAM>().copied();
        let begins: Vec<_> = self.grams.iter().filter_map(|(_, number, _)| of(number)).collect();
        let blocks = |offset: usize| event.get(offset..).unwrap_or_default().as_chunks::<BLOCK>().0;
        let shifted = blocks(0).iter().zip(blocks(1)).zip(blocks(2).iter().zip(blocks(3)));
        let mut at = 0_usize;
        for ((a, b), (c, d)) in shifted {
            let is_in = |text: &[u8; GRAM]| block::has([a, b, c, d], *text);
            let end = at.saturating_add(BLOCK);
            if begins.iter().any(is_in) && !self.visit_each(event, at..end, texts, visit) {
                return;
            }
            at = end;
        }
        self.visit_each(event, at..event.len(), texts, visit);
    }

    #[inline(always)]
    fn visit_blocks<const N: usize>(
        &self,
        event: &[u8],
        texts: &[Box<[u8]>],
        visit: &mut dyn FnMut(usize) -> bool,
    ) {
        let (blocks, rest) = event.as_chunks::<N>();
        for (number, block) in blocks.iter().enumerate() {
            let Some(gram) = block.first_chunk() else { return };
            let at = number.wrapping_mul(N);
            if self.has(*gram) && !self.compare(event, at, *gram, texts, visit) {
                return;
            }
        }
        if let Some(gram) = rest.first_chunk()
            && self.has(*gram)
        {
            self.compare(event, event.len().wrapping_sub(rest.len()), *gram, texts, visit);
        }
    }

    #[inline(always)]
    fn has(&self, gram: [u8; GRAM]) -> bool {
        let hash = hash(gram);
        let word = self.bits.get(usize::from(hash >> 6)).copied().unwrap_or_default();
        word & 1_u64.wrapping_shl(hash.into()) != 0
    }

    /// Visits the texts that stand around the bytes at this place. Whether to go on.
    #[inline(never)]
    fn compare(
        &self,
        event: &[u8],
        at: usize,
        gram: [u8; GRAM],
        texts: &[Box<[u8]>],
        visit: &mut dyn FnMut(usize) -> bool,
    ) -> bool {
        let hash = hash(gram);
        let first = self.grams.partition_point(|(other, ..)| *other < hash);
        let same = self.grams.get(first..).unwrap_or_default().iter();
        for (_, number, offset) in same.take_while(|(other, ..)| *other == hash) {
            let text = texts.get(*number as usize);
            let around = at.checked_sub((*offset).into()).and_then(|start| event.get(start..));
            let (Some(text), Some(around)) = (text, around) else { continue };
            if begins_with(around, text) && !visit(*number as usize) {
                return false;
            }
        }
        true
    }
}

/// The longest part of a text without a slash, and the text from there on.
fn searched_part(text: &[u8]) -> (&[u8], &[u8]) {
    let (mut longest, mut from): (&[u8], &[u8]) = (&[], text);
    let mut rest = text;
    for part in text.split(|byte| *byte == b'/') {
        if part.len() > longest.len() {
            (longest, from) = (part, rest);
        }
        rest = rest.get(part.len().saturating_add(1)..).unwrap_or_default();
    }
    (longest, from)
}

/// Whether an event begins with a text, in any case. A slash may be escaped in it, however deep in texts.
fn begins_with(mut event: &[u8], text: &[u8]) -> bool {
    text.split(|byte| *byte == b'/').enumerate().all(|(number, part)| {
        let rest = if number == 0 { Some(event) } else { slash(event) };
        let rest = rest.and_then(|rest| rest.split_at_checked(part.len()));
        rest.is_some_and(|(found, rest)| {
            event = rest;
            found.eq_ignore_ascii_case(part)
        })
    })
}

/// What follows a slash, as it is or escaped.
fn slash(event: &[u8]) -> Option<&[u8]> {
    match backslashes(event) {
        (_, [b'/', rest @ ..]) => Some(rest),
        (1.., [b'u', b'0', b'0', b'2', b'f' | b'F', rest @ ..]) => Some(rest),
        _ => None,
    }
}

/// 16 bits of four bytes in any case. What else falls together is told apart later.
#[inline(always)]
fn hash(gram: [u8; GRAM]) -> u16 {
    ((u32::from_le_bytes(gram) | 0x2020_2020).wrapping_mul(0x9e37_79b1) >> 16) as u16
}

/// Whether a character of a text is written in JSON as it is, by those too who escape more than they must. The
/// compiler of rules takes no others for texts but slashes.
fn is_searched(byte: &u8) -> bool {
    matches!(byte, b' '..=b'~')
        && !matches!(byte, b'"' | b'\\' | b'/' | b'&' | b'\'' | b'+' | b'<' | b'=' | b'>' | b'`')
}

/// The search for characters that may read as others: escapes of those that are searched for, or of a backslash,
/// with which another escape may begin; and letters whose lower case is another's.
#[derive(Debug)]
struct Disguises {
    escape: Finder<'static>,
    folded: [Finder<'static>; FOLDED.len()],
}

impl Default for Disguises {
    fn default() -> Self {
        let letter = |c: char| Finder::new(c.encode_utf8(&mut [0; 4])).into_owned();
        Disguises { escape: Finder::new(b"\\u"), folded: FOLDED.map(letter) }
    }
}

impl Disguises {
    /// Whether there are any in an event.
    fn are_in(&self, event: &[u8], spelling: Spelling) -> bool {
        let is_folded = |c: char| FOLDED.contains(&c);
        let hides = |at: usize| {
            let digits = event.get(at.saturating_add(2)..).and_then(<[u8]>::first_chunk::<4>);
            let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let byte = code.and_then(|code| u8::try_from(code).ok());
            byte.is_some_and(|byte| byte == b'\\' || is_searched(&byte))
                || code.and_then(char::from_u32).is_some_and(is_folded)
        };
        !spelling.is_unescaped && self.escape.find_iter(event).any(hides)
            || !spelling.is_ascii && self.folded.iter().any(|letter| letter.find(event).is_some())
    }
}

#[cfg(test)]
mod tests;
