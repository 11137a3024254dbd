//! Bytes that are compressed, in whatever forms, one in another.

use std::io::{self, Read};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::members::{Failure, Form, LayerLimits, Members};
use super::peek::Peek;

/// So often something may be compressed. Nobody does it more than twice, and each layer takes memory.
pub(super) const MOST_LAYERS: u32 = 4;

/// The largest window of zstd, 128 MiB: what zstd(1) takes without being told, and so what all its
/// levels write.
pub(super) const FILE_WINDOW_LOG: u32 = 27;

/// The largest window of what is sent or inside something else, 8 MiB: what HTTP allows. All levels
/// but zstd's `--ultra` ones write it.
pub(super) const SMALL_WINDOW_LOG: u32 = 23;

/// Decompresses until nothing is compressed any more.
pub(super) struct Layers {
    top: Peek,
    limits: LayerLimits,
    /// How many layers were found; none is looked for any more, once the last one was.
    depth: u32,
    settled: bool,
    /// Whether a member of the innermost layer has begun since this was asked last.
    begun: Arc<AtomicBool>,
}

impl Layers {
    pub(super) fn new(input: Peek, limits: LayerLimits) -> Self {
        Layers { top: input, limits, depth: 0, settled: false, begun: Arc::default() }
    }

    /// Looks into as many layers as there are, and at the first bytes of what is inside.
    pub(super) fn settle(&mut self) -> io::Result<&mut Peek> {
        while !self.settled {
            match Form::next(&mut self.top)? {
                Some(form) => self.push(form)?,
                None => self.settled = true,
            }
        }
        Ok(&mut self.top)
    }

    /// Decompresses what is there, as it is compressed in this form.
    pub(super) fn push(&mut self, form: Form) -> io::Result<()> {
        if self.depth == MOST_LAYERS {
            self.settled = true;
            self.top = Peek::new(Box::new(io::empty()));
            return Err(Failure::TooDeep.into());
        }
        let mut limits = self.limits;
        if self.depth > 0 {
            limits.window_log = limits.window_log.min(SMALL_WINDOW_LOG);
        }
        self.depth += 1;
        self.begun = Arc::default();
        let below = mem::replace(&mut self.top, Peek::new(Box::new(io::empty())));
        let members = Members::new(below, form, limits, Arc::clone(&self.begun));
        self.top = Peek::new(Box::new(members));
        Ok(())
    }

    pub(super) fn begun(&self) -> bool {
        self.begun.swap(false, Relaxed)
    }
}

impl Read for Layers {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.settle()?.read(to)
    }
}

/// Why bytes in memory cannot be decompressed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFailure {
    /// It is longer than may be.
    #[error("longer than may be")]
    TooLong,
    /// It is damaged, or not what it is said to be.
    #[error(transparent)]
    Damaged(io::Error),
}

/// Decompresses all of what is in memory, of which no layer may have more than `most` bytes: first as it is said
/// to be compressed, and then as its bytes say. What is not compressed is not copied.
pub(crate) fn decompress_all(
    body: bytes::Bytes,
    said: Option<Form>,
    most: usize,
) -> Result<bytes::Bytes, BodyFailure> {
    if said.is_none() && Form::of(&body).is_none() {
        return Ok(body);
    }
    let limits = LayerLimits { bytes: most as u64, live: false, window_log: SMALL_WINDOW_LOG };
    let is = Form::of(&body);
    if let Some(said) = said
        && is != Some(said)
    {
        let text = format!("not {}", said.name());
        return Err(BodyFailure::Damaged(io::Error::new(io::ErrorKind::InvalidData, text)));
    }
    let mut whole = Vec::new();
    let input = Peek::new(Box::new(io::Cursor::new(body)));
    match Layers::new(input, limits).read_to_end(&mut whole) {
        Ok(_) => Ok(whole.into()),
        Err(err) => Err(match err.downcast::<Failure>() {
            Ok(Failure::TooLong) => BodyFailure::TooLong,
            Ok(Failure::Read(err) | Failure::Damaged { source: err, .. }) => {
                BodyFailure::Damaged(err)
            }
            Ok(failure) => BodyFailure::Damaged(failure.into()),
            Err(err) => BodyFailure::Damaged(err),
        }),
    }
}
