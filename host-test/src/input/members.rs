//! The members of what is compressed, one after another.

use std::io::{self, BufRead as _, Read};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use flate2::bufread::GzDecoder;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation as _, OutBuffer};

use super::peek::Peek;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Gzip,
    Zstd,
}

impl Form {
    /// By its first bytes.
    pub(crate) fn of(head: &[u8]) -> Option<Form> {
        match head {
            [0x1f, 0x8b, ..] => Some(Form::Gzip),
            // A frame, or one to be skipped.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Form::Zstd),
            _ => None,
        }
    }

    /// That of what comes next. No more is waited for than tells it.
    pub(super) fn next(input: &mut Peek) -> io::Result<Option<Form>> {
        for most in 1..=4 {
            let head = input.peek(most)?;
            let undecided = matches!(
                head,
                [0x1f | 0x28 | 0x50..=0x5f]
                    | [0x28, 0xb5]
                    | [0x28, 0xb5, 0x2f]
                    | [0x50..=0x5f, 0x2a]
                    | [0x50..=0x5f, 0x2a, 0x4d]
            );
            if head.len() < most || !undecided {
                return Ok(Form::of(head));
            }
        }
        Ok(None)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Form::Gzip => "gzip",
            Form::Zstd => "zstd",
        }
    }
}

/// Limits of one layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerLimits {
    /// The most bytes that it may decompress to: of each member, if more may come later, as a stream
    /// may have no end; otherwise of all.
    pub(super) bytes: u64,
    pub(super) live: bool,
    /// The logarithm of the largest window of zstd: memory that the sender chooses.
    pub(super) window_log: u32,
}

/// Why nothing more can be had; the source of an [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot be read further")]
    Read(#[source] io::Error),
    #[error("{} is corrupt or cut off", form.name())]
    Damaged { form: Form, source: io::Error },
    #[error("too long")]
    TooLong,
    #[error("compressed too many times")]
    TooDeep,
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        io::Error::other(failure)
    }
}

/// Decompresses all members: logs are often put together from several, and of several forms. Zeros
/// behind a member are padding, as for gzip(1).
pub(super) struct Members {
    state: State,
    /// That of the last member.
    form: Form,
    limits: LayerLimits,
    /// How much more this layer may give.
    left: u64,
    /// Set when a member begins.
    begun: Arc<AtomicBool>,
    zstd: Option<Decoder<'static>>,
}

enum State {
    Gzip(Box<GzDecoder<Peek>>),
    /// With whether the decoder may hold bytes for which there was no room.
    Zstd(Peek, bool),
    Between(Peek),
    TooLong,
    Failed,
}

impl Members {
    pub(super) fn new(
        input: Peek,
        form: Form,
        limits: LayerLimits,
        begun: Arc<AtomicBool>,
    ) -> Self {
        let state = State::Between(input);
        Members { state, form, limits, left: limits.bytes, begun, zstd: None }
    }

    /// Gives bytes of one member only.
    fn member(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            match mem::replace(&mut self.state, State::Failed) {
                State::Gzip(mut member) => match member.read(to) {
                    Ok(0) => self.state = State::Between(member.into_inner()),
                    Err(err) if err.kind() != io::ErrorKind::Interrupted => return Err(err),
                    read => {
                        self.state = State::Gzip(member);
                        return read;
                    }
                },
                State::Zstd(mut input, held) => {
                    let (read, ended) = frame(self.zstd.as_mut(), &mut input, held, to)?;
                    let held = read == to.len();
                    self.state =
                        if ended { State::Between(input) } else { State::Zstd(input, held) };
                    if read > 0 {
                        return Ok(read);
                    }
                }
                State::Between(mut input) => {
                    if skip_zeros(&mut input)? {
                        self.state = State::Between(input);
                        return Ok(0);
                    }
                    self.begin(input)?;
                }
                State::TooLong => return Err(Failure::TooLong.into()),
                State::Failed => return Ok(0),
            }
        }
    }

    fn begin(&mut self, mut input: Peek) -> io::Result<()> {
        let Some(form) = Form::next(&mut input)? else {
            let text = "something else is behind what is compressed";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        };
        self.form = form;
        self.state = match form {
            Form::Gzip => State::Gzip(Box::new(GzDecoder::new(input))),
            Form::Zstd => {
                if let Some(decoder) = &mut self.zstd {
                    decoder.reinit()?;
                } else {
                    let mut decoder = Decoder::new()?;
                    decoder.set_parameter(DParameter::WindowLogMax(self.limits.window_log))?;
                    self.zstd = Some(decoder);
                }
                State::Zstd(input, false)
            }
        };
        self.begun.store(true, Relaxed);
        if self.limits.live {
            self.left = self.limits.bytes;
        }
        Ok(())
    }
}

impl Read for Members {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        let read = self.member(to).map_err(|err| {
            let ours = err.get_ref().is_some_and(|err| err.is::<Failure>());
            if ours || err.kind() == io::ErrorKind::Interrupted {
                return err;
            }
            Failure::Damaged { form: self.form, source: err }.into()
        })?;
        let allowed = usize::try_from(self.left).unwrap_or(usize::MAX).min(read);
        self.left -= allowed as u64;
        if allowed < read {
            self.state = State::TooLong;
            if allowed == 0 {
                return Err(Failure::TooLong.into());
            }
        }
        Ok(allowed)
    }
}

/// Decompresses some of a zstd frame: how many bytes, and whether the frame is at its end.
fn frame(
    decoder: Option<&mut Decoder<'static>>,
    input: &mut Peek,
    mut held: bool,
    to: &mut [u8],
) -> io::Result<(usize, bool)> {
    let Some(decoder) = decoder else { return Ok((0, true)) };
    loop {
        // What the decoder holds must not wait for more.
        let bytes = if held { &[][..] } else { input.fill_buf()? };
        let mut from = InBuffer::around(bytes);
        let mut out = OutBuffer::around(&mut *to);
        let left = decoder.run(&mut from, &mut out)?;
        let (read, written) = (from.pos(), out.pos());
        let at_end = bytes.is_empty() && !held;
        input.consume(read);
        if left == 0 || written > 0 {
            return Ok((written, left == 0));
        }
        if at_end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        held = false;
    }
}

/// Skips zeros. Whether nothing is behind them.
fn skip_zeros(input: &mut Peek) -> io::Result<bool> {
    loop {
        let bytes = input.fill_buf()?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let all = bytes.len();
        input.consume(zeros);
        if all == 0 || zeros < all {
            return Ok(all == 0);
        }
    }
}
