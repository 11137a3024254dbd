//! JSON as orgwatch reads it: borrowed, without recursion, and only where a rule may care.

mod bytes;
mod index;
mod number;
mod tape;
mod value;

pub use bytes::is_separator;
pub(crate) use bytes::needs_escape;
pub use index::ObjectIndex;
pub use tape::{MAX_DEPTH, Malformed, Tape};
pub use value::{Kind, Value};
