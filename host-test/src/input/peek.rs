//! A reader whose next bytes can be looked at first.

use std::io::{self, BufRead, Cursor, Read};
use std::mem;

/// Bytes as they come.
pub(super) type Raw = Box<dyn Read + Send>;

/// Reads ahead only as far as it is asked to look.
pub(super) struct Peek {
    inner: Raw,
    /// Kept from one read to the next: to fill it with zeros takes time.
    buffer: Vec<u8>,
    /// What is ahead in it.
    at: usize,
    end: usize,
    /// An error that came behind what is ahead.
    failed: Option<io::Error>,
}

/// As much is read at once.
const PIECE: usize = 32 << 10;

impl Peek {
    pub(super) fn new(inner: Raw) -> Self {
        Peek { inner, buffer: Vec::new(), at: 0, end: 0, failed: None }
    }

    /// The next `most` bytes, without taking them; fewer only at the end and before an error.
    pub(super) fn peek(&mut self, most: usize) -> io::Result<&[u8]> {
        while self.ahead().len() < most {
            match self.more(most) {
                Ok(0) => break,
                Ok(_) => {}
                Err(err) if !self.ahead().is_empty() => {
                    self.failed = Some(err);
                    break;
                }
                Err(err) => return Err(err),
            }
        }
        let ahead = self.ahead();
        Ok(&ahead[..most.min(ahead.len())])
    }

    /// All that was read and not taken.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.buffer[self.at..self.end]
    }

    /// Reads once, as much as there is room for behind what is ahead.
    fn more(&mut self, most: usize) -> io::Result<usize> {
        if let Some(err) = self.failed.take() {
            return Err(err);
        }
        self.buffer.copy_within(self.at..self.end, 0);
        self.end -= mem::take(&mut self.at);
        let room = most.max(self.end + PIECE);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        let read = loop {
            match self.inner.read(&mut self.buffer[self.end..room]) {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.end += *read.as_ref().unwrap_or(&0);
        read
    }

    /// What there is still to read. An error that came early is to come again.
    pub(super) fn into_inner(mut self) -> Raw {
        if self.ahead().is_empty() {
            return self.inner;
        }
        self.buffer.truncate(self.end);
        self.buffer.drain(..self.at);
        Box::new(Cursor::new(self.buffer).chain(self.inner))
    }
}

impl BufRead for Peek {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)?;
        Ok(self.ahead())
    }

    fn consume(&mut self, bytes: usize) {
        self.at = self.end.min(self.at + bytes);
    }
}

impl Read for Peek {
    /// Gives what is ahead, or what one read gives.
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let ahead = self.ahead();
        if ahead.is_empty() {
            return match self.failed.take() {
                Some(err) => Err(err),
                None => self.inner.read(to),
            };
        }
        let read = ahead.len().min(to.len());
        to[..read].copy_from_slice(&ahead[..read]);
        self.at += read;
        Ok(read)
    }
}
