//! The bytes of a file, decompressed.

use std::fs::File;
use std::io::{self, Read};
use std::mem;

use super::allowance::Allowance;
use super::kind::Kind;
#[cfg(feature = "scan")]
use super::kind::PARQUET;
use super::layers::{FILE_WINDOW_LOG, Layers};
use super::members::{Failure, Form, LayerLimits};
use super::peek::{Peek, Raw};
use super::{Error, Limits, ReadProgress, Source};

/// Reads a file, decompressed where its first bytes say that it is compressed.
pub(super) struct Bytes {
    input: Input,
    progress: ReadProgress,
    /// Whether more may come later, so that what is there should not wait for it.
    live: bool,
    allowance: Allowance,
    /// What it is, if it is no log.
    kind: Option<Kind>,
    /// Whether there are events in it all the same.
    go_on: bool,
    /// The file, if it is one on the disk.
    #[cfg_attr(not(feature = "scan"), allow(dead_code, reason = "only a scan needs it"))]
    file: Option<File>,
    /// How many bytes of a plain file were given, or left out.
    given: u64,
}

enum Input {
    /// Nothing is known of it yet.
    New(Raw),
    Plain(Raw),
    Compressed(Box<Layers>),
    #[cfg(feature = "scan")]
    Rows(Box<super::parquet::Rows>),
}

/// A file of rows is not read line by line: it is taken into memory, where it is not one on the disk,
/// if it is not longer than this.
#[cfg(feature = "scan")]
const MOST_ROWS: u64 = 512 << 20;

impl Bytes {
    pub(super) fn open(
        source: &Source,
        limits: &Limits,
        progress: &ReadProgress,
    ) -> Result<Self, Error> {
        let (input, live, file): (Raw, _, _) = match source {
            Source::Stdin => (Box::new(io::stdin()), true, None),
            Source::File(path) => {
                let file = File::open(path).map_err(Error::Open)?;
                let live = !file.metadata().map_err(Error::Open)?.is_file();
                let again = if live { None } else { file.try_clone().ok() };
                (Box::new(file), live, again)
            }
        };
        progress.add_file();
        Ok(Bytes { file, ..Self::new(input, live, limits, progress) })
    }

    pub(super) fn new(input: Raw, live: bool, limits: &Limits, progress: &ReadProgress) -> Self {
        let allowance = Allowance::new(limits.max_decompressed, false);
        let (input, progress) = (Input::New(input), progress.clone());
        Bytes { input, progress, live, allowance, kind: None, go_on: false, file: None, given: 0 }
    }

    /// A file that is known to be plain, from where it is read next.
    #[cfg(feature = "scan")]
    pub(super) fn plain(file: File, limits: &Limits, progress: &ReadProgress) -> Self {
        let bytes = Self::new(Box::new(io::empty()), false, limits, progress);
        Bytes { input: Input::Plain(Box::new(file)), ..bytes }
    }

    /// A plain file on the disk, and how far it has been read.
    #[cfg(feature = "scan")]
    pub(super) fn plain_file(&self) -> Option<(&File, u64)> {
        let is_plain = matches!(self.input, Input::Plain(_)) && self.kind.is_none();
        self.file.as_ref().filter(|_| is_plain).map(|file| (file, self.given))
    }

    #[cfg(feature = "scan")]
    pub(super) fn limits(&self) -> Limits {
        Limits { max_decompressed: self.allowance.limit() }
    }

    #[cfg(feature = "scan")]
    pub(super) fn progress(&self) -> &ReadProgress {
        &self.progress
    }

    /// Appends up to about `want` bytes, and says whether there may be more. What was read before
    /// an error is appended, too.
    pub(super) fn fill(&mut self, to: &mut Vec<u8>, want: usize) -> Result<bool, Error> {
        if let Input::New(_) = self.input {
            self.begin()?;
        }
        let more = self.read(to, want)?;
        match self.kind.take_if(|_| !more) {
            Some(kind) if self.go_on => Err(kind.into()),
            _ => Ok(more),
        }
    }

    fn read(&mut self, to: &mut Vec<u8>, want: usize) -> Result<bool, Error> {
        let Bytes { input, progress, live, allowance, given, .. } = self;
        let before = to.len();
        match input {
            Input::New(_) => Ok(false),
            #[cfg(feature = "scan")]
            Input::Rows(rows) => rows.fill(to, want, allowance),
            Input::Plain(raw) => {
                let more = read(raw, to, want, *live);
                progress.add_bytes(to.len() - before);
                *given += (to.len() - before) as u64;
                more.map_err(Error::Read)
            }
            Input::Compressed(layers) => {
                // One byte more than allowed tells what is at the limit from what is above it.
                let most =
                    usize::try_from(allowance.left().saturating_add(1)).unwrap_or(usize::MAX);
                let more = read(layers, to, want.min(most), *live);
                if *live && layers.begun() {
                    // A stream may have no end. Each of its members has the limit of a file.
                    *allowance = allowance.renewed();
                }
                let got = (to.len() - before) as u64;
                if got > allowance.left() {
                    to.truncate(to.len() - (got - allowance.left()) as usize);
                    return Err(allowance.exceeded());
                }
                allowance.spend(got);
                more.map_err(|err| allowance.error(err))
            }
        }
    }

