//! The orgwatch detector for JavaScript.
//!
//! [`detector`] is the package for browsers, workers and Node: bytes of events in, findings as JSON out. The
//! hand-written half of it, `js/detector.js`, makes objects and typed errors of what crosses the boundary.
//!
//! With the feature `page` it is what `orgwatch.html` runs in its worker instead: `scan` reads files in the
//! forms that `orgwatch scan` reads; Parquet, as lines that `rows/` makes of it. The readers of files are the host's own modules, compiled
//! here without the rest of it.

#[cfg(not(feature = "page"))]
pub mod detector;
#[cfg(feature = "page")]
pub mod scan;
mod shared;

// The modules of the host have parts that only the rest of it uses.
#[cfg(feature = "page")]
#[allow(dead_code, missing_docs, unused_imports)]
#[path = "../../host-test/src/input/mod.rs"]
mod input;
#[cfg(feature = "page")]
mod plugin {
    //! The host's counts, of which those of the core are a part.

    pub(crate) use orgwatch::batch::Counts;
}
#[cfg(feature = "page")]
#[allow(dead_code)]
#[path = "../../host-test/src/native.rs"]
mod native;
