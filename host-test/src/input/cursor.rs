//! Where in a file one is, as far as it matters for going on after something broken.

#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    /// The line, from 1.
    pub(super) line: u64,
    /// How far the line is indented.
    pub(super) indent: usize,
    /// Whether nothing but blanks has been seen on it.
    pub(super) blank: bool,
}

impl Cursor {
    /// The start of a line.
    pub(super) fn at(line: u64) -> Self {
        Cursor { line, indent: 0, blank: true }
    }

    /// Goes on by a byte.
    pub(super) fn pass(&mut self, byte: u8) {
        match byte {
            b'\n' => *self = Cursor::at(self.line + 1),
            _ if byte.is_ascii_whitespace() && self.blank => self.indent += 1,
            _ => self.blank = false,
        }
    }
}