    /// Finds out by its first bytes how it is to be read.
    fn begin(&mut self) -> Result<(), Error> {
        let Input::New(raw) = mem::replace(&mut self.input, Input::New(Box::new(io::empty())))
        else {
            return Ok(());
        };
        let mut raw = Peek::new(raw);
        if Form::next(&mut raw).map_err(Error::Read)?.is_none() {
            let skipped = self.inspect(&mut raw).map_err(Error::Read)?;
            self.input = Input::Plain(raw.into_inner());
            self.given = skipped as u64;
            self.progress.add_bytes(skipped);
        } else {
            self.allowance = self.allowance.renewed();
            let (bytes, live, window_log) = (self.allowance.limit(), self.live, FILE_WINDOW_LOG);
            let limits = LayerLimits { bytes, live, window_log };
            let raw = Metered { raw: raw.into_inner(), progress: self.progress.clone() };
            let mut layers = Layers::new(Peek::new(Box::new(raw)), limits);
            let inspected = layers.settle().and_then(|inside| self.inspect(inside));
            let skipped = inspected.map_err(|err| self.allowance.error(err))?;
            self.allowance.spend(skipped as u64);
            self.input = Input::Compressed(Box::new(layers));
        }
        #[cfg(feature = "scan")]
        if self.kind == Some(PARQUET) {
            self.kind = None;
            return self.rows();
        }
        match self.kind {
            // Nothing is in it.
            Some(kind) if !self.go_on => Err(kind.into()),
            _ => Ok(()),
        }
    }

    /// Goes on with the rows of a Parquet file.
    #[cfg(feature = "scan")]
    fn rows(&mut self) -> Result<(), Error> {
        use super::parquet::{ChunkSource, Rows};
        let compressed = matches!(self.input, Input::Compressed(_));
        let source = match self.file.take().filter(|_| !compressed) {
            #[cfg(unix)]
            Some(file) => ChunkSource::File(file),
            _ => {
                let mut whole = Vec::new();
                let most = MOST_ROWS as usize;
                while self.read(&mut whole, 1 << 20)? {
                    if whole.len() > most {
                        let hint = "longer than 512 MiB: decompress it and name the file";
                        return Err(Error::NotALog { kind: "a Parquet file", hint });
                    }
                }
                ChunkSource::Memory(whole.into())
            }
        };
        // What is in memory was counted when it came.
        let counted = matches!(source, ChunkSource::Memory(_));
        let progress = if counted { ReadProgress::default() } else { self.progress.clone() };
        self.allowance = self.allowance.renewed();
        self.input = Input::Rows(Box::new(Rows::open(source, &progress)?));
        Ok(())
    }

    /// Looks at the first bytes of what is inside, and leaves out what is in front of the first event
    /// among bytes of no known kind: how much.
    fn inspect(&mut self, inside: &mut Peek) -> io::Result<usize> {
        self.kind = Kind::next(inside, self.live)?;
        let Some(kind) = self.kind else { return Ok(0) };
        let (found, skipped) = kind.skip(inside, self.live)?;
        self.go_on = found;
        Ok(skipped)
    }

    /// Whether what is there should be examined without waiting for more.
    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// How much more may be decompressed: what is compressed inside an event counts, too.
    pub(super) fn allowance(&mut self) -> &mut Allowance {
        &mut self.allowance
    }
}

/// Tells how much is read of what is compressed.
struct Metered {
    raw: Raw,
    progress: ReadProgress,
}

impl Read for Metered {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(to).map_err(|err| match err.kind() {
            io::ErrorKind::Interrupted => err,
            _ => Failure::Read(err).into(),
        })?;
        self.progress.add_bytes(read);
        Ok(read)
    }
}

fn read(input: &mut impl Read, to: &mut Vec<u8>, want: usize, live: bool) -> io::Result<bool> {
    if !live {
        return Ok(input.by_ref().take(want as u64).read_to_end(to)? == want);
    }
    // One read, which gives what is there.
    let start = to.len();
    to.resize(start + want.min(64 << 10), 0);
    let got = loop {
        match input.read(&mut to[start..]) {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            got => break got,
        }
    };
    to.truncate(start + *got.as_ref().unwrap_or(&0));
    Ok(got? > 0)
}

#[cfg(test)]
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[cfg(test)]
#[path = "bytes_tests.rs"]
mod tests;
