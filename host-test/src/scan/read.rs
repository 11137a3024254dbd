//! A job into batches.

use std::sync::Arc;

use super::budget::Permit;
use super::jobs::Job;
use super::screen::Screen;
use crate::input::{
    BATCH, Batch, Error, Limits, PathError, Piece, Pieces, ReadProgress, Reader, Source, Stretch,
};
use crate::native;
use crate::plugin;

/// A batch to be screened, and what it is of.
#[derive(Debug, Default)]
pub(super) struct ReadBatch {
    pub(super) batch: Batch,
    /// One for each part of the batch.
    pub(super) origins: Vec<Origin>,
    /// The account of the job.
    pub(super) account: Option<String>,
    /// Nothing of the job comes after it.
    pub(super) last: bool,
    /// A piece of a file that is to be read into it.
    pub(super) piece: Option<Piece>,
    /// The lines of the piece that it holds.
    pub(super) stretch: Option<Stretch>,
    /// What screening said of the batch, if it was screened.
    pub(super) screened: Option<plugin::Screened>,
    /// Counts its bytes until they are examined.
    pub(super) permit: Option<Permit>,
}

/// Where a part of a batch comes from, and what else there is to say at that point.
#[derive(Debug)]
pub(super) struct Origin {
    /// None for a path that leads to no file.
    pub(super) source: Option<Arc<Source>>,
    /// Whether it is the first of its file.
    pub(super) opened: bool,
    pub(super) failed: Option<Failure>,
    /// Whether it is the last of its file.
    pub(super) ended: bool,
}

/// Why there is nothing more to be read.
#[derive(Debug)]
pub(super) enum Failure {
    Path(PathError),
    File(Error),
}

impl ReadBatch {
    /// One with room for a whole batch.
    pub(super) fn with_capacity() -> Self {
        ReadBatch { batch: Batch::new(), ..ReadBatch::default() }
    }

    /// Its name in errors: that of its first file.
    pub(super) fn name(&self) -> String {
        let sources = self.origins.iter().filter_map(|origin| origin.source.as_ref());
        sources.map(ToString::to_string).next().unwrap_or_default()
    }

    /// About how many bytes it takes, and so the most that is left of it once it is screened.
    pub(super) fn weight(&self) -> usize {
        // For a part of a batch, and for something that could not be read, with their texts.
        const EACH: usize = 256;
        let parts = self.batch.parts();
        let unreadable: usize = parts.iter().map(|part| part.unreadable.len()).sum();
        let unread = if self.piece.is_some() { BATCH } else { 0 };
        self.batch.bytes().len() + unread + (parts.len() + unreadable) * EACH
    }

    /// Makes it one of a piece that is not read yet.
    fn set_piece(&mut self, piece: Piece, split: &SplitFile) {
        let source = Some(Arc::clone(&split.source));
        self.origins.push(Origin { source, opened: false, failed: None, ended: false });
        self.piece = Some(piece);
    }

    /// Reads the piece, if there is one, and screens it while it is in the processor's cache: most often there is
    /// nothing else to look for. Whether it could be read by itself.
    pub(super) fn read_piece(&mut self, screener: &mut dyn Screen) -> Result<bool, plugin::Error> {
        let Some(piece) = self.piece.take() else { return Ok(true) };
        let name = self.name();
        let batch = &mut self.batch;
        let Some(read) = native::parse(name.as_bytes(), || piece.read(batch)).flatten() else {
            return Ok(false);
        };
        let screened = screener.screen(batch.bytes())?;
        // What is read by itself ends with a line end.
        let lines = screened.counts.lines;
        let unpacked = match screened.are_plain {
            true => Some((lines, false)),
            false => native::parse(name.as_bytes(), || piece.unpack(batch)).flatten(),
        };
        let Some((lines, is_other)) = unpacked else { return Ok(false) };
        self.stretch = Some(piece.pass(lines, &read));
        self.screened = Some(screened).filter(|_| !is_other);
        Ok(true)
    }

    /// Empties it and keeps its memory.
    pub(super) fn clear(&mut self) {
        match self.stretch.take() {
            Some(_) => self.batch.keep(),
            None => self.batch.clear(),
        }
        self.origins.clear();
        self.last = false;
        self.piece = None;
        self.screened = None;
        self.permit = None;
    }
}

/// A file of which the rest is read in pieces.
#[derive(Debug, Clone)]
pub(super) struct SplitFile {
    pub(super) source: Arc<Source>,
    pub(super) account: Option<String>,
    pub(super) pieces: Pieces,
    /// The number of the line that comes next, and where it starts.
    pub(super) line: u64,
    pub(super) at: u64,
}

