//! Settings, memory and rules into an artifact, for loaders that can hand it none: Fluent Bit's filter, a
//! component host that opens with `{}`.
//!
//! The guest has a header for them (`orgwatch::embedded_config`), which is found by its magic in the data of
//! the core module, in a component in the one core module that has it. The settings, the state and the
//! compiled pack are one more data segment behind the memory that the compiler laid out, and the header points there. Nothing
//! of the code changes, and an artifact with the same baked twice is the same bytes.
//!
//! Pre-initialising with `wasmtime-wizer` was tried on both artifacts. Its function takes no arguments,
//! so that settings would have to be written into the guest first all the same, as they are here. What
//! it saves is opening a detector, once a start: of the module for Fluent Bit it made a file 18% larger
//! that finds the same and starts 15 ms sooner. In a component it needs an exported function that nobody
//! else wants, and adds an interface of its own to the world. `bake` would have to run the guest for it.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::unwrap_used))]

pub(crate) mod header;
mod rewrite;

#[cfg(test)]
mod tests;

use std::ops::Range;

use orgwatch_artifact::{
    BAKED, Baked, BakedRules, Integrity, Kind, Malformed, Module, digest, integrity, seal,
};
use wasm_encoder::{Component, RawSection};
use wasmparser::BinaryReaderError;

pub use header::Contents;

/// The most that settings, memory and rules may take together: far more than any cap of the settings lets a
/// memory grow to.
const MAX_BAKED: usize = 256 << 20;

/// The number of a core module's section in a component.
const CORE_MODULE: u8 = 1;

/// Rules to bake.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The name that they were given by.
    pub name: &'a str,
    /// The compiled pack.
    pub pack: &'a [u8],
}

/// An artifact that nothing can be baked into.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is no WebAssembly, or damaged.
    #[error("it is no WebAssembly that can be read: {0}")]
    Malformed(#[from] Malformed),

    /// Its bytes are not those that it was built with. Baking would seal the damage.
    #[error("it is damaged: its digest section says another digest than its bytes have")]
    Damaged,

    /// It is WebAssembly of another kind.
    #[error("it is no orgwatch artifact: it has no place for settings")]
    Foreign,

    /// It has settings.
    #[error("it has settings baked in already: bake into the artifact that it was made from")]
    Baked,

    /// It is of another version, whose settings may be others.
    #[error(
        "it is orgwatch {artifact}, and this is {this}: bake with the orgwatch of that version"
    )]
    Version {
        /// The artifact's.
        artifact: String,
        /// This program's.
        this: &'static str,
    },

    /// The settings, the memory or the rules are too long to be baked.
    #[error("settings, state and rules are {0} bytes, more than the 256 MiB that may be baked")]
    TooLong(usize),

    /// The module is laid out as none of ours is.
    #[error("its memory is not laid out as that of an orgwatch artifact: {0}")]
    Layout(&'static str),
}

impl From<BinaryReaderError> for Error {
    fn from(err: BinaryReaderError) -> Self {
        Error::Malformed(err.into())
    }
}

/// The parts baked into an artifact, read without running anything.
pub fn contents(artifact: &[u8]) -> Result<Contents, Error> {
    let whole = Module::parse(artifact)?;
    let (_, core) = core_module(&whole)?;
    header::read(core)
}

/// A copy of an artifact that opens with these settings, one JSON document, with this memory and with
/// the rules of this compiled pack.
///
/// None of them is checked here: that is what opening a detector with them does.
pub fn bake(
    artifact: &[u8],
    settings: &str,
    state: Option<&[u8]>,
    rules: Option<&Rules<'_>>,
) -> Result<Vec<u8>, Error> {
    let pack = rules.map(|rules| rules.pack).unwrap_or_default();
    let parts = [settings.as_bytes(), state.unwrap_or_default(), pack];
    let length = parts.iter().map(|part| part.len()).fold(0, usize::saturating_add);
    if length > MAX_BAKED {
        return Err(Error::TooLong(length));
    }
    let whole = Module::parse(artifact)?;
    if let Integrity::Damaged { .. } = integrity(&whole) {
        return Err(Error::Damaged);
    }
    let (place, core) = core_module(&whole)?;
    let there = header::read(core)?;
    if there.settings.is_some() {
        return Err(Error::Baked);
    }
    let this = env!("CARGO_PKG_VERSION");
    if there.version != this {
        return Err(Error::Version { artifact: there.version, this });
    }
    let core = rewrite::with(core, parts)?;
    let bytes = match place {
        None => core,
        Some(range) => {
            let mut section = Component::new();
            section.section(&RawSection { id: CORE_MODULE, data: &core });
            let section = section.finish();
            // Without the header of a component before it.
            let parts = (artifact.get(..range.start), section.get(8..), artifact.get(range.end..));
            let (Some(before), Some(section), Some(after)) = parts else {
                return Err(Error::Layout("a section stands outside of it"));
            };
            [before, section, after].concat()
        }
    };
    let note = Baked {
        from: digest(artifact),
        settings: Some(digest(settings.as_bytes())),
        state: state.map(digest),
        rules: rules
            .map(|rules| BakedRules { name: rules.name.into(), digest: digest(rules.pack) }),
    };
    let note = serde_json::to_vec(&note).unwrap_or_default();
    Ok(seal(&Module::parse(&bytes)?.with(BAKED, &note))?)
}

/// The artifact without what is baked into it: the same code, which opens with what it is given. It
/// is not the artifact that it was made from, since what was added stays, out of use.
pub fn emptied(artifact: &[u8]) -> Result<Vec<u8>, Error> {
    let whole = Module::parse(artifact)?;
    let (_, core) = core_module(&whole)?;
    let segments = header::segments(core)?;
    let slices = header::find(&segments)?.slices();
    // The slices are a part of the file: their addresses tell which.
    let start = (slices.as_ptr() as usize).saturating_sub(artifact.as_ptr() as usize);
    let mut bytes = artifact.to_vec();
    let slices = bytes.get_mut(start..).and_then(|rest| rest.first_chunk_mut());
    *slices.ok_or(Error::Foreign)? = header::EMPTY;
    Ok(bytes)
}

/// The core module with the header: the file itself, or a section of a component, whose range in the
/// file is given.
fn core_module<'a>(whole: &Module<'a>) -> Result<(Option<Range<usize>>, &'a [u8]), Error> {
    if whole.kind == Kind::Module {
        return Ok((None, whole.bytes));
    }
    let mut found = None;
    for section in &whole.sections {
        if section.id == CORE_MODULE && header::is_in(section.data) {
            if found.is_some() {
                return Err(Error::Layout("two of its modules have a header"));
            }
            found = Some((Some(section.range.clone()), section.data));
        }
    }
    found.ok_or(Error::Foreign)
}
