//! Files through a detector.
//!
//! Reading, decompressing and screening need no order, so any number of threads do it, natively or each
//! with a guest of its own. What a rule could match is rare; one detector examines it in the order of the
//! input, so that the same files give the same findings whatever the number of threads.
//!
//! | module | what it does |
//! | --- | --- |
//! | `jobs` | deals out files, many small ones together |
//! | `read` | reads a job, batch by batch, and a long plain file in pieces |
//! | `screen`, `candidates` | leave of a batch what a rule could match and the filter wants |
//! | `cut` | tells where the records of a document begin and end |
//! | `detect` | runs the detector over that, and tells the observer |
//! | `file_tally` | sums up what a file held, for what is said of one without a record |
//! | `workers` | the threads, and what keeps them in order |
//! | `budget` | bounds what is read and not examined yet, in bytes |

mod bucket_path;
mod budget;
mod candidates;
mod cut;
mod detect;
mod file_tally;
mod filter;
mod jobs;
#[cfg(test)]
mod long_tests;
#[cfg(test)]
mod pieces_tests;
mod read;
mod record;
mod screen;
mod screened;
mod tally;
#[cfg(test)]
mod tests;
mod workers;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;
use std::num::NonZeroUsize;

use orgwatch::finding::Finding;

use crate::input::{self, Limits, PathError, ReadProgress, Source};
use crate::plugin::{self, Counts, Detector};

pub use file_tally::FileTally;
pub use filter::{Filter, FilteredOut};
pub use tally::Tally;

use detect::Detection;
use jobs::Jobs;

/// Takes what a scan comes upon, in the order of the input.
///
/// An error ends the scan: what is found can no longer be delivered.
pub trait Observer {
    /// A finding that was not given before.
    fn finding(&mut self, found: Found<'_>) -> io::Result<()>;

    /// All that a batch of events gave was told. Batches are small; there is nothing that must be done.
    fn batch_end(&mut self) {}

    /// Something that could not be read. Not all are told; [`Totals`] counts all.
    fn unreadable(&mut self, source: &Source, line: u64, reason: &str) -> io::Result<()>;

    /// A path, or the rest of a file, that could not be read.
    fn failed(&mut self, what: &dyn std::fmt::Display, err: &dyn StdError) -> io::Result<()>;

    /// A file that is no log at all, by its first bytes. It is not counted in [`Totals::failed`]: in a folder
    /// there may be anything.
    fn not_a_log(&mut self, source: &Source, err: &input::Error) -> io::Result<()> {
        self.failed(source, err)
    }

    /// The end of a file, with what it held.
    fn end(&mut self, source: &Source, held: &FileTally) -> io::Result<()>;
}

/// A finding, and the event that gave it.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The finding.
    pub finding: Finding,
    /// The file that the event is in.
    pub source: &'a Source,
    /// The line of that file on which the event, or the document that holds it, starts; from 1.
    pub line: u64,
    /// The event as it was read, which may hold several records.
    pub event: &'a [u8],
    /// Which of its records the finding is of, from 0.
    pub record: u32,
}

impl<'a> Found<'a> {
    /// The CloudTrail record as it was read, out of whatever it was wrapped in. An attacker has
    /// written part of it.
    ///
    /// Parses the event: that takes time, and several times its length of memory.
    pub fn raw(&self) -> Cow<'a, [u8]> {
        record::extract(self.event, self.record)
    }
}

/// A scan that was given up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The detector cannot go on.
    #[error("the scan was given up at {place}")]
    Detector {
        /// The file.
        place: String,
        /// Why.
        #[source]
        source: plugin::Error,
    },

    /// No thread can be had.
    #[error("cannot start a thread: use fewer (--threads)")]
    Thread(#[source] io::Error),

    /// The observer did not take what was found.
    #[error("cannot write")]
    Observer(#[from] io::Error),
}

/// How a scan goes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Limits of reading.
    pub limits: Limits,
    /// How many threads read and screen. With one, it is the calling thread.
    pub threads: NonZeroUsize,
    /// Which events are examined.
    pub filter: Filter,
    /// The progress of reading, which a progress bar can show.
    pub progress: ReadProgress,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            limits: Limits::default(),
            threads: NonZeroUsize::MIN,
            filter: Filter::default(),
            progress: ReadProgress::default(),
        }
    }
}

/// Totals of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files opened.
    pub files: u64,
    /// Paths and files that could not be read, or not to their end.
    pub failed: u64,
    /// Bytes, decompressed, that were examined.
    pub bytes: u64,
    /// Events by outcome. `events` counts those that were filtered out, too.
    pub counts: Counts,
    /// Findings that were given before.
    pub repeats: u64,
    /// Events that a rule could match and [`Options::filter`] does not want. The time of other events
    /// is not checked: they are never parsed.
    pub filtered_out: FilteredOut,
    /// Files that were not opened, since by their folders they have nothing that is wanted.
    pub files_filtered_out: FilteredOut,
    /// Events by account, as far as the folders of a bucket name it.
    pub folders: Tally,
    /// Events that a rule could match, by the `recipientAccountId` that they name.
    pub accounts: Tally,
    /// Events that a rule could match, by their `eventSource`.
    pub sources: Tally,
}

/// Examines everything that the paths lead to.
///
/// The observer is told the same in the same order whatever the number of threads. Memory is
/// bounded whatever the number of files and whatever one of them holds.
pub fn scan(
    found: impl Iterator<Item = Result<Source, PathError>> + Send + 'static,
    options: &Options,
    detector: &mut Detector,
    observer: &mut dyn Observer,
) -> Result<Totals, Error> {
    let jobs = Jobs::new(Box::new(found), options.filter.clone());
    let mut detection = Detection::new(detector, observer);
    let filtered_out = match options.threads.get() {
        1 => workers::single_threaded(jobs, options, &mut detection)?,
        _ => workers::parallel(jobs, options, &mut detection)?,
    };
    detection.totals.files_filtered_out = filtered_out;
    Ok(detection.totals)
}
