//! The beginnings of the wanted names, for the filter of interpreters.

/// The first two words of the wanted names: by them most other names are rejected, neither hashed whole nor
/// compared.
#[derive(Debug)]
pub(super) struct NamePrefixFilter {
    /// A bit for the hash of each; none if there is a name too short for this.
    bits: Option<Box<[u64; 1024]>>,
    /// The offset of the second word. The two reach at most one byte beyond the shortest name: its
    /// quote.
    second: usize,
}

impl NamePrefixFilter {
    /// For names in lower case.
    pub(super) fn new(names: &[&str]) -> Self {
        let shortest = names.iter().map(|name| name.len()).min().unwrap_or(0);
        let mut prefixes =
            NamePrefixFilter { bits: None, second: shortest.clamp(7, 15).saturating_sub(7) };
        if shortest >= 8 && names.iter().all(|name| name.is_ascii()) {
            let mut bits = Box::new([0; 1024]);
            for name in names {
                let quoted = [name.as_bytes(), b"\""].concat();
                if let Some(hash) = prefixes.hash(&quoted)
                    && let Some(word) = bits.get_mut(word_of(hash))
                {
                    *word |= bit_of(hash);
                }
            }
            prefixes.bits = Some(bits);
        }
        prefixes
    }

    /// Whether the text behind an `eventName` may be the beginning of a wanted value: false only for a
    /// plain `":"` and a name that begins otherwise.
    #[inline(always)]
    pub(super) fn may_want(&self, rest: &[u8]) -> bool {
        let (Some(bits), Some(name)) = (&self.bits, rest.strip_prefix(b"\":\"")) else {
            return true;
        };
        let has = |hash| bits.get(word_of(hash)).is_none_or(|word| word & bit_of(hash) != 0);
        self.hash(name).is_none_or(has)
    }

    /// 16 bits of a name's beginning in any case. `None` where it is not what it reads as: letters
    /// beyond ASCII, escapes, or none of the record left.
    #[inline(always)]
    fn hash(&self, name: &[u8]) -> Option<u16> {
        let (first, second) = (name.first_chunk()?, name.get(self.second..)?.first_chunk()?);
        let (first, second) = (u64::from_le_bytes(*first), u64::from_le_bytes(*second));
        let backslashes = differs(first, b'\\') & differs(second, b'\\');
        if (first | second) & splat(0x80) != 0 || backslashes & splat(0x80) != splat(0x80) {
            return None;
        }
        let lower = splat(0x20);
        let mixed = (first | lower).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (second | lower);
        Some((mixed.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 48) as u16)
    }
}

/// The word that has the bit of a hash.
#[inline(always)]
fn word_of(hash: u16) -> usize {
    (hash >> 6).into()
}

/// The bit of a hash in its word.
#[inline(always)]
fn bit_of(hash: u16) -> u64 {
    1_u64.wrapping_shl(hash.into())
}

/// The high bit of each byte that is another, if all are ASCII.
fn differs(word: u64, byte: u8) -> u64 {
    (word ^ splat(byte)).wrapping_add(splat(0x7f))
}

pub(super) const fn splat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}
