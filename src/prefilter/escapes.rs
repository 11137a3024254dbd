//! JSON that may be text in JSON, and letters that are escaped in it.

use super::rare_byte::RareByteFinder;

/// The rest of a text, or else whether to look closer: `Err(true)` where an escape may stand for anything.
type Rest<'a> = Result<&'a [u8], bool>;

/// Skips a quote, behind any number of backslashes.
pub(super) fn quote(text: &[u8]) -> Rest<'_> {
    let (slashes, rest) = backslashes(text);
    rest.strip_prefix(b"\"").ok_or(slashes > 0)
}

/// Skips white space, be it as it is or as escapes in text.
pub(super) fn space(mut text: &[u8]) -> Rest<'_> {
    loop {
        text = match text {
            [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] => rest,
            [b'\\', ..] => match backslashes(text).1 {
                [b'n' | b't' | b'r', rest @ ..] => rest,
                rest @ [b'"', ..] => return Ok(rest),
                _ => return Err(true),
            },
            _ => return Ok(text),
        }
    }
}

/// The number of backslashes that a text begins with, and the rest of it.
pub(super) fn backslashes(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| **byte == b'\\').count();
    (count, text.get(count..).unwrap_or_default())
}

/// Letters written as `\u0041`: a key or a name may hide behind them. Real records escape `=`, `&`
/// and `<` so, which are not letters.
pub(super) struct EscapedLetters<'a> {
    batch: &'a [u8],
    found: RareByteFinder<'a, 4>,
    next: Option<usize>,
}

impl<'a> EscapedLetters<'a> {
    pub(super) fn new(batch: &'a [u8]) -> Self {
        let mut letters =
            EscapedLetters { batch, found: RareByteFinder::new(batch, b"\\u00", 0), next: None };
        letters.advance();
        letters
    }

    fn advance(&mut self) {
        self.next = self
            .found
            .by_ref()
            .find(|at| matches!(self.batch.get(at.saturating_add(4)), Some(b'4'..=b'7')));
    }

    /// Whether there is one before this offset that was not asked for yet.
    pub(super) fn before(&mut self, end: usize) -> bool {
        let mut any = false;
        while self.next.is_some_and(|at| at < end) {
            any = true;
            self.advance();
        }
        any
    }
}
