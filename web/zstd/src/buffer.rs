//! Bytes to read, and room for bytes to write, each with a place in it.

/// Bytes to decompress.
#[derive(Debug)]
pub struct InBuffer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> InBuffer<'a> {
    /// All of these.
    pub fn around(bytes: &'a [u8]) -> Self {
        InBuffer { bytes, at: 0 }
    }

    /// How many were taken.
    pub fn pos(&self) -> usize {
        self.at
    }

    /// Moves bytes to the end of `to` until it has so many; whether it has.
    pub(crate) fn fill(&mut self, to: &mut Vec<u8>, want: usize) -> bool {
        let left = &self.bytes[self.at..];
        let count = want.saturating_sub(to.len()).min(left.len());
        to.extend_from_slice(&left[..count]);
        self.at += count;
        to.len() >= want
    }

    /// Passes over at most so many bytes; how many.
    pub(crate) fn skip(&mut self, most: usize) -> usize {
        let count = most.min(self.bytes.len() - self.at);
        self.at += count;
        count
    }
}

/// Room for what was decompressed.
#[derive(Debug)]
pub struct OutBuffer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> OutBuffer<'a> {
    /// All of this.
    pub fn around(bytes: &'a mut [u8]) -> Self {
        OutBuffer { bytes, at: 0 }
    }

    /// How many bytes were written.
    pub fn pos(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&mut self) -> &mut [u8] {
        &mut self.bytes[self.at..]
    }

    pub(crate) fn wrote(&mut self, count: usize) {
        self.at += count;
    }
}
