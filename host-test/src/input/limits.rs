//! The limits of reading.

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The longest line, or document, that is one event.
pub(crate) const MAX_LINE: usize = 16 << 20;

pub(crate) const TOO_LONG: &str = "longer than 16 MiB";

/// Limits of reading.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes that one compressed file may decompress to, or one member of a compressed
    /// stream, or one event that is compressed by itself: 4 GiB.
    pub max_decompressed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_decompressed: 4 << 30 }
    }
}
