//! A look at lines that were read: each byte is loaded once for all that is asked before they are screened.

use fearless_simd::{Level, Simd, SimdBase as _, SimdMask as _, dispatch, u8x64};

use super::packed::KEY;

/// How many bytes are compared at once.
const BLOCK: usize = 64;

/// What some lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Survey {
    /// How many line breaks there are.
    pub(super) breaks: u64,
    /// Every line begins with the brace of an object and ends with one.
    pub(super) are_objects: bool,
    /// The [key of packed data](KEY) is in one.
    pub(super) has_data: bool,
}

impl Survey {
    /// Of lines that may end with a line break.
    pub(super) fn of(bytes: &[u8]) -> Survey {
        let are_objects = bytes.starts_with(b"{") && bytes.ends_with(b"\n") | bytes.ends_with(b"}");
        let mut survey = Survey { breaks: 0, are_objects, has_data: false };
        let end = dispatch!(level(), simd => look(simd, bytes, &mut survey));
        let first = 0..bytes.len().min(1);
        first.chain(end..bytes.len()).for_each(|at| survey.look_at(bytes, at));
        survey
    }

    /// Looks at one place.
    #[inline(always)]
    fn look_at(&mut self, bytes: &[u8], at: usize) {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        match bytes[at] {
            b'\n' => {
                self.breaks += 1;
                let is_between =
                    before == Some(b'}') && matches!(bytes.get(at + 1), None | Some(b'{'));
                self.are_objects &= is_between;
            }
            b'd' if before == Some(b'"') => self.has_data |= bytes[at - 1..].starts_with(KEY),
            _ => {}
        }
    }
}

/// Where vectors are of several lengths, those of 256 bits: what longer ones compare has to come out of a mask
/// before it is asked for.
fn level() -> Level {
    let level = Level::new();
    #[cfg(target_arch = "x86_64")]
    let level = level.as_avx2().map_or(level, Level::Avx2);
    level
}

/// Looks at whole blocks behind the first byte, and says where they end.
#[inline(always)]
fn look<S: Simd>(simd: S, bytes: &[u8], survey: &mut Survey) -> usize {
    let [line_break, quote, letter] = [b'\n', b'"', b'd'].map(|byte| u8x64::splat(simd, byte));
    let blocks = |offset: usize| bytes.get(offset..).unwrap_or_default().as_chunks::<BLOCK>().0;
    let mut at = 1;
    for (before, here) in blocks(0).iter().zip(blocks(1)) {
        let [before, here] = [before, here].map(|bytes| u8x64::from_slice(simd, bytes));
        let found = here.simd_eq(line_break) | before.simd_eq(quote) & here.simd_eq(letter);
        if found.any_true() {
            let mut found = found.to_bitmask();
            while found != 0 {
                survey.look_at(bytes, at + found.trailing_zeros() as usize);
                found &= found - 1;
            }
        }
        at += BLOCK;
    }
    at
}

#[cfg(test)]
mod tests {
    use memchr::{memchr_iter, memmem};
    use proptest::prelude::*;

    use super::super::lines::whole_lines;
    use super::*;

    fn check(bytes: &[u8]) {
        let survey = Survey::of(bytes);
        assert_eq!(survey.breaks, memchr_iter(b'\n', bytes).count() as u64);
        assert_eq!(survey.has_data, memmem::find(bytes, KEY).is_some());
        let is_object = |line: &[u8]| line.starts_with(b"{") && line.ends_with(b"}");
        let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let are_objects = lines.split(|byte| *byte == b'\n').all(is_object);
        assert_eq!(survey.are_objects, are_objects);
        if are_objects {
            assert_eq!(whole_lines(bytes), (survey.breaks, None));
        }
    }

    #[test]
    fn everything_is_seen_wherever_it_stands() {
        for text in ["\"data\"", "}\n{", "}\n", "\n{", "\n\n", "\"dat\"", "d", ""] {
            for before in 0..200 {
                for after in [0, 1, 2, 62, 63, 64, 65, 66] {
                    let (before, after) = ("x".repeat(before), "y".repeat(after));
                    check(format!("{before}{text}{after}").as_bytes());
                    check(format!("{{{before}{text}{after}}}").as_bytes());
                }
            }
        }
    }

    #[test]
    fn screening_knows_the_same_key() {
        let core = orgwatch::detector::Detector::open("{}").unwrap();
        assert!(!core.screen(&[b"{", KEY, b":1}"].concat()).are_plain);
        // Elsewhere it does not look for it.
        assert_eq!(core.screen(b"{\"a\":1}").are_plain, cfg!(target_arch = "x86_64"));
    }

    proptest! {
        #[test]
        fn it_is_what_searches_say(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "\n", "}\n{", "\"data\"", "\"dat", "a\"", "\"d", "-----------------------------",
            ]), 0..100),
        ) {
            check(pieces.concat().as_bytes());
            check(format!("{{{}}}\n", pieces.concat()).as_bytes());
        }
    }
}