impl SplitFile {
    /// Counts lines that were examined.
    pub(super) fn pass(&mut self, stretch: Stretch) {
        self.line += stretch.lines;
        self.at = self.at.max(stretch.end);
    }

    /// Hands on the pieces, each in a batch of its own.
    pub(super) fn hand_on(&self, read_batch: &mut ReadBatch, sink: &mut dyn BatchSink) -> bool {
        for piece in self.pieces.clone() {
            read_batch.set_piece(piece, self);
            if !sink.take(read_batch) {
                return false;
            }
        }
        true
    }

    /// Reads in order what comes next. Whether to go on.
    pub(super) fn read_on(&self, read_batch: &mut ReadBatch, sink: &mut dyn BatchSink) -> bool {
        read_batch.clear();
        read_batch.account.clone_from(&self.account);
        let go_on = match self.pieces.read_on(self.at, self.line) {
            Ok(reader) => read_rest(&self.source, reader, false, read_batch, sink),
            Err(err) => {
                read_batch.batch.begin();
                let (source, failed) = (Some(Arc::clone(&self.source)), Error::Read(err));
                let failed = Some(Failure::File(failed));
                read_batch.origins.push(Origin { source, opened: false, failed, ended: true });
                true
            }
        };
        go_on && sink.take(read_batch)
    }
}

/// The receiver of batches.
pub(super) trait BatchSink {
    /// Takes a file that is to be read in pieces from here on: all before it was taken. Whether to go on.
    fn split(&mut self, split: SplitFile, read_batch: &mut ReadBatch) -> bool;

    /// The number of events in JSON on one line, if no rule can match any of them.
    fn reject(&mut self, json: &[u8]) -> Option<u64>;

    /// Takes the batch, and leaves it empty. Whether to go on.
    fn take(&mut self, read_batch: &mut ReadBatch) -> bool;
}

/// Reads a job, and hands on each batch as soon as it should be examined. The last one is marked.
pub(super) fn read_job(
    job: Job,
    limits: &Limits,
    progress: &ReadProgress,
    read_batch: &mut ReadBatch,
    sink: &mut dyn BatchSink,
) {
    read_batch.account = job.account;
    for item in job.items {
        let opened = match item {
            Ok(source) => match Reader::open(&source, limits, progress) {
                Ok(reader) => Ok((source, reader)),
                Err(err) => Err((Some(source), Failure::File(err))),
            },
            Err(err) => Err((None, Failure::Path(err))),
        };
        let go_on = match opened {
            Ok((source, reader)) => read_file(&source, reader, read_batch, sink),
            Err((source, failure)) => {
                read_batch.batch.begin();
                let failed = Some(failure);
                read_batch.origins.push(Origin { source, opened: false, failed, ended: false });
                true
            }
        };
        if !go_on || read_batch.batch.is_full() && !sink.take(read_batch) {
            return;
        }
    }
    read_batch.last = true;
    sink.take(read_batch);
}

fn read_file(
    source: &Arc<Source>,
    reader: Reader,
    read_batch: &mut ReadBatch,
    sink: &mut dyn BatchSink,
) -> bool {
    read_rest(source, reader, true, read_batch, sink)
}

/// Reads a file from its start, or what is left of it.
fn read_rest(
    source: &Arc<Source>,
    mut reader: Reader,
    mut opened: bool,
    read_batch: &mut ReadBatch,
    sink: &mut dyn BatchSink,
) -> bool {
    loop {
        let (name, parts) = (source.to_string(), read_batch.batch.parts().len());
        let next = || reader.next(&mut read_batch.batch, &mut |json| sink.reject(json));
        let read = native::parse(name.as_bytes(), next).unwrap_or_else(|| {
            read_batch.batch.abandon(parts);
            Err(Error::Fault)
        });
        let ended = matches!(read, Ok(false) | Err(Error::Fault));
        let failed = read.err().map(Failure::File);
        let of = Some(Arc::clone(source));
        read_batch.origins.push(Origin { source: of, opened, failed, ended });
        opened = false;
        if ended {
            return true;
        }
        if (read_batch.batch.is_full() || reader.is_live()) && !sink.take(read_batch) {
            return false;
        }
        if let Some((pieces, line)) = reader.pieces() {
            let (source, account) = (Arc::clone(source), read_batch.account.clone());
            let at = pieces.start();
            let split = SplitFile { source, account, pieces, line, at };
            return (read_batch.origins.is_empty() || sink.take(read_batch))
                && sink.split(split, read_batch);
        }
    }
}
