//! A job into batches.

use std::sync::Arc;

use super::budget::Permit;
use super::jobs::Job;
use crate::input::{Batch, Error, Limits, PathError, ReadProgress, Reader, Source};
use crate::native;

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
        self.batch.bytes().len() + (parts.len() + unreadable) * EACH
    }

    /// Empties it and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.batch.clear();
        self.origins.clear();
        self.last = false;
        self.permit = None;
    }
}

/// The receiver of batches.
pub(super) trait BatchSink {
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
    mut reader: Reader,
    read_batch: &mut ReadBatch,
    sink: &mut dyn BatchSink,
) -> bool {
    let mut opened = true;
    loop {
        let (name, parts) = (source.to_string(), read_batch.batch.parts().len());
        let next = || reader.next(&mut read_batch.batch, &mut |json| sink.reject(json));
        let read = native::parse(name.as_bytes(), next).unwrap_or_else(|| {
            read_batch.batch.abandon(parts);
            Err(Error::Fault)
        });
        let ended = matches!(read, Ok(false) | Err(Error::Fault));
        let failed = read.err().map(Failure::File);
        let source = Some(Arc::clone(source));
        read_batch.origins.push(Origin { source, opened, failed, ended });
        opened = false;
        if ended {
            return true;
        }
        if (read_batch.batch.is_full() || reader.is_live()) && !sink.take(read_batch) {
            return false;
        }
    }
}
