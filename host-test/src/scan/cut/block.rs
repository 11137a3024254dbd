//! Where the bytes of structure stand in JSON, a bit for each byte of a block.

use fearless_simd::{Simd, SimdBase as _, SimdMask as _, u8x64};

/// How many bytes are looked at at once.
pub(super) const BLOCK: usize = 64;

/// The lowest bits are those of the first byte.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) quotes: u64,
    pub(super) backslashes: u64,
    /// Braces and brackets that open.
    pub(super) opens: u64,
    pub(super) closes: u64,
    /// Whether a control character is there; blanks are none.
    pub(super) has_control: bool,
}

/// Makes braces of brackets, and of nothing else.
const BRACE: u8 = b'{' ^ b'[';

impl Block {
    #[inline(always)]
    pub(super) fn of<S: Simd>(simd: S, bytes: &[u8; BLOCK]) -> Self {
        let all = |byte| u8x64::splat(simd, byte);
        let bytes = u8x64::from_slice(simd, bytes);
        let braces = bytes | all(BRACE);
        let are = |bytes: u8x64<S>, byte| bytes.simd_eq(all(byte)).to_bitmask();
        Block {
            quotes: are(bytes, b'"'),
            backslashes: are(bytes, b'\\'),
            opens: are(braces, b'{'),
            closes: are(braces, b'}'),
            has_control: bytes.simd_lt(all(b' ')).any_true(),
        }
    }
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};
    use proptest::prelude::*;

    use super::*;

    /// With the widest vectors of this machine, and with narrower ones.
    fn told(bytes: &[u8; BLOCK]) -> Vec<Block> {
        let levels = [Level::new(), Level::baseline()];
        levels.map(|level| dispatch!(level, simd => Block::of(simd, bytes))).to_vec()
    }

    /// Byte by byte.
    fn plain(bytes: &[u8; BLOCK]) -> Block {
        let mut block = Block::default();
        for (number, byte) in bytes.iter().enumerate() {
            let bit = 1 << number;
            match byte {
                b'"' => block.quotes |= bit,
                b'\\' => block.backslashes |= bit,
                b'{' | b'[' => block.opens |= bit,
                b'}' | b']' => block.closes |= bit,
                _ => {}
            }
            block.has_control |= *byte < b' ';
        }
        block
    }

    #[test]
    fn every_byte_is_told_from_every_other() {
        for byte in 0..=u8::MAX {
            for at in 0..BLOCK {
                for around in [b'x', byte.wrapping_sub(1).max(b' '), 0xff] {
                    let mut bytes = [around; BLOCK];
                    bytes[at] = byte;
                    assert_eq!(told(&bytes), [plain(&bytes); 2], "{byte} at {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_told(
            bytes in prop::collection::vec(
                prop_oneof![any::<u8>(), prop::sample::select(br#""\{}[]"#.to_vec())], BLOCK
            ),
        ) {
            let bytes: [u8; BLOCK] = bytes.try_into().unwrap();
            prop_assert_eq!(told(&bytes), [plain(&bytes); 2]);
        }
    }
}
