//! The lines of a batch, and the places in each that the prefilter asks about.
//!
//! There are two ways to find them. Where the processor's widest vectors are within reach, one pass over a batch
//! looks for everything at once. Elsewhere three searches run side by side: they are functions of memchr, which
//! are fast even in a guest that is compiled to be small.

#[cfg(target_arch = "x86_64")]
mod one_pass;
#[cfg(any(test, not(target_arch = "x86_64")))]
mod searches;

use super::KEY;

/// The key of packed data, which hosts unpack.
#[cfg(target_arch = "x86_64")]
pub(super) const PACKED: &[u8] = b"\"data\"";

#[cfg(target_arch = "x86_64")]
pub(super) use one_pass::OnePass as Lines;
#[cfg(not(target_arch = "x86_64"))]
pub(super) use searches::Searches as Lines;

/// A line of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// Where it starts.
    pub(super) start: usize,
    /// Where its line end is, or else the end of the batch.
    pub(super) end: usize,
    /// Where a [`KEY`] starts in it.
    pub(super) keys: &'a [usize],
    /// A letter is escaped in it.
    pub(super) has_escaped_letter: bool,
    /// The key of packed data is in it. It may be true where this is not.
    pub(super) may_be_packed: bool,
    pub(super) spelling: Spelling,
}

/// What is known of the characters of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spelling {
    /// Nothing beyond ASCII is in it.
    pub(super) is_ascii: bool,
    /// No escape of a character is in it, which is a `u` behind a backslash.
    pub(super) is_unescaped: bool,
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests;
