//! A decoder of one frame after another, fed with whatever there is.

use std::io::{self, Read as _};
use std::marker::PhantomData;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::buffer::{InBuffer, OutBuffer};

/// A parameter of a decoder.
#[derive(Debug, Clone, Copy)]
pub enum DParameter {
    /// The logarithm of the largest window.
    WindowLogMax(u32),
}

/// A step of compression or decompression.
pub trait Operation {
    /// Takes some of the input and writes some of the output. 0, if a frame is at its end and all of it was
    /// written; otherwise more input, or more room, is wanted.
    fn run(&mut self, input: &mut InBuffer<'_>, output: &mut OutBuffer<'_>) -> io::Result<usize>;

    /// Makes it ready for another frame.
    fn reinit(&mut self) -> io::Result<()>;
}

/// A decoder of frames.
pub struct Decoder<'a> {
    frame: FrameDecoder,
    stage: Stage,
    /// What was taken of the input and is not enough yet.
    pending: Vec<u8>,
    most_window: u64,
    has_checksum: bool,
    of: PhantomData<&'a ()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    /// A frame without content, of which so many bytes are left.
    Skipped(usize),
    Block,
    Ended,
}

const MAGIC: u32 = 0xfd2f_b528;

impl Decoder<'_> {
    /// One that was told nothing.
    pub fn new() -> io::Result<Self> {
        Ok(Decoder {
            frame: FrameDecoder::new(),
            stage: Stage::Header,
            pending: Vec::new(),
            most_window: 1 << 27,
            has_checksum: false,
            of: PhantomData,
        })
    }

    /// Sets a parameter.
    pub fn set_parameter(&mut self, parameter: DParameter) -> io::Result<()> {
        let DParameter::WindowLogMax(log) = parameter;
        self.most_window = 1_u64.checked_shl(log).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Reads the header of a frame; whether all of it is there.
    fn header(&mut self, input: &mut InBuffer<'_>) -> io::Result<bool> {
        if !input.fill(&mut self.pending, 8) {
            return Ok(false);
        }
        let word = |at: usize| {
            let bytes = self.pending.get(at..at + 4).and_then(|four| four.try_into().ok());
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        if word(0) & 0xffff_fff0 == 0x184d_2a50 {
            self.stage = Stage::Skipped(word(4) as usize);
            self.pending.clear();
            return Ok(true);
        }
        if word(0) != MAGIC {
            return Err(damaged("this is no frame"));
        }
        // As section 3.1.1.1 of RFC 8878 has it.
        let descriptor = self.pending[4];
        let is_single = descriptor & 0x20 != 0;
        let window = usize::from(!is_single);
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let size = match descriptor >> 6 {
            0 => usize::from(is_single),
            other => 1 << other,
        };
        let length = 5 + window + dictionary + size;
        if !input.fill(&mut self.pending, length) {
            return Ok(false);
        }
        let declared = if is_single {
            let mut bytes = [0; 8];
            bytes[..size].copy_from_slice(&self.pending[length - size..length]);
            u64::from_le_bytes(bytes) + if size == 2 { 256 } else { 0 }
        } else {
            let byte = self.pending[5];
            let base = 1_u64 << (10 + (byte >> 3));
            base + base / 8 * u64::from(byte & 7)
        };
        // A frame that says its size needs no more than that, whatever the window may be.
        if declared > self.most_window {
            return Err(damaged("its window is larger than may be"));
        }
        self.has_checksum = descriptor & 4 != 0;
        let read = self.frame.reset(&self.pending[..length]);
        read.map_err(|error| damaged(error.to_string()))?;
        self.pending.drain(..length);
        self.stage = Stage::Block;
        Ok(true)
    }

    /// Decompresses one block, 128 KiB at most; whether all of it was there.
    fn block(&mut self, input: &mut InBuffer<'_>) -> io::Result<bool> {
        if !input.fill(&mut self.pending, 3) {
            return Ok(false);
        }
        let head = u32::from_le_bytes([self.pending[0], self.pending[1], self.pending[2], 0]);
        let (is_last, kind, size) = (head & 1 != 0, head >> 1 & 3, (head >> 3) as usize);
        let size = if kind == 1 { 1 } else { size };
        if size > 128 << 10 {
            return Err(damaged("a block is longer than may be"));
        }
        let length = 3 + size + if is_last && self.has_checksum { 4 } else { 0 };
        if !input.fill(&mut self.pending, length) {
            return Ok(false);
        }
        let one = BlockDecodingStrategy::UptoBlocks(1);
        let ended = self.frame.decode_blocks(&self.pending[..length], one);
        let ended = ended.map_err(|error| damaged(error.to_string()))?;
        self.pending.drain(..length);
        if ended {
            self.stage = Stage::Ended;
        }
        Ok(true)
    }

    /// Whether the checksum, if there is one, is that of what was read.
    fn verify(&self) -> io::Result<()> {
        let said = self.frame.get_checksum_from_data();
        if self.has_checksum && said != self.frame.get_calculated_checksum() {
            return Err(damaged("its checksum is another"));
        }
        Ok(())
    }
}

impl Operation for Decoder<'_> {
    fn run(&mut self, input: &mut InBuffer<'_>, output: &mut OutBuffer<'_>) -> io::Result<usize> {
        loop {
            let whole = match self.stage {
                Stage::Header => self.header(input)?,
                Stage::Skipped(left) => {
                    let left = left - input.skip(left);
                    self.stage = Stage::Skipped(left);
                    if left == 0 {
                        self.stage = Stage::Header;
                        return Ok(0);
                    }
                    false
                }
                Stage::Block | Stage::Ended => {
                    let wrote = self.frame.read(output.rest())?;
                    output.wrote(wrote);
                    let ended = self.stage == Stage::Ended && self.frame.can_collect() == 0;
                    if ended {
                        self.verify()?;
                        self.reinit()?;
                        return Ok(0);
                    }
                    if wrote > 0 {
                        return Ok(1);
                    }
                    self.block(input)?
                }
            };
            if !whole {
                return Ok(1);
            }
        }
    }

    fn reinit(&mut self) -> io::Result<()> {
        self.stage = Stage::Header;
        self.pending.clear();
        Ok(())
    }
}

fn damaged(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}
