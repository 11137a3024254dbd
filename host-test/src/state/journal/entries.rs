//! A journal as bytes.
//!
//! ```text
//! "orgwatchjournal" 0x00 | version u16 | id u64 | checksum u64
//! entries   kind u8 | length u32 | number u64 | checksum u64 of these | payload | checksum u64 of it
//! ```
//! Integers are little-endian; checksums are XXH64, of entries with the id as seed, so that no event
//! can hold what looks like an entry. Entries with candidates (kind 1: lines) are numbered
//! and on the disk when [`push`](Journal::push) returns; those with acknowledgements (kind 2: keys of
//! findings, 16 bytes each) carry the number of the entry that comes next, and are not waited for:
//! without them findings are delivered twice.

use std::hash::Hasher as _;
use std::num::TryFromIntError;

use orgwatch::digest::Digest128;
use twox_hash::XxHash64;

const MAGIC: &[u8; 16] = b"orgwatchjournal\0";
const VERSION: u16 = 1;
/// The length of what stands before the entries.
pub(super) const HEADER: usize = 34;
/// The length of what stands before a payload.
pub(super) const HEAD: usize = 21;

/// Kinds of entries.
pub(super) const CANDIDATES: u8 = 1;
pub(super) const DELIVERED: u8 = 2;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Newline-delimited events that were examined.
    Candidates(Vec<u8>),
    /// Findings that downstream has acknowledged.
    Delivered(Vec<Digest128>),
}

/// The header of a journal with this id.
pub(super) fn header(id: u64) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER);
    header.extend(MAGIC);
    header.extend(VERSION.to_le_bytes());
    header.extend(id.to_le_bytes());
    header.extend(checksum(0, &header));
    header
}

/// The id that a header names; none if there is no whole header, and nothing after it.
pub(super) fn read_header(bytes: &[u8]) -> Result<Option<u64>, String> {
    let Some((header, entries)) = bytes.split_at_checked(HEADER) else {
        let begun = bytes.iter().zip(MAGIC).all(|(one, other)| one == other);
        return if begun { Ok(None) } else { Err("it is no journal of orgwatch".into()) };
    };
    let (body, sum) = header.split_at(HEADER - 8);
    if checksum(0, body) != *sum {
        return match (entries.is_empty(), header.starts_with(MAGIC)) {
            (true, _) => Ok(None),
            (false, true) => Err("its header is damaged".into()),
            (false, false) => Err("it is no journal of orgwatch".into()),
        };
    }
    let fields = body.get(MAGIC.len()..).unwrap_or_default();
    let (version, id) = fields.split_first_chunk().unwrap_or((&[0; 2], &[]));
    match u16::from_le_bytes(*version) {
        VERSION if header.starts_with(MAGIC) => Ok(Some(number(id))),
        VERSION => Err("it is no journal of orgwatch".into()),
        newer => Err(format!(
            "its format {newer} is newer than this orgwatch, which reads format {VERSION}"
        )),
    }
}

/// The content of a journal.
pub(super) struct Read {
    /// With their numbers.
    pub(super) entries: Vec<(u64, Entry)>,
    /// The number of the next entry with candidates.
    pub(super) next: u64,
    /// Length of the part that is whole.
    pub(super) length: usize,
}

/// Every entry. Bytes that cannot be read are the end that was being written, unless a later entry can
/// be read.
pub(super) fn read_entries(id: u64, bytes: &[u8]) -> Result<Read, String> {
    let mut read = Read { entries: Vec::new(), next: 0, length: HEADER };
    let mut at = HEADER;
    let mut expected = None;
    while at < bytes.len() {
        let Some((kind, number, payload)) = entry(id, bytes, at) else {
            let later = (at.saturating_add(1)..bytes.len()).find_map(|at| {
                let (kind, number, _) = entry(id, bytes, at)?;
                (kind == CANDIDATES).then_some((at, number))
            });
            let Some((later, number)) = later else { break };
            // Acknowledgements are not waited for: without them findings come twice.
            if Some(number) != expected {
                return Err(format!("it is damaged at byte {at}"));
            }
            at = later;
            continue;
        };
        let parsed = match kind {
            CANDIDATES => {
                if expected.is_some_and(|expected| expected != number) {
                    return Err(format!("an entry is missing at byte {at}"));
                }
                read.next = number.saturating_add(1);
                expected = Some(read.next);
                Entry::Candidates(payload.to_owned())
            }
            DELIVERED => {
                expected = expected.or(Some(number));
                read.next = read.next.max(number);
                let keys = payload.as_chunks().0.iter().map(|key| Digest128::new(*key));
                Entry::Delivered(keys.collect())
            }
            newer => return Err(format!("an entry at byte {at} is of a newer kind, {newer}")),
        };
        read.entries.push((number, parsed));
        at = at.saturating_add(whole_length(payload));
        read.length = at;
    }
    Ok(read)
}

/// An entry as bytes.
pub(super) fn encode(
    id: u64,
    kind: u8,
    number: u64,
    payload: &[u8],
) -> Result<Vec<u8>, TryFromIntError> {
    let mut entry = Vec::with_capacity(whole_length(payload));
    entry.push(kind);
    entry.extend(u32::try_from(payload.len())?.to_le_bytes());
    entry.extend(number.to_le_bytes());
    entry.extend(checksum(id, &entry));
    entry.extend(payload);
    entry.extend(checksum(id, payload));
    Ok(entry)
}

/// The length of an entry with this payload.
fn whole_length(payload: &[u8]) -> usize {
    payload.len().saturating_add(HEAD + 8)
}

/// The kind, number and payload of the entry that begins at a byte, if it is whole.
fn entry(id: u64, bytes: &[u8], at: usize) -> Option<(u8, u64, &[u8])> {
    let (head, rest) = bytes.get(at..)?.split_at_checked(HEAD)?;
    let (fields, sum) = head.split_at_checked(HEAD - 8)?;
    if checksum(id, fields) != *sum {
        return None;
    }
    let (kind, fields) = fields.split_first()?;
    let (length, fields) = fields.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (payload, rest) = rest.split_at_checked(length)?;
    let whole = checksum(id, payload) == *rest.get(..8)?;
    whole.then(|| (*kind, number(fields), payload))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

pub(super) fn checksum(seed: u64, bytes: &[u8]) -> [u8; 8] {
    let mut hash = XxHash64::with_seed(seed);
    hash.write(bytes);
    hash.finish().to_le_bytes()
}
