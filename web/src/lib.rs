//! The orgwatch detector for JavaScript.
//!
//! [`detector`] is the package for browsers, workers and Node: bytes of events in, findings as JSON out. The
//! hand-written half of it, `js/detector.js`, makes objects and typed errors of what crosses the boundary.
//!
//! With the feature `page` there is also what `orgwatch.html` runs in its worker: [`scan`] reads files in the
//! forms that `orgwatch scan` reads, and writes its report. The readers of files and the maker of reports are
//! the host's own modules, compiled here without the rest of it.

pub mod detector;
#[cfg(feature = "page")]
pub mod scan;

// The modules of the host have parts that only the rest of it uses.
#[cfg(feature = "page")]
#[allow(dead_code, missing_docs, unused_imports)]
#[path = "../../host-test/src/input/mod.rs"]
mod input;
#[cfg(feature = "page")]
#[allow(dead_code)]
#[path = "../../host-test/src/native.rs"]
mod native;
#[cfg(feature = "page")]
#[allow(dead_code, missing_docs)]
mod output;
#[cfg(feature = "page")]
#[allow(dead_code, missing_docs)]
mod plugin;
