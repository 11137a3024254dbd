//! Files into batches of newline-delimited events.
//!
//! [`walk`] finds what to read; a [`Reader`] reads one of them, whatever its form, and fills
//! [`Batch`]es: events one a line, each knowing its line in the file. Newline-delimited JSON is not
//! looked into; documents over many lines, arrays and the like are taken apart, unless all of such a
//! document can be rejected.
//!
//! Nothing is left out in silence: what cannot be read is in [`Part::unreadable`] or an [`Error`].

mod allowance;
mod batch;
mod bytes;
mod cursor;
mod document;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod grammar;
mod kind;
mod layers;
mod limits;
mod lines;
mod members;
#[cfg(feature = "cli")]
mod one_per_line;
mod packed;
#[cfg(feature = "scan")]
mod parquet;
mod paths;
mod peek;
mod pending;
#[cfg(feature = "scan")]
mod pieces;
mod progress;
mod reader;
mod splitter;
#[cfg(feature = "scan")]
mod survey;
mod unpack;
#[cfg(feature = "serve")]
mod whole;

pub use batch::{Batch, Part, Unreadable};
pub use error::{Error, chain};
#[cfg(feature = "serve")]
pub(crate) use layers::{BodyFailure, decompress_all};
pub use limits::Limits;
pub(crate) use limits::{BYTE_ORDER_MARK, MAX_LINE, TOO_LONG};
#[cfg(feature = "serve")]
pub(crate) use members::Form;
#[cfg(feature = "cli")]
pub(crate) use one_per_line::OnePerLine;
pub use paths::{PathError, Source, walk};
pub(crate) use pending::one_line;
#[cfg(feature = "scan")]
pub(crate) use pieces::{Piece, Pieces, Stretch};
pub use progress::ReadProgress;
pub use reader::Reader;
#[cfg(feature = "serve")]
pub(crate) use unpack::unpacked_lines;
#[cfg(feature = "serve")]
pub(crate) use whole::{are_lines, event_lines, not_a_log};

/// A batch is about this long: enough that a call costs nothing, little enough for any cache.
pub(crate) const BATCH: usize = 512 << 10;

/// CloudTrail writes no longer event. A longer line is taken apart like a document: an object of a
/// bucket may be one line of many megabytes, which would be in memory several times.
const LONG_LINE: usize = 1 << 20;

/// A batch with as many unreadable ones is full.
const MOST_UNREADABLE: usize = 1000;

/// Says of JSON on one line how many events are in it, if no rule can match any of them.
pub type Screen<'a> = dyn FnMut(&[u8]) -> Option<u64> + 'a;

/// The events inside one line, one a line: of an object of `Records`, say. None, if the line is not
/// made of several, or not readable as such.
pub(crate) fn split_records(line: &[u8]) -> Option<Vec<u8>> {
    let mut batch = Batch::default();
    let mut splitter = splitter::Splitter::new(1, splitter::INNER_LISTS);
    splitter.feed(line, &mut batch, usize::MAX);
    splitter.finish(&mut batch, usize::MAX);
    (batch.events() > 1 && batch.last().unreadable.is_empty()).then_some(batch.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_into_its_records() {
        let split = |line: &str| {
            split_records(line.as_bytes()).map(|text| String::from_utf8(text).unwrap())
        };
        let records = r#"{"Records":[{"a":1},{"b":[2,{"c":"]"}]}]}"#;
        assert_eq!(split(records).unwrap(), "{\"a\":1}\n{\"b\":[2,{\"c\":\"]\"}]}\n");
        let messages = r#"{"owner":"1","logEvents":[{"message":"a"},{"message":"b"}]}"#;
        assert_eq!(split(messages).unwrap(), "{\"message\":\"a\"}\n{\"message\":\"b\"}\n");
        assert_eq!(split(r#"{"a":1}"#), None);
        assert_eq!(split(r#"{"Records":[{"a":1}]}"#), None);
        assert_eq!(split(r#"{"Records":[{"a":1},{"b":2}"#), None);
        assert_eq!(split("\n"), None);
    }
}
