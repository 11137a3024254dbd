//! The content of a state file: the sections of a detector's memory and, where a service wrote it, those
//! of the service.
//!
//! | section | postcard |
//! | --- | --- |
//! | `undelivered` | findings that are not acknowledged downstream yet |
//! | `position` | what of the journal the memory holds already |
//! | `stream` | what of a stream of candidates the memory holds already |
//!
//! A service that has neither writes what `orgwatch learn` and `scan --state` write; what they read
//! and do not use themselves they write again as it was.

use orgwatch::state::{self, StateError as FrameError};
use serde::{Deserialize, Serialize};

use super::Undelivered;

const UNDELIVERED: &str = "undelivered";
const POSITION: &str = "position";
const STREAM: &str = "stream";

/// A memory, and what a service keeps beside it.
#[derive(Debug, Clone, Default)]
pub struct Saved {
    /// As the detector saved it: a state of its sections alone.
    pub memory: Vec<u8>,
    /// Findings that are not acknowledged downstream yet.
    pub undelivered: Undelivered,
    /// The position in the journal up to which the memory holds it; none without a journal.
    pub position: Option<Position>,
    /// The position in a stream of candidates up to which the memory holds it, and up to which everything
    /// found in it is delivered or undelivered here; none if no stream was read.
    pub stream: Option<StreamPosition>,
}

/// A position in a stream that many detectors read: a memory and this, taken at one moment, are all that
/// another detector needs to go on from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPosition {
    /// Which stream, by its name and the time it was made: another one starts from the beginning.
    pub id: u64,
    /// The sequence number of the first message that the memory may not hold.
    pub next: u64,
}

/// Up to where the memory is that of a stream of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Position {
    /// In the journal beside the state.
    Journal {
        /// Which journal: another one starts from the beginning.
        id: u64,
        /// The number of the first entry that the memory does not hold.
        next: u64,
    },
}

/// Why bytes are not a state that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// They are no state, or damaged, or of another version.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A section of the service is not what this version writes.
    #[error(
        "the section `{0}` of the state cannot be read: it is damaged, or a newer orgwatch wrote it"
    )]
    Section(&'static str),
}

impl Saved {
    /// As bytes. Fails if the memory is no state.
    pub fn encode(&self) -> Result<Vec<u8>, SavedError> {
        let mut sections = state::decode(&self.memory)?;
        let undelivered = self.undelivered.encode();
        if let Some(bytes) = &undelivered {
            sections.push((UNDELIVERED, bytes));
        }
        let position = self.position.map(|position| postcard::to_allocvec(&position));
        let position = position.transpose().map_err(|_| SavedError::Section(POSITION))?;
        if let Some(bytes) = &position {
            sections.push((POSITION, bytes));
        }
        let stream = self.stream.map(|stream| postcard::to_allocvec(&stream));
        let stream = stream.transpose().map_err(|_| SavedError::Section(STREAM))?;
        if let Some(bytes) = &stream {
            sections.push((STREAM, bytes));
        }
        Ok(state::encode(&sections))
    }

    /// Decodes a state. Sections that are not the service's are the detector's, which refuses by name
    /// what it does not know.
    pub fn decode(bytes: &[u8]) -> Result<Saved, SavedError> {
        let mut saved = Saved::default();
        let mut memory = Vec::new();
        for (name, section) in state::decode(bytes)? {
            match name {
                UNDELIVERED => {
                    saved.undelivered =
                        Undelivered::decode(section).ok_or(SavedError::Section(UNDELIVERED))?;
                }
                POSITION => {
                    let position = postcard::from_bytes(section);
                    saved.position = Some(position.map_err(|_| SavedError::Section(POSITION))?);
                }
                STREAM => {
                    let stream = postcard::from_bytes(section);
                    saved.stream = Some(stream.map_err(|_| SavedError::Section(STREAM))?);
                }
                _ => memory.push((name, section)),
            }
        }
        saved.memory = state::encode(&memory);
        Ok(saved)
    }
}

#[cfg(test)]
mod tests {
    use super::super::undelivered::FindingKey;
    use super::super::undelivered::tests::found;
    use super::*;

    fn sample() -> Saved {
        let memory = state::encode(&[("one", b"1"), ("two", b"")]);
        let mut saved = Saved {
            memory,
            position: Some(Position::Journal { id: 7, next: 9 }),
            stream: Some(StreamPosition { id: 3, next: 400 }),
            ..Saved::default()
        };
        saved.undelivered.take_up(&found(5, false));
        saved
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let saved = sample();
        let loaded = Saved::decode(&saved.encode().unwrap()).unwrap();
        assert_eq!((&loaded.memory, loaded.position), (&saved.memory, saved.position));
        assert_eq!(loaded.stream, saved.stream);
        assert!(loaded.undelivered.holds(&FindingKey::of(&found(5, true))));
        // With nothing beside it, it is the memory as the detector saved it.
        let plain = Saved { memory: saved.memory.clone(), ..Saved::default() };
        assert_eq!(plain.encode().unwrap(), saved.memory);
        assert_eq!(Saved::decode(&saved.memory).unwrap().memory, saved.memory);
    }

    #[test]
    fn what_is_no_state_or_newer_is_refused_by_name() {
        for bytes in [&b""[..], b"{}", b"orgwatchserve\0\x01\0"] {
            assert_eq!(Saved::decode(bytes).unwrap_err(), FrameError::Foreign.into());
        }
        // A position in something else than a journal.
        let newer = state::encode(&[(POSITION, &[1, 0, 0])]);
        let err = Saved::decode(&newer).unwrap_err();
        assert_eq!(err, SavedError::Section(POSITION));
        assert!(err.to_string().contains("`position`"), "{err}");
        let plain = Saved { memory: b"other".to_vec(), ..Saved::default() };
        assert!(plain.encode().is_err());
    }
}
