//! Digests that stand for text, so that hostile text takes no room in memory.

use std::hash::Hasher as _;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use twox_hash::XxHash64;

/// The identity of an event, or of values taken together: 16 bytes of a SHA-256, so that hostile
/// text takes no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest128 {
    // Numbers in the order of the bytes: memory compares keys all the time.
    high: u64,
    low: u64,
}

impl Digest128 {
    /// The key of these texts, in this order.
    pub fn of(parts: &[&str]) -> Digest128 {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Digest128::cut(hash)
    }

    /// The key that is the first half of a digest.
    pub(crate) fn cut(hash: Sha256) -> Digest128 {
        let digest: [u8; 32] = hash.finalize().into();
        Digest128::new(digest.first_chunk().copied().unwrap_or_default())
    }

    /// The key that is these bytes.
    pub const fn new(bytes: [u8; 16]) -> Digest128 {
        let key = u128::from_be_bytes(bytes);
        Digest128 { high: (key >> 64) as u64, low: key as u64 }
    }

    /// Its bytes.
    pub const fn bytes(self) -> [u8; 16] {
        ((self.high as u128) << 64 | self.low as u128).to_be_bytes()
    }

    /// The key that these 32 hex digits are.
    pub fn from_hex(digits: &str) -> Option<Digest128> {
        let (high, low) = digits.split_at_checked(16).filter(|_| digits.len() == 32)?;
        let half = |digits| u64::from_str_radix(digits, 16).ok();
        Some(Digest128 { high: half(high)?, low: half(low)? })
    }

    /// A key for one of several things of what this key stands for. Their names are ours or a pack's:
    /// cheaper than a digest, since nobody can choose them to meet.
    pub(crate) fn named(self, name: &str, number: u64) -> Digest128 {
        let mut hash = XxHash64::with_seed(number);
        hash.write(name.as_bytes());
        Digest128 { high: self.high, low: self.low ^ hash.finish() }
    }

    /// 32 hex digits.
    pub fn hex(&self) -> String {
        let digits = [spread(self.high), spread(self.low)].concat();
        // They are ASCII.
        String::from_utf8(digits).unwrap_or_default()
    }
}

/// The 16 hex digits of a number, all at once: findings are full of them.
fn spread(number: u64) -> [u8; 16] {
    const ONES: u128 = u128::from_be_bytes([1; 16]);
    // Each half of what is left is moved to the middle of its half of the digits: 4 bits to a byte at last.
    let mut digits = u128::from(number);
    for (bits, mask) in [
        (32, 0x0000_0000_ffff_ffff_0000_0000_ffff_ffff),
        (16, 0x0000_ffff_0000_ffff_0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff_00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f_0f0f),
    ] {
        digits = (digits | digits << bits) & mask;
    }
    // Letters are 39 further than digits; six more than a letter's value has the bit of 16.
    let letters = (digits.wrapping_add(ONES.wrapping_mul(6)) >> 4) & ONES;
    let digits = digits.wrapping_add(ONES.wrapping_mul(b'0'.into()));
    digits.wrapping_add(letters.wrapping_mul(39)).to_be_bytes()
}

/// Tables by names and keys that come from a pack or are digests: no event can choose them for their hashes.
pub(crate) type Table<K, V> = hashbrown::HashMap<K, V, foldhash::fast::FixedState>;

/// Sets of the same.
pub(crate) type Members<K> = hashbrown::HashSet<K, foldhash::fast::FixedState>;

impl Serialize for Digest128 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest128 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Deserialize::deserialize(deserializer).map(Digest128::new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hex_digits_are_those_of_the_bytes(bytes: [u8; 16]) {
            let digest = Digest128::new(bytes);
            let expected: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(digest.hex(), expected.as_str());
            prop_assert_eq!(Digest128::from_hex(&expected), Some(digest));
        }
    }
}
