//! What is in a batch of a file, and what is told of the file.

use orgwatch::batch::Counts;

use super::tally::value_of;
use super::totals::Totals;
use super::{Scan, Told, record};
use crate::input::{Error, Unreadable, chain};
use crate::shared::text;

/// The most bytes of a raw record that go to the page.
const MOST_RAW: usize = 32 << 10;

/// The most problems of a file that wait for its end.
const MOST_HELD_BACK: usize = 1000;

fn add(totals: &mut Totals, more: &Counts) {
    let add = |to: &mut u64, more: u64| *to = to.saturating_add(more);
    add(&mut totals.events, more.events);
    add(&mut totals.evaluated, more.evaluated);
    add(&mut totals.rejected, more.rejected);
    add(&mut totals.foreign, more.foreign);
    add(&mut totals.notifications, more.notifications);
    add(&mut totals.unreadable, more.unreadable);
    add(&mut totals.without_time, more.without_time);
}

impl Scan {
    /// Examines what the batch holds.
    pub(super) fn examine(&mut self, source: &str) {
        let batch = std::mem::take(&mut self.batch);
        for (number, part) in batch.parts().iter().enumerate() {
            self.part(source, part, batch.of(number));
        }
        self.batch = batch;
    }

    fn part(&mut self, source: &str, part: &crate::input::Part, bytes: &[u8]) {
        let lost = part.unreadable.len() as u64;
        let totals = &mut self.totals;
        totals.bytes = totals.bytes.saturating_add(bytes.len() as u64 + part.rejected_bytes);
        let read = Counts {
            events: lost + part.rejected,
            unreadable: lost,
            rejected: part.rejected,
            ..Counts::default()
        };
        let screened = self.detector.screen(bytes);
        for counts in [&read, &screened.counts] {
            add(totals, counts);
            self.held.add(counts);
        }
        let mut candidates = Vec::new();
        for span in &screened.spans {
            let line = &bytes[span.offset as usize..(span.offset + span.length) as usize];
            if let Some(service) = value_of(line, b"eventSource") {
                self.sources.add(service, 1);
            }
            candidates.extend_from_slice(line.trim_ascii_end());
            candidates.push(b'\n');
        }
        let mut broken: Vec<(u64, String)> =
            part.unreadable.iter().map(|one| (one.line, one.reason.clone())).collect();
        let place = |line: u32| part.line(part.before + line);
        broken
            .extend(screened.unreadable.into_iter().map(|one| (place(one.place.line), one.reason)));
        let examined = self.detector.detect_batch(&candidates);
        add(&mut self.totals, &examined.counts);
        self.held.add(&examined.counts);
        let span = |line: u32| screened.spans[line.saturating_sub(1) as usize];
        broken.extend(
            examined
                .unreadable
                .into_iter()
                .map(|one| (place(span(one.place.line).line), one.reason)),
        );
        broken.sort_by_key(|(line, _)| *line);
        for (line, reason) in broken {
            self.held.note(&[Unreadable { line, reason: reason.clone() }]);
            self.held_back.push((line, reason));
        }
        if self.is_named || !self.held.is_stray() || self.held_back.len() > MOST_HELD_BACK {
            self.tell_held_back(source);
        }
        for located in examined.findings {
            if located.finding.repeat {
                self.totals.repeats = self.totals.repeats.saturating_add(1);
                continue;
            }
            let span = span(located.place.line);
            let event = &bytes[span.offset as usize..(span.offset + span.length) as usize];
            // The record, out of whatever it was wrapped in.
            let raw = record::extract(event, located.place.record);
            self.tell(&Told {
                path: source,
                finding: Some(&located.finding),
                line: Some(place(span.line)),
                raw: Some(&String::from_utf8_lossy(&raw[..raw.len().min(MOST_RAW)])),
                length: Some(raw.len()),
                ..Told::default()
            });
        }
    }

    pub(super) fn tell(&mut self, told: &Told<'_>) {
        if !self.told.is_empty() {
            self.told.push(',');
        }
        self.told.push_str(&text(told));
    }

    fn tell_held_back(&mut self, path: &str) {
        for (line, reason) in std::mem::take(&mut self.held_back) {
            let unreadable = Some(reason.as_str());
            self.tell(&Told { path, unreadable, line: Some(line), ..Told::default() });
        }
    }

    /// The end of a file.
    pub(super) fn ended(&mut self, path: &str) {
        match self.held.without_records() {
            Some(reason) if !self.is_named && self.held.is_stray() => {
                // It was no event.
                let lost = self.held.unreadable.min(self.totals.unreadable);
                self.totals.unreadable -= lost;
                self.totals.foreign = self.totals.foreign.saturating_add(lost);
                self.pass_over(path, reason);
            }
            reason => {
                self.tell_held_back(path);
                // It must not look like a clean result.
                reason.iter().for_each(|reason| self.fail(path, reason));
            }
        }
    }

    fn pass_over(&mut self, path: &str, reason: &str) {
        self.totals.passed_over = self.totals.passed_over.saturating_add(1);
        self.tell(&Told { path, passed_over: Some(reason), ..Told::default() });
    }

    /// A file that could not be read any further.
    pub(super) fn failed(&mut self, path: &str, error: &Error) {
        match error {
            Error::NotALog { kind: "a Parquet file", .. } => self.has_rows = true,
            Error::NotALog { .. } if !self.is_named => self.pass_over(path, &error.to_string()),
            _ => {
                self.tell_held_back(path);
                self.fail(path, &chain(error));
            }
        }
    }
}
