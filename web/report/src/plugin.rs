//! The host's types of what a detector says.

#[path = "../../../host-test/src/plugin/types.rs"]
#[allow(unused_imports)]
mod types;

pub(crate) use types::{Counts, Description, Rule};
