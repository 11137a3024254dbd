//! The checksum of gzip, with what `flate2` uses of the crate `crc32fast`, under the same names.
//!
//! That crate carries its tables, which nothing compresses: they would be a twentieth of the page. Here they are
//! made when the first file is decompressed, which takes microseconds.

use std::sync::LazyLock;

/// The polynomial, its lowest power in the highest bit.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// What a byte becomes that so many others follow.
static TABLES: LazyLock<[[u32; 256]; 4]> = LazyLock::new(|| {
    let mut tables = [[0; 256]; 4];
    for (byte, value) in (0..).zip(&mut tables[0]) {
        *value = byte;
        for _ in 0..8 {
            *value = *value >> 1 ^ if *value & 1 == 1 { POLYNOMIAL } else { 0 };
        }
    }
    for byte in 0..256 {
        for behind in 1..4 {
            let before = tables[behind - 1][byte];
            tables[behind][byte] = before >> 8 ^ tables[0][before as usize & 0xff];
        }
    }
    tables
});

/// The checksum of what was given so far.
#[derive(Debug, Clone, Default)]
pub struct Hasher {
    state: u32,
    length: u64,
}

impl Hasher {
    /// That of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on with these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let tables = &*TABLES;
        let mut state = !self.state;
        let (fours, rest) = bytes.as_chunks::<4>();
        for four in fours {
            let [a, b, c, d] = (state ^ u32::from_le_bytes(*four)).to_le_bytes();
            state = tables[3][a as usize]
                ^ tables[2][b as usize]
                ^ tables[1][c as usize]
                ^ tables[0][d as usize];
        }
        for byte in rest {
            state = state >> 8 ^ tables[0][(state as u8 ^ byte) as usize];
        }
        self.state = !state;
        self.length += bytes.len() as u64;
    }

    /// The checksum.
    pub fn finalize(self) -> u32 {
        self.state
    }

    /// Begins anew.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Goes on with what another has the checksum of. Takes as long as zeros of that length would.
    pub fn combine(&mut self, other: &Self) {
        for _ in 0..other.length {
            self.state = self.state >> 8 ^ TABLES[0][self.state as usize & 0xff];
        }
        self.state ^= other.state;
        self.length += other.length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Hasher {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher
    }

    #[test]
    fn it_is_that_of_gzip() {
        assert_eq!(of(b"").finalize(), 0);
        assert_eq!(of(b"123456789").finalize(), 0xcbf4_3926);
        let text = b"The quick brown fox jumps over the lazy dog";
        assert_eq!(of(text).finalize(), 0x414f_a339);
        for at in 0..text.len() {
            let mut parts = of(&text[..at]);
            let mut combined = parts.clone();
            parts.update(&text[at..]);
            assert_eq!(parts.finalize(), 0x414f_a339);
            combined.combine(&of(&text[at..]));
            assert_eq!(combined.finalize(), 0x414f_a339);
        }
    }
}
