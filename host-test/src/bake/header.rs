//! The header in a core module's data: where it stands, and what it points to.

use memchr::memmem;
use orgwatch::embedded_config::MAGIC;
use wasmparser::{ConstExpr, DataKind, Operator, Parser, Payload};

use super::Error;

/// Magic, version, and the address and length of settings and of memory, each of four bytes.
const LENGTH: usize = 48;
const VERSION: std::ops::Range<usize> = 16..32;
const SLICES: usize = 32;

/// The parts baked into an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The artifact's version.
    pub version: String,
    /// The settings, one JSON document; none if nothing is baked.
    pub settings: Option<String>,
    /// The memory, as a detector saves it.
    pub state: Option<Vec<u8>>,
}

/// A segment that is in memory from the start.
pub(super) struct Segment<'a> {
    pub(super) address: u32,
    pub(super) data: &'a [u8],
}

/// Whether a module may have a header.
pub(super) fn is_in(module: &[u8]) -> bool {
    memmem::find(module, &MAGIC).is_some()
}

/// The segments of a module's data section.
pub(super) fn segments(module: &[u8]) -> Result<Vec<Segment<'_>>, Error> {
    let mut segments = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::DataSection(section) = payload? else { continue };
        for data in section {
            let data = data?;
            let DataKind::Active { memory_index: 0, offset_expr } = data.kind else {
                return Err(Error::Layout("a data segment is passive"));
            };
            segments.push(Segment { address: address(&offset_expr)?, data: data.data });
        }
    }
    Ok(segments)
}

fn address(offset: &ConstExpr<'_>) -> Result<u32, Error> {
    match offset.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(value.cast_unsigned()),
        _ => Err(Error::Layout("a data segment has no fixed address")),
    }
}

/// Which segment has the header, and where in it.
pub(super) fn find(segments: &[Segment<'_>]) -> Result<(usize, usize), Error> {
    let all = segments.iter().enumerate().flat_map(|(segment, one)| {
        memmem::find_iter(one.data, &MAGIC).map(move |at| (segment, at))
    });
    let mut all = all.filter(|(segment, at)| segments[*segment].data.len() >= at + LENGTH);
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Error::Foreign),
        (Some(_), Some(_)) => Err(Error::Layout("it has two headers")),
    }
}

/// Reads a module's header and what it points to.
pub(super) fn read(module: &[u8]) -> Result<Contents, Error> {
    let segments = segments(module)?;
    let (segment, at) = find(&segments)?;
    let header = &segments[segment].data[at..at + LENGTH];
    let version = header[VERSION].split(|byte| *byte == 0).next().unwrap_or_default();
    let version = String::from_utf8_lossy(version).into_owned();
    let slice = |nth: usize| {
        let word = |at: usize| {
            let bytes = header[at..].first_chunk().copied().unwrap_or_default();
            u32::from_le_bytes(bytes)
        };
        let (address, length) = (word(SLICES + nth * 8), word(SLICES + nth * 8 + 4) as usize);
        if length == 0 {
            return Ok(None);
        }
        let there = segments.iter().find_map(|segment| {
            let start = address.checked_sub(segment.address)? as usize;
            segment.data.get(start..start.checked_add(length)?)
        });
        there.map(Some).ok_or(Error::Layout("its header points to nothing"))
    };
    let settings = slice(0)?.map(|text| String::from_utf8_lossy(text).into_owned());
    Ok(Contents { version, settings, state: slice(1)?.map(<[u8]>::to_vec) })
}

/// The header's two slices as its bytes: what stands at `address`, and behind that the other.
pub(crate) fn slices(address: u32, settings: usize, state: usize) -> [u8; LENGTH - SLICES] {
    let mut bytes = [0; LENGTH - SLICES];
    let words = [address, settings as u32, address + settings as u32, state as u32];
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Where the two slices stand behind the header's beginning.
pub(crate) const AT_SLICES: std::ops::Range<usize> = SLICES..LENGTH;

/// The two slices as the compiler leaves them.
pub(crate) const EMPTY: [u8; LENGTH - SLICES] = [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
