//! What a file is, by its first line that is not blank.

use memchr::{memchr, memchr_iter, memmem};
use serde::de::IgnoredAny;

use super::super::batch::Lines;
use super::super::document::MAX_DOCUMENT;
use super::super::{BATCH, BYTE_ORDER_MARK, Batch};
use super::{Form, PIECE, Reader, Until};

impl Reader {
    /// Reads the first line into the batch, and tells what it is the first of.
    pub(super) fn recognise(&mut self, batch: &mut Batch) -> Form {
        let start = batch.bytes.len();
        let mut first = true;
        loop {
            self.fill(&mut batch.bytes, BATCH.saturating_sub(start).max(PIECE));
            let bytes = &mut batch.bytes[start..];
            if first && (bytes.len() >= BYTE_ORDER_MARK.len() || !self.more) {
                first = false;
                if bytes.starts_with(BYTE_ORDER_MARK) {
                    bytes[..BYTE_ORDER_MARK.len()].fill(b' ');
                }
            }
            let is_blank = |byte: &&u8| byte.is_ascii_whitespace() || **byte == 0;
            let blank = bytes.iter().take_while(is_blank).count();
            if blank == bytes.len() && self.more {
                // Looked at once: there may be gigabytes of it.
                self.line += memchr_iter(b'\n', bytes).count() as u64;
                batch.bytes.truncate(start);
                batch.restart(Lines::From(self.line));
                continue;
            }
            let from = &bytes[blank..];
            let line = match memchr(b'\n', from) {
                Some(end) => &from[..end],
                None if !self.more || from.len() > MAX_DOCUMENT => from,
                None => continue,
            };
            let line = line.trim_ascii_end();
            let is_line = !matches!(line.first(), Some(b'{' | b'[')) || is_object(line);
            if from.is_empty() || line.len() <= MAX_DOCUMENT && is_line {
                return Form::Lines;
            }
            self.rest = batch.bytes.split_off(start);
            return Form::text(Until::End);
        }
    }
}

/// Whether a line is one object, not several without anything between them, as Firehose writes.
fn is_object(line: &[u8]) -> bool {
    if !line.starts_with(b"{") || !line.ends_with(b"}") {
        return false;
    }
    // An object of a bucket. If there is another behind it after all, that is found out when a rule
    // may match something in them.
    if line.starts_with(b"{\"Records\":[") {
        return true;
    }
    // Looking into the line is rarely needed: what would part two objects is rarely in it.
    let mut parts = memmem::find_iter(line, b"}{").chain(memmem::find_iter(line, b"} "));
    if parts.next().is_none() {
        return true;
    }
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<IgnoredAny>();
    let first = values.next();
    !matches!(first, Some(Ok(_))) || values.byte_offset() == line.len()
}
