//! What a state file holds: a detector's memory and, where a service wrote it, what it still owes.
//!
//! ```text
//! "orgwatchserve\0" | version u16
//! floor   u8 (0 or 1), i64
//! owed    u32, then each: time i64, id 16
//! memory  everything up to the digest
//! SHA-256 of everything before it
//! ```
//! Integers are little-endian. A memory that nothing is owed of is kept as it is: what `orgwatch
//! learn` and `scan --state` write is read by the service, and the other way round.

use orgwatch::memory::EventKey;
use sha2::{Digest as _, Sha256};

const MAGIC: &[u8; 14] = b"orgwatchserve\0";
const VERSION: u16 = 1;
const DIGEST: usize = 32;

/// A memory, and the findings of it that nobody has taken yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// As the detector saved it.
    pub memory: Vec<u8>,
    /// What is still owed of it.
    pub owed: Owed,
}

/// Findings that were given and not taken: whoever sends their events again gets them again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owed {
    /// Of findings of this event time and before, in seconds since 1970, it is not known any more
    /// which are owed.
    pub floor: Option<i64>,
    /// Their event times, and keys made of their ids.
    pub findings: Vec<(i64, EventKey)>,
}

/// Why bytes are not what a service saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// A newer version wrote them.
    #[error(
        "state format {0} of a service is newer than this orgwatch, which reads up to {VERSION}"
    )]
    Newer(u16),
    /// They were cut short or changed.
    #[error("the state is damaged: its digest does not match")]
    Damaged,
}

impl Saved {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        if self.owed == Owed::default() {
            return self.memory.clone();
        }
        let mut out = Vec::with_capacity(self.memory.len() + self.owed.findings.len() * 24 + 64);
        out.extend(MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.push(u8::from(self.owed.floor.is_some()));
        out.extend(self.owed.floor.unwrap_or_default().to_le_bytes());
        // The service bounds them far below 4 billion.
        out.extend((self.owed.findings.len() as u32).to_le_bytes());
        for (time, key) in &self.owed.findings {
            out.extend(time.to_le_bytes());
            out.extend(key.bytes());
        }
        out.extend(&self.memory);
        let digest = Sha256::digest(&out);
        out.extend(digest);
        out
    }

    /// What bytes hold. What does not begin like a service's is taken for a memory.
    pub fn decode(bytes: Vec<u8>) -> Result<Saved, SavedError> {
        if !bytes.starts_with(MAGIC) {
            return Ok(Saved { memory: bytes, owed: Owed::default() });
        }
        let mut read = Reader(&bytes[MAGIC.len()..]);
        match u16::from_le_bytes(read.take()?) {
            VERSION => {}
            newer if newer > VERSION => return Err(SavedError::Newer(newer)),
            _ => return Err(SavedError::Damaged),
        }
        let (body, digest) = bytes.split_last_chunk::<DIGEST>().ok_or(SavedError::Damaged)?;
        if Sha256::digest(body).as_slice() != digest {
            return Err(SavedError::Damaged);
        }
        let [known] = read.take()?;
        let floor = i64::from_le_bytes(read.take()?);
        let mut owed = Owed { floor: (known == 1).then_some(floor), findings: Vec::new() };
        for _ in 0..u32::from_le_bytes(read.take()?) {
            owed.findings.push((i64::from_le_bytes(read.take()?), EventKey::new(read.take()?)));
        }
        let memory = read.0.get(..read.0.len().saturating_sub(DIGEST)).unwrap_or_default();
        Ok(Saved { memory: memory.to_owned(), owed })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SavedError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SavedError::Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Saved {
        let findings = vec![(5, EventKey::new([1; 16])), (i64::MIN, EventKey::new([2; 16]))];
        Saved { memory: b"memory".to_vec(), owed: Owed { floor: Some(-7), findings } }
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let mut saved = sample();
        assert_eq!(Saved::decode(saved.encode()).unwrap(), saved);
        saved.owed.floor = None;
        assert_eq!(Saved::decode(saved.encode()).unwrap(), saved);
        saved.owed.findings.clear();
        assert_eq!(saved.encode(), b"memory");
        assert_eq!(Saved::decode(saved.encode()).unwrap(), saved);
    }

    #[test]
    fn what_was_changed_or_is_newer_is_refused() {
        let saved = sample().encode();
        for at in MAGIC.len() + 2..saved.len() {
            let mut damaged = saved.clone();
            damaged[at] ^= 1;
            assert_eq!(Saved::decode(damaged), Err(SavedError::Damaged));
            assert_eq!(Saved::decode(saved[..at].to_vec()), Err(SavedError::Damaged));
        }
        let mut newer = saved;
        newer[MAGIC.len()] = 2;
        assert_eq!(Saved::decode(newer), Err(SavedError::Newer(2)));
    }
}
