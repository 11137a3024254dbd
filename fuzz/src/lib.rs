//! What the fuzz targets share: the parts of the host that take bytes apart, compiled without the rest of
//! it, and things to compare them with.

pub mod reference;
pub mod wrapped;

// What only the rest of the host uses.
#[allow(dead_code, unused_imports)]
#[path = "../../host-test/src/input/mod.rs"]
pub mod input;
#[path = "../../host-test/src/native.rs"]
mod native;
