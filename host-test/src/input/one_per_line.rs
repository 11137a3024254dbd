//! Batches with one event to a line, whatever their lines held.

use memchr::memmem::Finder;

use super::batch::Lines;
use super::splitter::{LISTS, Splitter};
use super::{BATCH, Batch, Unreadable};

/// Takes lines of several events apart.
///
/// A [`Reader`](super::Reader) leaves a file of an event a line as it is, and an object of a bucket
/// is one line as well: its `Records` are taken apart here, as arrays are, and objects that follow
/// one another without a line break. Everything else stays as it is, to the byte.
pub(crate) struct OnePerLine {
    out: Batch,
    /// Texts that make it worth looking into a line.
    hints: Vec<Finder<'static>>,
}

impl OnePerLine {
    pub(crate) fn new() -> Self {
        let lists = LISTS.iter().map(|list| [b"\"", *list, b"\""].concat());
        let hints = lists.chain([b"}{".to_vec(), b"} ".to_vec()]);
        let hints = hints.map(|hint| Finder::new(&hint).into_owned()).collect();
        OnePerLine { out: Batch::default(), hints }
    }

    /// Hands on what a batch holds, in batches of about the same size and one part.
    ///
    /// Blank lines are left out: they are no events.
    pub(crate) fn each<E>(
        &mut self,
        batch: &mut Batch,
        mut take: impl FnMut(&Batch, &[Unreadable]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.clear();
        for part in 0..batch.parts().len() {
            for one in &batch.parts()[part].unreadable {
                self.out.unreadable(one.line, one.reason.as_str());
            }
            let first = batch.parts()[part].before + 1;
            for (number, line) in (first..).zip(batch.of(part).split(|byte| *byte == b'\n')) {
                let line = line.trim_ascii();
                if !line.is_empty() {
                    self.line(line, batch.parts()[part].line(number), &mut take)?;
                }
            }
        }
        self.hand_on(&mut take)
    }

    fn line<E>(
        &mut self,
        line: &[u8],
        start: u64,
        take: &mut impl FnMut(&Batch, &[Unreadable]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.is_one(line) {
            self.out.bytes.extend_from_slice(line);
            self.out.end_event(start);
        } else {
            let mut splitter = Splitter::new(start, LISTS);
            let mut read = 0;
            while read < line.len() {
                read += splitter.feed(&line[read..], &mut self.out, BATCH);
                if self.out.is_full() && !splitter.in_event() {
                    self.hand_on(take)?;
                }
            }
            while !splitter.finish(&mut self.out, BATCH) {
                self.hand_on(take)?;
            }
        }
        if self.out.is_full() { self.hand_on(take) } else { Ok(()) }
    }

    fn is_one(&self, line: &[u8]) -> bool {
        line.starts_with(b"{")
            && line.ends_with(b"}")
            && self.hints.iter().all(|hint| hint.find(line).is_none())
    }

    fn hand_on<E>(
        &mut self,
        take: &mut impl FnMut(&Batch, &[Unreadable]) -> Result<(), E>,
    ) -> Result<(), E> {
        take(&self.out, &self.out.parts()[0].unreadable)?;
        self.clear();
        Ok(())
    }

    fn clear(&mut self) {
        self.out.clear();
        self.out.begin_at(Lines::Each(Vec::new()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events, and the lines of what could not be read.
    fn single(text: &str) -> (Vec<String>, Vec<u64>) {
        let mut batch = Batch::default();
        batch.begin_at(Lines::From(10));
        batch.bytes = text.as_bytes().to_vec();
        let (mut events, mut unreadable) = (Vec::new(), Vec::new());
        let mut single = OnePerLine::new();
        let done: Result<(), ()> = single.each(&mut batch, |out, broken| {
            let text = std::str::from_utf8(out.bytes()).unwrap();
            events.extend(text.lines().map(str::to_owned));
            unreadable.extend(broken.iter().map(|one| one.line));
            Ok(())
        });
        done.unwrap();
        (events, unreadable)
    }

    #[test]
    fn events_keep_their_bytes() {
        let odd = r#"{ "a" : 1.50, "b":"é\u00e9\/" , "b":[ ] }"#;
        let inside = r#"{"requestParameters":{"Records":[{"a":1},{"b":2}]},"text":"}{"}"#;
        let text = format!("{odd}\r\n\n  {inside}\n{{\"Records\":[{odd},{inside}]}}\n{odd}");
        let (events, unreadable) = single(&text);
        assert_eq!(events, [odd, inside, odd, inside, odd]);
        assert!(unreadable.is_empty());
    }

    #[test]
    fn lists_of_one_and_of_none_are_taken_apart() {
        let (events, _) = single("{\"Records\":[{\"a\":1}]}\n{\"Records\":[]}\n[{\"b\":2}]\n");
        assert_eq!(events, [r#"{"a":1}"#, r#"{"b":2}"#]);
        assert_eq!(single(r#"{"a":1}{"b":2} {"c":3}"#).0.len(), 3);
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        let (events, unreadable) =
            single("{\"a\":1}\nnot JSON\n{\"Records\":[{\"b\":2},{\"c\":}]}\n{}");
        assert_eq!(events, [r#"{"a":1}"#, r#"{"b":2}"#, "{}"]);
        assert_eq!(unreadable, [11, 12]);
    }

    #[test]
    fn very_many_broken_lines_are_all_named() {
        let (events, unreadable) = single(&"x\n{\"a\":1}\n".repeat(5000));
        assert_eq!((events.len(), unreadable.len()), (5000, 5000));
    }

    #[test]
    fn a_long_list_comes_whole() {
        let event = format!("{{\"a\":\"{}\"}}", "x".repeat(999_000));
        let text = format!("{{\"Records\":[{}]}}", vec![event.as_str(); 14].join(","));
        let mut batch = Batch::default();
        batch.begin();
        batch.bytes = text.into_bytes();
        let mut sizes = Vec::new();
        let done: Result<(), ()> = OnePerLine::new().each(&mut batch, |bytes, _| {
            sizes.push(memchr::memchr_iter(b'\n', bytes.bytes()).count());
            Ok(())
        });
        done.unwrap();
        assert_eq!(sizes.iter().sum::<usize>(), 14, "{sizes:?}");
    }
}
