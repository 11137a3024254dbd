//! A core module with one more data segment.

use wasm_encoder::{
    ConstExpr, DataCountSection, DataSection, MemorySection, MemoryType, Module, RawSection,
};
use wasmparser::{Parser, Payload};

use super::{Error, header};

const PAGE: u64 = 64 << 10;

/// The module with these in memory from the start, and its header pointing to them.
pub(super) fn with(module: &[u8], settings: &[u8], state: &[u8]) -> Result<Vec<u8>, Error> {
    let added = [settings, state].concat();
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
                let start = memory.initial * PAGE;
                let pages = (added.len() as u64).div_ceil(PAGE);
                address = u32::try_from(start)
                    .ok()
                    .filter(|start| u64::from(*start) + added.len() as u64 <= u64::from(u32::MAX));
                let mut section = MemorySection::new();
                section.memory(MemoryType {
                    minimum: memory.initial + pages,
                    maximum: memory.maximum.map(|most| (most + pages).min(PAGE)),
                    memory64: false,
                    shared: false,
                    page_size_log2: None,
                });
                out.section(&section);
            }
            Payload::DataCountSection { count, .. } => {
                out.section(&DataCountSection { count: count + 1 });
            }
            Payload::DataSection(_) => {
                let address = address.ok_or(Error::Layout("its memory has no room for more"))?;
                out.section(&data(module, address, &added, settings.len())?);
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    out.section(&RawSection {
                        id,
                        data: &module[range.start as usize..range.end as usize],
                    });
                }
            }
        }
    }
    Ok(out.finish())
}

/// The data section with its header pointing to one more segment.
fn data(module: &[u8], address: u32, added: &[u8], settings: usize) -> Result<DataSection, Error> {
    let segments = header::segments(module)?;
    let (with_header, at) = header::find(&segments)?;
    let mut section = DataSection::new();
    for (nth, segment) in segments.iter().enumerate() {
        let mut data = segment.data.to_vec();
        if nth == with_header {
            let slices = header::slices(address, settings, added.len() - settings);
            let range = at + header::AT_SLICES.start..at + header::AT_SLICES.end;
            data[range].copy_from_slice(&slices);
        }
        section.active(0, &constant(segment.address), data);
    }
    section.active(0, &constant(address), added.iter().copied());
    Ok(section)
}

fn constant(address: u32) -> ConstExpr {
    ConstExpr::i32_const(address.cast_signed())
}
