//! The memory as bytes, and back.
//!
//! ```text
//! "orgwatch" "state" 0x00 | version u16 | findings given u32, then each | slots u32, then each | SHA-256
//! ```
//! Integers are little-endian. The digest is over everything before it: it finds damage. Entries
//! stand in their order, so that the same memory is always the same bytes.

use std::fmt;

use sha2::{Digest, Sha256};

use super::terms::Slot;
use super::{EventKey, Given, Limits, Memory, Terms};

const MAGIC: &[u8; 14] = b"orgwatchstate\0";
const VERSION: u16 = 1;
const DIGEST: usize = 32;

/// Why bytes are not a state that can be merged. Nothing of them was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateError {
    /// They do not begin like one.
    Foreign,
    /// A newer version wrote them.
    Newer(u16),
    /// They were cut short or changed.
    Damaged,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Foreign => f.write_str("not a state of orgwatch"),
            StateError::Newer(version) => write!(
                f,
                "state format {version} is newer than this orgwatch, which reads up to {VERSION}"
            ),
            StateError::Damaged => f.write_str("the state is damaged: its digest does not match"),
        }
    }
}

impl std::error::Error for StateError {}

impl Memory {
    /// The memory as bytes.
    pub fn save(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(VERSION.to_le_bytes());
        out.extend((self.given.len() as u32).to_le_bytes());
        for given in &self.given {
            out.extend(given.time.to_le_bytes());
            out.extend(given.event.0);
            out.extend(given.rule.0);
        }
        out.extend((self.terms.len() as u32).to_le_bytes());
        for (slot, (first, last)) in &self.terms.0 {
            out.extend(slot.start.to_le_bytes());
            out.extend(slot.term.0);
            out.extend(first.to_le_bytes());
            out.extend(last.to_le_bytes());
        }
        let digest: [u8; DIGEST] = Sha256::digest(&out).into();
        out.extend(digest);
        out
    }

    /// The memory that bytes hold, with limits of one's own.
    pub fn load(bytes: &[u8], limits: Limits) -> Result<Memory, StateError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(StateError::Foreign)?;
        let (version, _) = rest.split_first_chunk().ok_or(StateError::Damaged)?;
        match u16::from_le_bytes(*version) {
            VERSION => {}
            newer if newer > VERSION => return Err(StateError::Newer(newer)),
            _ => return Err(StateError::Damaged),
        }
        let (body, digest) = bytes
            .split_last_chunk::<DIGEST>()
            .ok_or(StateError::Damaged)?;
        if Sha256::digest(body).as_slice() != digest {
            return Err(StateError::Damaged);
        }
        let mut read = Reader(body.get(MAGIC.len() + 2..).ok_or(StateError::Damaged)?);
        let mut memory = Memory::new(limits);
        for _ in 0..u32::from_le_bytes(read.take()?) {
            let time = i64::from_le_bytes(read.take()?);
            let (event, rule) = (EventKey(read.take()?), EventKey(read.take()?));
            memory.give(Given { time, event, rule });
        }
        let mut terms = Terms::default();
        for _ in 0..u32::from_le_bytes(read.take()?) {
            let start = i64::from_le_bytes(read.take()?);
            let term = EventKey(read.take()?);
            let (first, last) = (
                i64::from_le_bytes(read.take()?),
                i64::from_le_bytes(read.take()?),
            );
            terms.widen(Slot { start, term }, first, last);
        }
        if !read.0.is_empty() {
            return Err(StateError::Damaged);
        }
        memory.terms = terms;
        memory.evicted = memory.terms.shrink(limits.terms);
        Ok(memory)
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(StateError::Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        events: 10,
        terms: 10,
    };

    fn sample() -> Memory {
        let mut memory = Memory::new(LIMITS);
        memory.give(Given {
            time: 5,
            event: EventKey([1; 16]),
            rule: EventKey([2; 16]),
        });
        memory.see(EventKey([3; 16]), 1000, 100);
        memory
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let saved = sample().save();
        assert_eq!(Memory::load(&saved, LIMITS).unwrap().save(), saved);
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let saved = sample().save();
        assert_eq!(
            Memory::load(b"{}", LIMITS).unwrap_err(),
            StateError::Foreign
        );
        for at in MAGIC.len() + 2..saved.len() {
            let mut damaged = saved.clone();
            damaged[at] ^= 1;
            assert_eq!(
                Memory::load(&damaged, LIMITS).unwrap_err(),
                StateError::Damaged
            );
            assert_eq!(
                Memory::load(&saved[..at], LIMITS).unwrap_err(),
                StateError::Damaged
            );
        }
        let mut newer = saved;
        newer[MAGIC.len()] = 2;
        assert_eq!(
            Memory::load(&newer, LIMITS).unwrap_err(),
            StateError::Newer(2)
        );
    }
}
