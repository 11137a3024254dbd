//! Fluent Bit's `wasm` filter: its C interface around [`filter`].
//!
//! Fluent Bit copies tag and record into this module with the `malloc` exported here, calls
//! `orgwatch` with six arguments, copies the C string that comes back, and frees its two copies.
//! Without `malloc` and `free` it would use a heap of its own of 8 KiB and lose larger records. It
//! loses a record as well when the function traps, or returns null or an empty string; and it never
//! frees what is returned, which is therefore the record's own pointer or one buffer used again.

#[cfg(feature = "fluent-bit")]
mod abi;
mod allocator;
mod filter;
