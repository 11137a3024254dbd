//! JSON as orgwatch reads it: borrowed, without recursion, and only where a rule may care.

mod fields;
mod tape;
mod value;

pub use fields::Fields;
pub(crate) use tape::needs_escape;
pub use tape::{MAX_DEPTH, Malformed, Tape};
pub use value::{Kind, Value};
