//! One event of a document, while it is being read.

use std::collections::BTreeMap;

use memchr::{memchr, memchr2, memmem};
use serde_json::value::RawValue;

use super::cursor::Cursor;
use super::{Batch, LONG_LINE, MAX_LINE, TOO_LONG};

/// The event at the end of the batch. It keeps its line breaks there until it is complete: where it
/// breaks off, its lines are looked at again.
pub(super) struct PendingEvent {
    /// Where it starts in the file.
    pub(super) from: Cursor,
    /// The depth that it stands in.
    pub(super) depth: usize,
    /// The keys of a record that it has so far.
    pub(super) keys: RecordKeys,
    start: usize,
    too_long: bool,
}

/// The keys that make an object a CloudTrail record, whatever else is in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RecordKeys {
    name: bool,
    source: bool,
}

impl RecordKeys {
    /// Takes note of a key whose value is text.
    pub(super) fn note(&mut self, key: &[u8]) {
        self.name |= key.eq_ignore_ascii_case(b"eventName");
        self.source |= key.eq_ignore_ascii_case(b"eventSource");
    }

    /// Whether the object is a record.
    pub(super) fn are_complete(self) -> bool {
        self.name && self.source
    }
}

impl PendingEvent {
    /// Starts after what is in the batch.
    pub(super) fn new(from: Cursor, depth: usize, batch: &Batch) -> Self {
        PendingEvent {
            from,
            depth,
            keys: RecordKeys::default(),
            start: batch.bytes.len(),
            too_long: false,
        }
    }

    /// Adds the bytes that come next.
    pub(super) fn push(&mut self, bytes: &[u8], batch: &mut Batch) {
        if self.too_long {
            return;
        }
        if batch.bytes.len() - self.start + bytes.len() > MAX_LINE {
            self.too_long = true;
            batch.bytes.truncate(self.start);
        } else {
            batch.bytes.extend_from_slice(bytes);
        }
    }

    /// Makes a line of it, or reports that it is too long for one.
    pub(super) fn complete(self, batch: &mut Batch) {
        let line = self.from.line;
        if self.too_long {
            return batch.unreadable(line, TOO_LONG);
        }
        one_line(&mut batch.bytes[self.start..]);
        batch.end_event(line);
    }

    /// Where in the batch it starts.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Whether it is one value of JSON.
    pub(super) fn is_json(&self, batch: &Batch) -> bool {
        serde_json::from_slice::<&RawValue>(&batch.bytes[self.start..]).is_ok()
    }

    /// Whether this text is in it.
    pub(super) fn has(&self, text: &[u8], batch: &Batch) -> bool {
        self.too_long || memmem::find(&batch.bytes[self.start..], text).is_some()
    }

    /// Makes a line of its first, and returns the others if they are not too many; otherwise a line of all.
    pub(super) fn complete_first(self, batch: &mut Batch, most: usize) -> Vec<u8> {
        let first = memchr(b'\n', &batch.bytes[self.start..]).map(|end| self.start + end + 1);
        let others = match first {
            Some(second) if batch.bytes.len() - second <= most => batch.bytes.split_off(second),
            _ => Vec::new(),
        };
        if first == Some(batch.bytes.len()) {
            // The line break.
            batch.bytes.pop();
        }
        self.complete(batch);
        others
    }

    /// Takes it out of the batch: a document with a list, of which `at` bytes of the input are read.
    pub(super) fn set_aside(self, at: usize, batch: &mut Batch) -> PendingDocument {
        let bytes = batch.bytes.split_off(self.start);
        PendingDocument { events: batch.events(), at, bytes, event: self, is_list: false }
    }

    /// The same for a list, which may be a row of CloudTrail Lake.
    pub(super) fn set_aside_as_list(self, at: usize, batch: &mut Batch) -> PendingDocument {
        PendingDocument { is_list: true, ..self.set_aside(at, batch) }
    }

    /// The only key that it has, and whether its value is text, if it is an object of one key.
    fn only_key<'a>(&self, batch: &'a Batch) -> Option<(&'a str, bool)> {
        let object: BTreeMap<&str, &RawValue> =
            serde_json::from_slice(batch.bytes.get(self.start..)?).ok()?;
        let mut entries = object.into_iter();
        let (key, value) = entries.next()?;
        entries.next().is_none().then(|| (key, value.get().starts_with('"')))
    }

    /// Takes it out of the batch, and returns its lines but the first, if they are not too many.
    pub(super) fn take_back(self, batch: &mut Batch, most: usize) -> Vec<u8> {
        let mut lines = Vec::new();
        if let Some(end) = memchr(b'\n', &batch.bytes[self.start..]) {
            let second = self.start + end + 1;
            if batch.bytes.len() - second <= most {
                lines = batch.bytes.split_off(second);
            }
        }
        batch.bytes.truncate(self.start);
        lines
    }
}

/// A document with a list of events. It is not known before its end whether it is a record that has
/// such a list besides: its elements are made into events, and it is kept in case they are none.
///
/// The same is done for a list that may be one event itself: the row of a query, of an object for each field.
///
/// Its elements stay in the batch as long as this is kept: as long as it is no longer than a record
/// may be.
pub(super) struct PendingDocument {
    pub(super) event: PendingEvent,
    bytes: Vec<u8>,
    /// How many events there were before its elements.
    events: usize,
    /// From where on the input is not in `bytes` yet.
    at: usize,
    /// Whether it is a list, and all of its elements so far are fields of a row.
    pub(super) is_list: bool,
}

impl PendingDocument {
    /// Adds the input up to here, of which there will be more or not. Returns whether all of the
    /// document may still be one event.
    pub(super) fn push(&mut self, input: &[u8]) -> bool {
        let more = &input[self.at..];
        self.at = 0;
        let fits = !self.event.too_long && self.bytes.len() + more.len() <= LONG_LINE;
        if fits {
            self.bytes.extend_from_slice(more);
        }
        fits
    }

    /// Takes note of an element at the end of the batch. Returns whether all may still be one event.
    pub(super) fn admits(&mut self, element: &PendingEvent, batch: &Batch) -> bool {
        if !self.is_list {
            return true;
        }
        let Some((key, is_text)) = element.only_key(batch) else { return false };
        if is_text {
            self.event.keys.note(key.as_bytes());
        }
        true
    }

    /// Makes a line of it, in place of its elements, if it is a record.
    pub(super) fn complete(mut self, batch: &mut Batch) {
        if self.event.keys.are_complete() {
            one_line(&mut self.bytes);
            batch.take_back(self.events, self.event.start);
            batch.bytes.append(&mut self.bytes);
            batch.end_event(self.event.from.line);
        }
    }
}

/// Makes one line of JSON: inside its strings there are no line breaks, elsewhere they are blanks.
pub(crate) fn one_line(json: &mut [u8]) {
    let mut at = 0;
    // Nearly every event stands on one line as it is.
    while let Some(found) = memchr2(b'\n', b'\r', &json[at..]) {
        at += found;
        json[at] = b' ';
    }
}
