//! Parsing that the host does itself, outside the sandbox, of bytes that an attacker may have
//! written.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a parser over its input, or over the file of this name; none if it panics, which must cost
/// nothing else anything.
///
/// The parser's output may be half written then; the caller discards it.
pub(crate) fn parse<T>(input: &[u8], parser: impl FnOnce() -> T) -> Option<T> {
    let parser = || {
        if cfg!(test) {
            assert!(memchr::memmem::find(input, PANICS).is_none(), "as a test wants it");
        }
        parser()
    };
    catch_unwind(AssertUnwindSafe(parser)).ok()
}

/// Bytes on which every parser panics, in tests.
pub(crate) const PANICS: &[u8] = b"makes native parsers panic";
