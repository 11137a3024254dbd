//! The ways in for the fuzz targets, which are compiled with `--cfg fuzzing`.

use super::batch::Lines;
use super::bytes::Bytes;
use super::layers::decompress_all;
use super::members::Form;
use super::splitter::{Broken, INNER_LISTS, LISTS, Splitter};
use super::{Batch, Error, LONG_LINE, Limits, MOST_UNREADABLE, ReadProgress};

/// The way that a splitter is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// For documents of files, where what is broken is left out.
    Reported,
    /// For documents of files.
    MayHoldRecords,
    /// For a body.
    PassedOn,
    /// For one line.
    Inner,
}

/// All that came out of a splitter.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Events, each with the line that it starts on.
    pub events: Vec<(u64, Vec<u8>)>,
    /// What was unreadable, with its line.
    pub unreadable: Vec<(u64, String)>,
}

impl Split {
    /// Takes what is in a batch.
    fn take(&mut self, batch: &mut Batch) {
        let part = batch.last();
        self.unreadable.extend(part.unreadable.drain(..).map(|one| (one.line, one.reason)));
        let part = &batch.parts()[0];
        self.events.extend(lines(batch).zip(1..).map(|(text, n)| (part.line(n), text.to_vec())));
        batch.clear();
        batch.begin_at(Lines::Each(Vec::new()));
    }
}

/// The lines of a batch, each of which has its line break.
fn lines(batch: &Batch) -> impl Iterator<Item = &[u8]> {
    batch.bytes().split_inclusive(|byte| *byte == b'\n').map(|line| &line[..line.len() - 1])
}

/// Splits a text that comes in pieces of this size, into batches of about `target` bytes.
pub fn split(text: &[u8], used: Use, piece: usize, target: usize) -> Split {
    let lists = match used {
        Use::PassedOn => &[][..],
        Use::Inner => INNER_LISTS,
        _ => LISTS,
    };
    let broken = match used {
        Use::PassedOn => Broken::PassedOn,
        Use::MayHoldRecords => Broken::MayHoldRecords,
        _ => Broken::Reported,
    };
    let mut splitter = Splitter::new(1, lists).with(broken);
    let mut batch = Batch::default();
    batch.begin_at(Lines::Each(Vec::new()));
    let mut split = Split::default();
    let mut calls = 0;
    let mut call = |splitter: &Splitter, batch: &mut Batch| {
        calls += 1;
        assert!(calls < 4 * text.len() + 1000, "no progress");
        assert!(batch.last().unreadable.len() <= MOST_UNREADABLE, "unbounded");
        if !splitter.in_event() {
            // An event that is broken and the one behind it may come in one step, and so may the elements of a
            // list that could have been one event.
            let longest = lines(batch).map(<[u8]>::len).max().unwrap_or(0);
            let most = target.saturating_add(LONG_LINE + 2 * (longest + 1));
            assert!(used != Use::PassedOn || batch.bytes.len() <= most, "unbounded");
            split.take(batch);
        }
    };
    for mut piece in text.chunks(piece.max(1)) {
        while !piece.is_empty() {
            let read = splitter.feed(piece, &mut batch, target);
            piece = &piece[read..];
            call(&splitter, &mut batch);
        }
    }
    while !splitter.finish(&mut batch, target) {
        call(&splitter, &mut batch);
    }
    assert!(!splitter.in_event(), "not at the end");
    split.take(&mut batch);
    split
}

/// The lines of a body; none if it has lines already.
pub fn event_lines(body: &[u8]) -> Option<Vec<u8>> {
    super::whole::event_lines(body)
}

/// All that a file has, decompressed, with the reason why there is no more of it.
pub fn decompressed(file: &[u8], live: bool, limit: u64, want: usize) -> (Vec<u8>, Option<Error>) {
    let limits = Limits { max_decompressed: limit };
    let input = Box::new(std::io::Cursor::new(file.to_owned()));
    let mut bytes = Bytes::new(input, live, &limits, &ReadProgress::default());
    let mut to = Vec::new();
    let mut idle = 0;
    loop {
        let before = to.len();
        match bytes.fill(&mut to, want) {
            Ok(false) => return (to, None),
            Err(err) => return (to, Some(err)),
            Ok(true) => {}
        }
        idle = if to.len() > before { 0 } else { idle + 1 };
        assert!(idle < 1000, "no progress");
    }
}

/// A body as the service decompresses it; none if it refuses that.
pub fn body(body: &[u8], said_gzip: Option<bool>, most: usize) -> Option<Vec<u8>> {
    let said = said_gzip.map(|gzip| if gzip { Form::Gzip } else { Form::Zstd });
    Some(decompress_all(body.to_owned().into(), said, most).ok()?.to_vec())
}

/// Whether bytes begin as compressed ones do.
pub fn is_compressed(bytes: &[u8]) -> bool {
    Form::of(bytes).is_some()
}
