//! Events, one a line, and where they came from.

/// Newline-delimited events from one file.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: Lines,
    /// What could not be made into an event. It is not in [`Batch::bytes`].
    pub unreadable: Vec<Unreadable>,
}

/// Something in a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line of the file on which it starts, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Debug)]
pub(super) enum Lines {
    /// The lines of the file, from this one on.
    From(u64),
    /// For each line, the line of the file on which its event starts.
    Each(Vec<u64>),
}

impl Default for Lines {
    fn default() -> Self {
        Lines::From(1)
    }
}

impl Batch {
    /// The events, each followed by a newline; the last one's may be missing.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The line of the file on which an event starts, both from 1.
    pub fn line(&self, line: u32) -> u64 {
        let index = u64::from(line.max(1)) - 1;
        match &self.lines {
            Lines::From(first) => first.saturating_add(index),
            Lines::Each(lines) => {
                let known = usize::try_from(index).ok().and_then(|index| lines.get(index));
                known.or(lines.last()).copied().unwrap_or(1)
            }
        }
    }

    /// The bytes of a line, from 1, without its newline; none if there is no such line.
    pub fn event(&self, line: u32) -> &[u8] {
        let index = line.max(1) as usize - 1;
        self.bytes.split(|&byte| byte == b'\n').nth(index).unwrap_or_default()
    }

    /// Empties the batch and keeps its memory, to be filled from line `first` of a file on.
    pub(super) fn clear(&mut self, lines: Lines) {
        self.bytes.clear();
        self.unreadable.clear();
        self.lines = lines;
    }

    /// Ends the event at the end of the bytes, which started on this line.
    pub(super) fn end_event(&mut self, line: u64) {
        self.bytes.push(b'\n');
        match &mut self.lines {
            Lines::Each(lines) => lines.push(line),
            Lines::From(_) => self.lines = Lines::Each(vec![line]),
        }
    }

    /// How many events were added one by one.
    pub(super) fn len(&self) -> usize {
        match &self.lines {
            Lines::Each(lines) => lines.len(),
            Lines::From(_) => 0,
        }
    }

    /// Whether there is enough in it to be examined.
    pub(super) fn is_full(&self, target: usize) -> bool {
        // Unreadable parts take no bytes of the batch, but they take memory.
        self.bytes.len() >= target || self.unreadable.len() >= 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_batch_are_lines_of_the_file() {
        let mut batch = Batch::default();
        batch.clear(Lines::From(100));
        assert_eq!((batch.line(0), batch.line(1), batch.line(7)), (100, 100, 106));
        batch.clear(Lines::Each(Vec::new()));
        assert_eq!(batch.line(3), 1);
        batch.end_event(5);
        batch.end_event(9);
        // A guest may say anything.
        assert_eq!((batch.line(1), batch.line(2), batch.line(u32::MAX)), (5, 9, 9));
    }
}
