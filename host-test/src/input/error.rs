//! Errors of a file as a whole.

use std::io;

use super::layers::MOST_LAYERS;

/// A file that could not be read to its end. What came before has been delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be opened.
    #[error("cannot be opened")]
    Open(#[source] io::Error),

    /// Reading failed.
    #[error("cannot be read further")]
    Read(#[source] io::Error),

    /// It is cut off or damaged, as the file it was compressed from is no longer whole.
    #[error("{form} is corrupt or cut off after {read} decompressed bytes")]
    Compressed {
        /// How it is compressed: `gzip` or `zstd`.
        form: &'static str,
        /// How much could be had.
        read: u64,
        /// The decoder's error.
        #[source]
        source: io::Error,
    },

    /// It is compressed too many times.
    #[error("compressed more than {MOST_LAYERS} times, one form in another; decompress it first")]
    TooDeep,

    /// It is a Parquet file that is damaged, or written in a way that is not read.
    #[error("the Parquet file cannot be read after {rows} rows: {reason}")]
    Parquet {
        /// How many rows could be had.
        rows: u64,
        /// The problem.
        reason: String,
    },

    /// Its first bytes say that it is no log.
    #[error("{kind}, not a log: {hint}")]
    NotALog {
        /// In a few words, with an article where it has one.
        kind: &'static str,
        /// How to get at what is in it.
        hint: &'static str,
    },

    /// A parser has a fault that this file brings out.
    #[error("cannot be taken apart any further: this is a fault of orgwatch")]
    Fault,

    /// It decompresses to more than [`Limits`](super::Limits) allow.
    #[error("decompresses to more than {limit} bytes; the rest was not read (--max-decompressed)")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
}

/// An error with its causes.
pub fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text += &format!(": {err}");
        cause = err.source();
    }
    text
}
