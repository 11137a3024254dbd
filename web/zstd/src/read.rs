//! A reader of frames that are in memory.

use std::io::{self, Read};

use crate::buffer::{InBuffer, OutBuffer};
use crate::decoder::{DParameter, Decoder as Frames, Operation as _};

/// Reads what is in frames, one after another.
pub struct Decoder<'a> {
    frames: Frames<'static>,
    bytes: &'a [u8],
    between: bool,
}

impl<'a> Decoder<'a> {
    /// Reads these.
    pub fn with_buffer(bytes: &'a [u8]) -> io::Result<Self> {
        Ok(Decoder { frames: Frames::new()?, bytes, between: true })
    }

    /// Sets the logarithm of the largest window.
    pub fn window_log_max(&mut self, log: u32) -> io::Result<()> {
        self.frames.set_parameter(DParameter::WindowLogMax(log))
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let ended = |this: &Self| this.between && this.bytes.is_empty();
        while !to.is_empty() && !ended(self) {
            let mut from = InBuffer::around(self.bytes);
            let mut out = OutBuffer::around(&mut *to);
            let left = self.frames.run(&mut from, &mut out)?;
            let (read, written) = (from.pos(), out.pos());
            self.bytes = &self.bytes[read..];
            self.between = left == 0;
            if written > 0 {
                return Ok(written);
            }
            if read == 0 && left > 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}
