//! The header in a core module's data: where it stands, and what it points to.

use memchr::memmem;
use orgwatch::embedded_config::MAGIC;
use wasmparser::{ConstExpr, DataKind, Operator, Parser, Payload};

use super::Error;

/// The length of the header: 16 bytes of magic, 16 of the version, and the slices.
const LENGTH: usize = 32 + SLICES;
/// The length of the slices: the address and the length of settings, of memory and of a pack, each of
/// four bytes.
const SLICES: usize = 24;

/// The parts baked into an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The artifact's version.
    pub version: String,
    /// The settings, one JSON document; none if nothing is baked.
    pub settings: Option<String>,
    /// The memory, as a detector saves it.
    pub state: Option<Vec<u8>>,
    /// The rules, as a compiled pack.
    pub pack: Option<Vec<u8>>,
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

/// The header, and its place.
pub(super) struct Header<'a> {
    /// The number of its segment.
    pub(super) segment: usize,
    /// Its first byte in that segment.
    pub(super) at: usize,
    bytes: &'a [u8; LENGTH],
}

impl<'a> Header<'a> {
    /// The version, padded with zeros.
    fn version(&self) -> &'a [u8] {
        self.bytes.get(16..32).unwrap_or_default()
    }

    /// The bytes of the slices.
    pub(super) fn slices(&self) -> &'a [u8; SLICES] {
        self.bytes.last_chunk().unwrap_or(&EMPTY)
    }
}

/// The only header of all segments.
pub(super) fn find<'a>(segments: &[Segment<'a>]) -> Result<Header<'a>, Error> {
    let mut all = segments.iter().enumerate().flat_map(|(segment, one)| {
        memmem::find_iter(one.data, &MAGIC).filter_map(move |at| {
            Some(Header { segment, at, bytes: one.data.get(at..)?.first_chunk()? })
        })
    });
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Error::Foreign),
        (Some(_), Some(_)) => Err(Error::Layout("it has two headers")),
    }
}

/// Reads a module's header and what it points to.
pub(super) fn read(module: &[u8]) -> Result<Contents, Error> {
    let segments = segments(module)?;
    let header = find(&segments)?;
    let version = header.version().split(|byte| *byte == 0).next().unwrap_or_default();
    let version = String::from_utf8_lossy(version).into_owned();
    let mut words = header.slices().as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
    let mut slice = || {
        let (address, length) = (words.next().unwrap_or(0), words.next().unwrap_or(0) as usize);
        if length == 0 {
            return Ok(None);
        }
        let there = segments.iter().find_map(|segment| {
            let start = address.checked_sub(segment.address)? as usize;
            segment.data.get(start..start.checked_add(length)?)
        });
        there.map(Some).ok_or(Error::Layout("its header points to nothing"))
    };
    let settings = slice()?.map(|text| String::from_utf8_lossy(text).into_owned());
    let (state, pack) = (slice()?, slice()?);
    Ok(Contents {
        version,
        settings,
        state: state.map(<[u8]>::to_vec),
        pack: pack.map(<[u8]>::to_vec),
    })
}

/// The header's slices as its bytes: settings, a state and a pack of these lengths, one behind the other
/// from `address` on.
pub(crate) fn slices(address: u32, lengths: [usize; 3]) -> [u8; SLICES] {
    let mut bytes = [0; SLICES];
    let mut at = address;
    for (slice, length) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(lengths) {
        let word = u64::from(at) | (length as u64) << 32;
        slice.copy_from_slice(&word.to_le_bytes());
        at = at.wrapping_add(length as u32);
    }
    bytes
}

/// The place of the slices in the header.
pub(crate) const AT_SLICES: std::ops::Range<usize> = 32..LENGTH;

/// The slices as the compiler leaves them.
pub(crate) const EMPTY: [u8; SLICES] =
    [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
