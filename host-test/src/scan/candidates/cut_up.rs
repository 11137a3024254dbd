//! The candidates of an object of a bucket, without parsing its other records.

use std::mem;

use orgwatch::envelope::{self, Content, Located, Reach};

use super::super::cut;
use super::super::screen::Screen;
use super::super::screened::Place;
use super::{Candidate, Candidates};
use crate::native;
use crate::plugin::Error;

impl Candidates<'_> {
    /// Adds the records of a document that may match by themselves, and says how many others there are. None if all
    /// of it is to be parsed: it is not as CloudTrail writes it, or one of these is broken.
    pub(super) fn cut_up(
        &mut self,
        text: &mut [u8],
        line: u64,
        piece: usize,
        screener: &mut dyn Screen,
    ) -> Result<Option<u64>, Error> {
        let records = native::parse(text, || cut::records(text)).flatten().unwrap_or_default();
        let ([first, others @ ..], Some(last)) = (&records[..], records.last()) else {
            return Ok(None);
        };
        // A line each while they are screened: they need not be copied for it.
        let part = |text: &mut [u8], by| others.iter().for_each(|it| text[it.start - 1] = by);
        part(text, b'\n');
        let screened = screener.screen(&text[first.start..last.end])?;
        part(text, b',');
        let (lines, bytes) = (self.lines.len(), self.bytes.len());
        let mut added = || {
            screened.spans.iter().all(|span| {
                let index = span.line as usize - 1;
                let place = Place { line, record: index as u32 };
                records
                    .get(index)
                    .is_some_and(|it| self.add_record(&text[it.clone()], place, piece))
            })
        };
        let read = screened.counts.unreadable == 0 && native::parse(text, &mut added) == Some(true);
        if !read {
            self.lines.truncate(lines);
            self.bytes.truncate(bytes);
            return Ok(None);
        }
        Ok(Some(records.len() as u64 - screened.spans.len() as u64))
    }

    /// Adds what has to be a record and nothing else. Whether it is.
    fn add_record(&mut self, text: &[u8], place: Place, piece: usize) -> bool {
        let mut tapes = mem::take(&mut self.tapes);
        let (mut seen, mut candidate) = (0, None);
        envelope::contents(text, &Reach::everywhere(), &mut tapes, &mut |_, content| {
            seen += 1;
            if let Content::Record(Located { record, source, .. }) = content
                && source.raw().len() == text.len()
            {
                let filtered = self.filter.filters_out(&record);
                candidate = Some(Candidate::new(place, piece, filtered, true));
            }
        });
        self.tapes = tapes;
        let candidate = candidate.filter(|_| seen == 1);
        candidate.map(|candidate| self.push(text, candidate)).is_some()
    }
}
