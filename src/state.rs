//! A state: a detector's memory, and what a host keeps beside it, as bytes.
//!
//! ```text
//! "orgwatchstate" 0x00 | version u16, little-endian
//! sections     postcard: a sequence of (name, bytes)
//! checksum     XXH64 of everything before it, little-endian
//! ```
//! A section has one layout for good: another layout is a section of another name. A reader refuses
//! by its name a section that it does not know, since what a newer version keeps must not be lost in
//! silence, and takes a missing one for empty, so that it reads what older versions wrote. The
//! checksum detects damage, not tampering.

use std::fmt;
use std::hash::Hasher as _;

use postcard::ser_flavors::Flavor;
use serde::ser::{Serialize, Serializer};
use twox_hash::XxHash64;

const MAGIC: &[u8; 14] = b"orgwatchstate\0";

/// The version of the frame: of everything but the sections.
pub const FORMAT: u16 = 2;

/// A section: its name, and its bytes.
pub type Section<'a> = (&'a str, &'a [u8]);

/// Why bytes are not a state that can be used. Nothing of them was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateError {
    /// They do not begin like one.
    Foreign,
    /// A newer version wrote them.
    Newer(u16),
    /// A version before the first release wrote them.
    Older(u16),
    /// A section that only a newer version knows.
    Section(String),
    /// They were cut short or changed.
    Damaged,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Foreign => f.write_str("not a state of orgwatch"),
            StateError::Newer(version) => write!(
                f,
                "state format {version} is newer than this orgwatch, which reads format {FORMAT}"
            ),
            StateError::Older(version) => write!(
                f,
                "state format {version} is older than this orgwatch, which reads format {FORMAT}: \
                 start with an empty state, and fill it with `orgwatch learn`"
            ),
            StateError::Section(name) => write!(
                f,
                "the state has a section `{name}` that this orgwatch does not know: a newer one wrote it"
            ),
            StateError::Damaged => f.write_str("the state is damaged: its checksum does not match"),
        }
    }
}

impl std::error::Error for StateError {}

/// A state of these sections.
pub fn encode(sections: &[Section<'_>]) -> Vec<u8> {
    // A guess that is a little too large: growing would take twice as much.
    let of_section = |(name, bytes): &Section<'_>| name.len().saturating_add(bytes.len());
    let room = sections.iter().map(of_section).fold(256, usize::saturating_add);
    let mut out = Vec::with_capacity(room);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&FORMAT.to_le_bytes());
    let sections: Vec<_> = sections.iter().map(|(name, bytes)| (*name, Bytes(bytes))).collect();
    let mut out = append(&sections, out);
    let sum = checksum(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// The sections of a state, in their order.
pub fn decode(bytes: &[u8]) -> Result<Vec<Section<'_>>, StateError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(StateError::Foreign)?;
    let (version, rest) = rest.split_first_chunk().ok_or(StateError::Damaged)?;
    match u16::from_le_bytes(*version) {
        FORMAT => {}
        newer if newer > FORMAT => return Err(StateError::Newer(newer)),
        older => return Err(StateError::Older(older)),
    }
    let (sections, _) = rest.split_last_chunk::<8>().ok_or(StateError::Damaged)?;
    let (body, sum) = bytes.split_last_chunk().ok_or(StateError::Damaged)?;
    if checksum(body) != u64::from_le_bytes(*sum) {
        return Err(StateError::Damaged);
    }
    let (sections, rest) = postcard::take_from_bytes(sections).map_err(|_| StateError::Damaged)?;
    if rest.is_empty() { Ok(sections) } else { Err(StateError::Damaged) }
}

/// Whether bytes begin like a state.
pub fn is_state(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Bytes that are written in one piece; serde takes a slice for a sequence of numbers.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Writes a value behind what is there, in postcard's form.
pub(crate) fn append<T: Serialize>(value: &T, out: Vec<u8>) -> Vec<u8> {
    // Writing to memory does not fail.
    postcard::serialize_with_flavor(value, Append(out)).unwrap_or_default()
}

/// Bytes that grow by whole slices: postcard's own for what can be extended copies byte for byte, and a state may
/// be megabytes.
struct Append(Vec<u8>);

impl Flavor for Append {
    type Output = Vec<u8>;

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = XxHash64::with_seed(0);
    hash.write(bytes);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_come_back_as_they_were() {
        let long = vec![7; 70_000];
        for sections in [vec![], vec![("a", &b"one"[..]), ("b", &[][..]), ("a", &long)]] {
            assert_eq!(decode(&encode(&sections)).unwrap(), sections);
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let saved = encode(&[("a", b"one")]);
        assert_eq!(decode(b"{}"), Err(StateError::Foreign));
        for at in MAGIC.len() + 2..saved.len() {
            let mut damaged = saved.clone();
            damaged[at] ^= 1;
            assert_eq!(decode(&damaged), Err(StateError::Damaged));
            assert_eq!(decode(&saved[..at]), Err(StateError::Damaged));
        }
        for (version, error) in [(3, StateError::Newer(3)), (1, StateError::Older(1))] {
            let mut other = saved.clone();
            other[MAGIC.len()] = version;
            assert_eq!(decode(&other), Err(error));
        }
    }
}
