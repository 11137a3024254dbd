//! The host's reader of Parquet, and of what such a file may be packed in.

#[path = "../../../host-test/src/input/allowance.rs"]
mod allowance;
#[path = "../../../host-test/src/input/bytes.rs"]
mod bytes;
#[path = "../../../host-test/src/input/error.rs"]
mod error;
#[path = "../../../host-test/src/input/kind.rs"]
mod kind;
#[path = "../../../host-test/src/input/layers.rs"]
mod layers;
#[path = "../../../host-test/src/input/limits.rs"]
mod limits;
#[path = "../../../host-test/src/input/members.rs"]
mod members;
#[path = "../../../host-test/src/input/parquet/mod.rs"]
mod parquet;
#[path = "../../../host-test/src/input/paths.rs"]
mod paths;
#[path = "../../../host-test/src/input/peek.rs"]
mod peek;
#[path = "../../../host-test/src/input/progress.rs"]
mod progress;

use std::io::Read;

use allowance::Allowance;
use error::{Error, chain};
pub(crate) use limits::{BYTE_ORDER_MARK, Limits, MAX_LINE, TOO_LONG};
use parquet::{ChunkSource, ReadAt, Rows};
use paths::Source;
use progress::ReadProgress;

/// About as many bytes are given at a time.
const PIECE: usize = 1 << 20;

/// A file as lines.
pub(crate) struct Lines {
    reader: Reader,
    allowance: Allowance,
    /// The reason why it ends early, once all before that was given.
    failed: Option<String>,
    ended: bool,
}

enum Reader {
    Rows(Box<Rows>),
    Packed(Box<bytes::Bytes>),
}

impl Lines {
    /// Those of a Parquet file, which is read where that is wanted.
    pub(crate) fn of_rows(length: u64, read: ReadAt) -> Result<Self, String> {
        let source = ChunkSource::Elsewhere { length, read };
        let rows = Rows::open(source, &ReadProgress::default()).map_err(|error| chain(&error))?;
        Ok(Self::new(Reader::Rows(Box::new(rows))))
    }

    /// Those of a Parquet file that is compressed as a whole, which is in memory.
    pub(crate) fn packed(input: Box<dyn Read + Send>) -> Self {
        let bytes = bytes::Bytes::new(input, false, &Limits::default(), &ReadProgress::default());
        Self::new(Reader::Packed(Box::new(bytes)))
    }

    fn new(reader: Reader) -> Self {
        let allowance = Allowance::new(Limits::default().max_decompressed, true);
        Lines { reader, allowance, failed: None, ended: false }
    }

    /// The next ones; none at the end. Fails once, with the reason.
    pub(crate) fn more(&mut self) -> Result<Vec<u8>, String> {
        if let Some(reason) = self.failed.take() {
            return Err(reason);
        }
        let mut lines = Vec::new();
        if self.ended {
            return Ok(lines);
        }
        let more = match &mut self.reader {
            Reader::Rows(rows) => rows.fill(&mut lines, PIECE, &mut self.allowance),
            Reader::Packed(bytes) => bytes.fill(&mut lines, PIECE),
        };
        self.ended = !matches!(more, Ok(true));
        self.failed = more.err().map(|error| chain(&error));
        match self.failed.take_if(|_| lines.is_empty()) {
            Some(reason) => Err(reason),
            None => Ok(lines),
        }
    }
}
