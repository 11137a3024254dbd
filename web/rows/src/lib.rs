//! Parquet files as lines of JSON, for the page: loaded when such a file is there.
//!
//! The reader is the host's, with its bounds against hostile files, compiled here without the rest of it.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use wasm_bindgen::prelude::*;

// The modules of the host have parts that only the rest of it uses.
#[allow(dead_code, missing_docs, unused_imports)]
mod input;
#[allow(dead_code)]
#[path = "../../../host-test/src/native.rs"]
mod native;

use input::Lines;

// The worker defines it, beside the module: wasm-bindgen looks it up among the globals of the worker.
#[wasm_bindgen]
extern "C" {
    /// Reads into `to` from this place of the file that has rows, and says how many bytes; negative if it cannot
    /// be read.
    #[wasm_bindgen(js_name = orgwatchReadRows)]
    fn read_file(offset: f64, to: &mut [u8]) -> i32;
}

/// Fills `to` from this place of the file.
fn read_at(offset: u64, to: &mut [u8]) -> io::Result<()> {
    let mut at = 0;
    while at < to.len() {
        let read = read_file((offset + at as u64) as f64, &mut to[at..]);
        match usize::try_from(read) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => at += read,
            Err(_) => {
                return Err(io::Error::other(
                    "the browser cannot read it: was it moved or changed?",
                ));
            }
        }
    }
    Ok(())
}

/// The whole file, from its start: for one that is compressed again as a whole.
struct Whole {
    at: u64,
    length: u64,
}

impl Read for Whole {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = to.len().min(usize::try_from(self.length - self.at).unwrap_or(usize::MAX));
        read_at(self.at, &mut to[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

/// The rows of one file.
#[wasm_bindgen]
pub struct Rows(Mutex<Lines>);

#[wasm_bindgen]
impl Rows {
    /// Opens a file of so many bytes. Throws the reason why it cannot be read.
    #[wasm_bindgen(constructor)]
    pub fn new(length: f64) -> Result<Rows, JsValue> {
        let length = length as u64;
        let mut magic = [0; 4];
        let is_plain = length >= 4 && read_at(0, &mut magic).is_ok() && &magic == b"PAR1";
        let lines = if is_plain {
            Lines::of_rows(length, Box::new(read_at))
        } else {
            Ok(Lines::packed(Box::new(Whole { at: 0, length })))
        };
        lines.map(|lines| Rows(Mutex::new(lines))).map_err(|reason| JsValue::from_str(&reason))
    }

    /// The next lines; none at the end. Throws the reason why it cannot be read any further; all lines before that
    /// were given.
    pub fn more(&mut self) -> Result<Vec<u8>, JsValue> {
        let lines = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        lines.more().map_err(|reason| JsValue::from_str(&reason))
    }
}
