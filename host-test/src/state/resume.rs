//! Taking up a state: the memory in its file, and the journal beside it.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use orgwatch::finding::Finding;

use super::journal::{Contents, Entry, Journal, JournalError};
use super::undelivered::FindingKey;
use super::{Position, Saved, StateError, StateFile, StreamPosition, Undelivered};
use crate::plugin::{Detector, Located, Place};
use crate::steps::step;

/// A state that was taken up into a detector.
#[derive(Debug)]
pub struct Resumed {
    /// The memory as the file holds it, without what the journal added; empty if there is no file.
    pub(crate) memory: Vec<u8>,
    /// The position in the journal up to which the memory holds it.
    pub(crate) position: Option<Position>,
    /// The position in a stream of candidates up to which the memory holds it.
    pub(crate) stream: Option<StreamPosition>,
    /// Findings that are not acknowledged downstream yet.
    pub(crate) undelivered: Undelivered,
    /// The journal, ready to go on.
    pub(crate) journal: Journal,
    /// Findings that loading the memory completed: no run has given them yet, and no event carries
    /// them.
    pub completed: Vec<Finding>,
    /// Findings of the journal's events that downstream has not acknowledged.
    pub(crate) pending: Vec<Pending>,
    /// So many entries of the journal were examined again.
    pub replayed: usize,
    /// Problems of the journal that are no reason not to use it.
    pub remarks: Vec<&'static str>,
    /// Whether there was a state.
    pub found: bool,
}

impl Resumed {
    /// Leaves what loading the memory completed to a service that uses the state later.
    pub fn leave_completed(&mut self) {
        for finding in std::mem::take(&mut self.completed) {
            self.undelivered.take_up_loose(finding);
        }
    }
}

/// An event, and those of its findings that have to be delivered.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    /// Without the newline; empty for findings that no event carries.
    pub(crate) line: Vec<u8>,
    pub(crate) found: Vec<Located>,
}

/// Why a state cannot be taken up. It was left as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] StateError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The file holds no state of this version, or the detector refuses it.
    #[error("cannot use the state {path}, which is left as it is: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl ResumeError {
    /// The error for a file whose content is of no use.
    fn unusable(name: &Path, reason: impl ToString) -> Self {
        ResumeError::Unusable { path: name.to_owned(), reason: reason.to_string() }
    }
}

impl StateFile {
    /// Takes up the state into a detector that has no memory yet.
    pub fn resume(&self, detector: &mut Detector) -> Result<Resumed, ResumeError> {
        let found = decode(&self.name, self.load()?)?;
        let position = found.as_ref().and_then(|saved| saved.position);
        let (journal, contents) = Journal::open(self.journal_path(), position)?;
        resume(&self.name, detector, found, journal, contents)
    }

    /// Whether a detector would take up a state, be it in use or not.
    pub fn check(name: &Path, detector: &mut Detector) -> Result<(), ResumeError> {
        let found = decode(name, StateFile::peek(name)?)?;
        let position = found.as_ref().and_then(|saved| saved.position);
        let (journal, _) = Journal::read(Self::journal_of(name), position)?;
        resume(name, detector, found, journal, Contents::default()).map(|_| ())
    }

    /// Whether the journal has events that a state which was loaded from here does not hold.
    pub fn journal_holds_more(&self, saved: &Saved) -> Result<bool, JournalError> {
        let (_, contents) = Journal::read(self.journal_path(), saved.position)?;
        Ok(contents.entries.iter().any(|entry| matches!(entry, Entry::Candidates(_))))
    }

    /// Saves a memory that was taken up from here, with what a service keeps beside it, and empties
    /// the journal.
    pub fn save_resumed(&self, memory: Vec<u8>, resumed: &mut Resumed) -> Result<(), StateError> {
        let mark = resumed.journal.mark();
        let position = resumed.journal.is_used().then_some(mark.position);
        let undelivered = resumed.undelivered.clone();
        let stream = resumed.stream;
        let encoded = Saved { memory, undelivered, position, stream }.encode();
        self.save(&encoded.map_err(|err| StateError::Write {
            path: self.name.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, err),
        })?)?;
        // What stays behind is passed over by its number.
        let _ = resumed.journal.forget(&mark);
        Ok(())
    }
}

fn decode(name: &Path, file: Option<Vec<u8>>) -> Result<Option<Saved>, ResumeError> {
    let saved = file.map(|bytes| Saved::decode(&bytes)).transpose();
    saved.map_err(|err| ResumeError::unusable(name, err))
}

fn resume(
    name: &Path,
    detector: &mut Detector,
    saved: Option<Saved>,
    journal: Journal,
    contents: Contents,
) -> Result<Resumed, ResumeError> {
    let found = saved.is_some();
    let Saved { memory, mut undelivered, position, stream } = saved.unwrap_or_default();
    let unusable = |err| ResumeError::unusable(name, err);
    let completed = match memory.is_empty() {
        true => Vec::new(),
        false => detector.merge_state(&memory).map_err(unusable)?,
    };
    let mut remarks = Vec::new();
    if contents.torn > 0 {
        remarks.push(
            "the end of the journal, which was being written when the process was killed, is \
             dropped: its events were not acknowledged",
        );
    }
    if contents.gap {
        remarks.push(
            "the state is older than the journal beside it: what came between the two is forgotten",
        );
    }
    let mut pending: Vec<Pending> = Vec::new();
    let mut waiting = HashSet::new();
    let replayed = contents.entries.len();
    for entry in contents.entries {
        match entry {
            Entry::Candidates(lines) => {
                let batch = detector.detect_batch(&lines).map_err(unusable)?;
                let found = batch.findings.into_iter().filter(|one| {
                    // Not again what a sender brought again.
                    undelivered.take_up(&one.finding)
                        && waiting.insert(FindingKey::of(&one.finding).id)
                });
                pending.extend(by_line(&lines, found.collect()));
            }
            Entry::Delivered(keys) => {
                for key in &keys {
                    undelivered.settle(key);
                    waiting.remove(key);
                }
                pending.retain_mut(|one| {
                    one.found.retain(|one| waiting.contains(&FindingKey::of(&one.finding).id));
                    !one.found.is_empty()
                });
            }
        }
        step("entry replayed");
    }
    Ok(Resumed {
        memory,
        position,
        stream,
        undelivered,
        journal,
        completed,
        pending,
        replayed,
        remarks,
        found,
    })
}

/// Findings with their events.
fn by_line(lines: &[u8], mut found: Vec<Located>) -> Vec<Pending> {
    if found.is_empty() {
        return Vec::new();
    }
    found.sort_by_key(|one| one.place);
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
    let pending = found.chunk_by(|one, next| one.place.line == next.place.line).map(|found| {
        // A number from 1; one beyond the last line counts as that.
        let nth = found.first().map_or(0, |one| one.place.line.saturating_sub(1) as usize);
        let line = lines.get(nth).or(lines.last()).copied().unwrap_or_default();
        let found = found.iter().cloned();
        let found = found.map(|one| Located { place: Place { line: 1, ..one.place }, ..one });
        Pending { line: line.to_owned(), found: found.collect() }
    });
    pending.collect()
}
