//! A file that the browser was given, read as it is needed.

use std::io::{self, Read};

use wasm_bindgen::prelude::*;

// The worker defines it, beside the module: wasm-bindgen looks it up among the globals of the worker.
#[wasm_bindgen]
extern "C" {
    /// Reads into `to` from this place of the file that was begun, and says how many bytes; negative if it
    /// cannot be read.
    #[wasm_bindgen(js_name = orgwatchReadFile)]
    fn read_file(offset: f64, to: &mut [u8]) -> i32;
}

/// So much is asked of the browser at once: each request takes a while, whatever it is for.
const PIECE: usize = 1 << 20;

/// The file that the worker reads.
#[derive(Debug)]
pub(super) struct BrowserFile {
    offset: f64,
    length: f64,
    piece: Vec<u8>,
    at: usize,
}

impl BrowserFile {
    pub(super) fn new(length: f64) -> Self {
        BrowserFile { offset: 0.0, length, piece: Vec::new(), at: 0 }
    }
}

impl Read for BrowserFile {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            let left = (self.length - self.offset).max(0.0);
            self.piece.resize(PIECE.min(left as usize), 0);
            self.at = 0;
            if !self.piece.is_empty() {
                let read = read_file(self.offset, &mut self.piece);
                let Ok(read) = usize::try_from(read) else {
                    self.piece.clear();
                    return Err(io::Error::other(
                        "the browser cannot read it: was it moved or changed?",
                    ));
                };
                self.piece.truncate(read);
                self.offset += read as f64;
            }
        }
        let count = to.len().min(self.piece.len() - self.at);
        to[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
