//! Many places of an event compared at once with the beginning of a text, in any case.

use super::GRAM;

/// How many places are compared at once.
pub(super) const BLOCK: usize = 16;

/// The bytes at some places, and those that follow each.
type Bytes<'a> = [&'a [u8; BLOCK]; GRAM];

/// Whether a text begins at any of these places. What else falls together is told apart later.
#[cfg(not(all(target_family = "wasm", target_feature = "simd128")))]
#[inline(always)]
pub(super) fn has([a, b, c, d]: Bytes<'_>, text: [u8; GRAM]) -> bool {
    // Compilers make vectors of it where they make fast code.
    let [first, second, third, fourth] = text.map(|byte| byte | 0x20);
    let is = |byte: u8, of: u8| byte | 0x20 == of;
    let bytes = a.iter().zip(b).zip(c.iter().zip(d));
    let hits = bytes
        .map(|((a, b), (c, d))| is(*a, first) & is(*b, second) & is(*c, third) & is(*d, fourth));
    hits.fold(false, |any, hit| any | hit)
}

/// The same where they make small code.
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
#[inline(always)]
pub(super) fn has(bytes: Bytes<'_>, text: [u8; GRAM]) -> bool {
    use std::arch::wasm32::{
        u8x16_eq, u8x16_splat, u64x2, u64x2_splat, v128_and, v128_any_true, v128_or,
    };

    let mut hits = u64x2_splat(u64::MAX);
    for (bytes, of) in bytes.into_iter().zip(text) {
        let bytes = u128::from_le_bytes(*bytes);
        let bytes = u64x2(bytes as u64, (bytes >> 64) as u64);
        let folded = v128_or(bytes, u8x16_splat(0x20));
        hits = v128_and(hits, u8x16_eq(folded, u8x16_splat(of | 0x20)));
    }
    v128_any_true(hits)
}
