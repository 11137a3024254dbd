//! A core module with one more data segment.

use wasm_encoder::{
    ConstExpr, DataCountSection, DataSection, MemorySection, MemoryType, Module, RawSection,
};
use wasmparser::{Parser, Payload};

use super::{Error, header};

const PAGE: u64 = 64 << 10;

/// The module with these in memory from the start, and its header pointing to them.
pub(super) fn with(module: &[u8], parts: [&[u8]; 3]) -> Result<Vec<u8>, Error> {
    let added = parts.concat();
    let mut address = None;
    let mut out = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match &payload {
            Payload::MemorySection(memories) => {
                let mut memories = memories.clone().into_iter();
                let (Some(memory), None) = (memories.next(), memories.next()) else {
                    return Err(Error::Layout("it has not exactly one memory"));
                };
                let memory = memory?;
                if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
                    return Err(Error::Layout("its memory is of an unusual kind"));
                }
                // Behind all that the compiler laid out. The guest's allocator asks for new pages,
                // and never takes it that those behind what it knows are its own.
                let start = memory.initial.saturating_mul(PAGE);
                let pages = (added.len() as u64).div_ceil(PAGE);
                address = u32::try_from(start).ok().filter(|start| {
                    u32::try_from(added.len()).is_ok_and(|more| start.checked_add(more).is_some())
                });
                let mut section = MemorySection::new();
                section.memory(MemoryType {
                    minimum: memory.initial.saturating_add(pages),
                    maximum: memory.maximum.map(|most| most.saturating_add(pages).min(PAGE)),
                    memory64: false,
                    shared: false,
                    page_size_log2: None,
                });
                out.section(&section);
            }
            Payload::DataCountSection { count, .. } => {
                out.section(&DataCountSection { count: count.saturating_add(1) });
            }
            Payload::DataSection(_) => {
                let address = address.ok_or(Error::Layout("its memory has no room for more"))?;
                let lengths = parts.map(<[u8]>::len);
                out.section(&data(module, address, &added, lengths)?);
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let data = module.get(range.start as usize..range.end as usize);
                    let data = data.ok_or(Error::Layout("a section stands outside of it"))?;
                    out.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(out.finish())
}

/// The data section with its header pointing to one more segment.
fn data(
    module: &[u8],
    address: u32,
    added: &[u8],
    lengths: [usize; 3],
) -> Result<DataSection, Error> {
    let segments = header::segments(module)?;
    let header = header::find(&segments)?;
    let mut section = DataSection::new();
    for (nth, segment) in segments.iter().enumerate() {
        let mut data = segment.data.to_vec();
        if nth == header.segment {
            let there = data.get_mut(header.at..).and_then(|rest| rest.get_mut(header::AT_SLICES));
            let there = there.ok_or(Error::Layout("its header is cut"))?;
            there.copy_from_slice(&header::slices(address, lengths));
        }
        section.active(0, &constant(segment.address), data);
    }
    section.active(0, &constant(address), added.iter().copied());
    Ok(section)
}

fn constant(address: u32) -> ConstExpr {
    ConstExpr::i32_const(address.cast_signed())
}
