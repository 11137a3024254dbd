//! Settings, memory and rules that are part of the artifact: for hosts that can pass none.
//!
//! `orgwatch bake` writes them into a copy of an artifact, as data behind what the compiler laid out,
//! and points the header below to them. A header that was found by its magic and is as the compiler
//! left it can be written; anything else is not an artifact to bake. `host-test/src/bake` is the
//! other half of this.

use std::hint::black_box;

/// The first bytes of the header. Nothing else in an artifact reads so, this file's own code included.
pub const MAGIC: [u8; 16] = *b"\x89orgwatch/baked\x02";

/// The header, found in the artifact's data by [`MAGIC`].
#[derive(Debug)]
#[repr(C)]
pub struct Header {
    magic: [u8; 16],
    version: [u8; 16],
    settings: &'static [u8],
    state: &'static [u8],
    pack: &'static [u8],
}

#[used]
static HEADER: Header = Header {
    magic: MAGIC,
    version: padded(env!("CARGO_PKG_VERSION")),
    settings: &[],
    state: &[],
    pack: &[],
};

/// The parts baked into this artifact, each empty if it has none.
#[derive(Debug, Clone, Copy)]
pub struct Baked {
    /// The settings, one JSON document. Without any, nothing is baked.
    pub settings: &'static [u8],
    /// The memory.
    pub state: &'static [u8],
    /// The compiled pack.
    pub pack: &'static [u8],
}

/// The parts baked into this artifact.
pub fn baked() -> Baked {
    // The compiler must not know that it left all of them empty.
    let header = black_box(&HEADER);
    Baked { settings: header.settings, state: header.state, pack: header.pack }
}

/// The version as the header has it, with zero bytes behind it.
pub const fn padded(version: &str) -> [u8; 16] {
    let mut padded = [0; 16];
    let (fits, _) = padded.split_at_mut(if version.len() < 16 { version.len() } else { 16 });
    let (version, _) = version.as_bytes().split_at(fits.len());
    fits.copy_from_slice(version);
    padded
}
