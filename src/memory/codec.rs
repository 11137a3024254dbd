//! The memory as bytes, and back.
//!
//! ```text
//! "orgwatchstate" 0x00 | version u16
//! findings given   u32, then each: time i64, event 16, rule 16
//! sightings        u32, then each: slot i64, term 16, first i64, last i64
//! steps            u32, then each: time i64, event 16, rule 16, part bytes,
//!                        places u32, then each: chain 16, group 16, slot 16
//! policies         u32, then each: id 16, type text
//! checksum         u64, of everything before it
//! ```
//! Integers are little-endian, bytes and text their length (u32) and what they are, text UTF-8. The
//! checksum finds damage, no forgery. Entries stand in their order, so that the same memory is always the same bytes.

use std::collections::BTreeSet;
use std::fmt;

use super::steps::{Place, Step, StepKey, Strand};
use super::terms::Slot;
use super::{EventKey, Kept, Limits, Memory};

const MAGIC: &[u8; 14] = b"orgwatchstate\0";
/// The version of the format.
pub const FORMAT: u16 = 1;

/// FNV-1a over words, folded so that high bits reach low ones. Each step is a bijection, so a change
/// of one word always shows; hosts save often, and a cryptographic digest took a third of their time.
fn checksum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().chain([&last]).fold(0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64, |sum, word| {
        let sum = (sum ^ u64::from_le_bytes(*word)).wrapping_mul(0x0000_0100_0000_01b3);
        sum ^ (sum >> 32)
    })
}

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
                "state format {version} is newer than this orgwatch, which reads up to {FORMAT}"
            ),
            StateError::Damaged => f.write_str("the state is damaged: its checksum does not match"),
        }
    }
}

impl std::error::Error for StateError {}

impl Memory {
    /// The memory as bytes.
    pub fn save(&self) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.0.extend(FORMAT.to_le_bytes());
        out.count(self.given.len());
        for given in &self.given {
            out.step_key(given);
        }
        out.count(self.terms.count());
        for (slot, (first, last)) in &self.terms.0 {
            out.time(slot.start);
            out.key(slot.term);
            out.time(*first);
            out.time(*last);
        }
        out.count(self.steps.count());
        for (key, step) in self.steps.iter() {
            out.step_key(key);
            out.bytes(&step.part);
            out.count(step.places.len());
            for place in &step.places {
                out.key(place.strand.chain);
                out.key(place.strand.group);
                out.key(place.slot);
            }
        }
        out.count(self.policies.len());
        for (id, kind) in &self.policies {
            out.key(*id);
            out.bytes(kind.as_bytes());
        }
        out.0.extend(checksum(&out.0).to_le_bytes());
        out.0
    }

    /// The memory that bytes hold, within limits of one's own.
    pub fn load(bytes: &[u8], limits: Limits, horizon: i64) -> Result<Memory, StateError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(StateError::Foreign)?;
        let (version, _) = rest.split_first_chunk().ok_or(StateError::Damaged)?;
        match u16::from_le_bytes(*version) {
            FORMAT => {}
            newer if newer > FORMAT => return Err(StateError::Newer(newer)),
            _ => return Err(StateError::Damaged),
        }
        let (body, sum) = bytes.split_last_chunk().ok_or(StateError::Damaged)?;
        if checksum(body) != u64::from_le_bytes(*sum) {
            return Err(StateError::Damaged);
        }
        let mut read = Reader(body.get(MAGIC.len() + 2..).ok_or(StateError::Damaged)?);
        let mut memory = Memory::new(limits, horizon);
        for _ in 0..read.count()? {
            let given = read.step_key()?;
            memory.give(given);
        }
        for _ in 0..read.count()? {
            let slot = Slot { start: read.time()?, term: read.key()? };
            let (first, last) = (read.time()?, read.time()?);
            memory.terms.widen(slot, first, last);
            memory.evicted += memory.terms.shrink(limits.terms);
        }
        for _ in 0..read.count()? {
            let key = read.step_key()?;
            let part = read.bytes()?;
            Kept::read(part).ok_or(StateError::Damaged)?;
            let mut places = BTreeSet::new();
            for _ in 0..read.count()? {
                let strand = Strand { chain: read.key()?, group: read.key()? };
                places.insert(Place { strand, slot: read.key()? });
            }
            memory.step(key, Step { places, part: part.into() });
        }
        for _ in 0..read.count()? {
            let id = read.key()?;
            let kind = read.text()?;
            memory.add_policy(id, kind);
        }
        if read.0.is_empty() { Ok(memory) } else { Err(StateError::Damaged) }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn count(&mut self, count: usize) {
        // Every part is bounded far below 4 billion by the settings.
        self.0.extend((count as u32).to_le_bytes());
    }

    fn time(&mut self, time: i64) {
        self.0.extend(time.to_le_bytes());
    }

    fn key(&mut self, key: EventKey) {
        self.0.extend(key.bytes());
    }

    fn step_key(&mut self, key: &StepKey) {
        self.time(key.time);
        self.key(key.event);
        self.key(key.rule);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend(bytes);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(StateError::Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn count(&mut self) -> Result<u32, StateError> {
        self.take().map(u32::from_le_bytes)
    }

    fn time(&mut self) -> Result<i64, StateError> {
        self.take().map(i64::from_le_bytes)
    }

    fn key(&mut self) -> Result<EventKey, StateError> {
        self.take().map(EventKey::new)
    }

    fn step_key(&mut self) -> Result<StepKey, StateError> {
        Ok(StepKey { time: self.time()?, event: self.key()?, rule: self.key()? })
    }

    fn bytes(&mut self) -> Result<&'a [u8], StateError> {
        let length = self.count()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(StateError::Damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, StateError> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| StateError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { events: 10, terms: 10, steps: 10, policies: 10 };

    fn sample() -> Memory {
        let mut memory = Memory::new(LIMITS, 100);
        let key = StepKey { time: 5, event: EventKey::new([1; 16]), rule: EventKey::new([2; 16]) };
        memory.give(key);
        memory.see(EventKey::new([3; 16]), 1000, 100);
        // Nothing but the texts that must be there, and those empty.
        let part = [[1; 3].as_slice(), &[0; 2 * 22]].concat();
        let strand = Strand { chain: EventKey::new([4; 16]), group: EventKey::new([5; 16]) };
        let place = Place { strand, slot: EventKey::new([6; 16]) };
        memory.step(key, Step { places: [place].into(), part: part.into() });
        memory.learn_policy("p-1", "TAG_POLICY");
        memory
    }

    fn load(bytes: &[u8]) -> Result<Memory, StateError> {
        Memory::load(bytes, LIMITS, 100)
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let saved = sample().save();
        assert_eq!(load(&saved).unwrap().save(), saved);
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        let saved = sample().save();
        assert_eq!(load(b"{}").unwrap_err(), StateError::Foreign);
        for at in MAGIC.len() + 2..saved.len() {
            let mut damaged = saved.clone();
            damaged[at] ^= 1;
            assert_eq!(load(&damaged).unwrap_err(), StateError::Damaged);
            assert_eq!(load(&saved[..at]).unwrap_err(), StateError::Damaged);
        }
        let mut newer = saved;
        newer[MAGIC.len()] = 2;
        assert_eq!(load(&newer).unwrap_err(), StateError::Newer(2));
    }
}
