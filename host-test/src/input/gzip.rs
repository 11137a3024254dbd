//! The members of a gzip file, one after another.

use std::io::{self, BufRead, Read};
use std::mem;

use flate2::bufread::GzDecoder;

/// Decompresses all members: logs are often put together from several. Zeros behind a member are
/// padding, as for gzip(1).
pub(super) struct Members<R> {
    state: State<R>,
    /// Whether a member has begun since this was asked last.
    begun: bool,
}

enum State<R> {
    In(Box<GzDecoder<R>>),
    Between(R),
    Failed,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(input: R) -> Self {
        Members { state: State::Between(input), begun: false }
    }

    /// Whether a member has begun since this was asked last.
    pub(super) fn begun(&mut self) -> bool {
        mem::take(&mut self.begun)
    }
}

impl<R: BufRead> Read for Members<R> {
    /// Gives bytes of one member only.
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        loop {
            match mem::replace(&mut self.state, State::Failed) {
                State::In(mut member) => match member.read(to) {
                    Ok(0) => self.state = State::Between(member.into_inner()),
                    Err(err) if err.kind() != io::ErrorKind::Interrupted => return Err(err),
                    read => {
                        self.state = State::In(member);
                        return read;
                    }
                },
                State::Between(mut input) => {
                    let ended = skip_zeros(&mut input)?;
                    if ended {
                        self.state = State::Between(input);
                        return Ok(0);
                    }
                    self.begun = true;
                    self.state = State::In(Box::new(GzDecoder::new(input)));
                }
                State::Failed => return Ok(0),
            }
        }
    }
}

/// Skips zeros. Whether nothing is behind them.
fn skip_zeros(input: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = match input.fill_buf() {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            bytes => bytes?,
        };
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let all = bytes.len();
        input.consume(zeros);
        if all == 0 || zeros < all {
            return Ok(all == 0);
        }
    }
}
