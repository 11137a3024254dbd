//! Lines that are JSON by themselves, told by their ends.

use memchr::{memchr, memchr_iter};

/// How many line breaks there are before the first line that begins like JSON and does not end so, and where
/// that begins; if there is none, how many there are.
pub(super) fn whole_lines(bytes: &[u8]) -> (u64, Option<usize>) {
    let mut lines = 0;
    let mut start = 0;
    for end in memchr_iter(b'\n', bytes) {
        if is_open(&bytes[start..end]) {
            return (lines, Some(start));
        }
        lines += 1;
        start = end + 1;
    }
    let last = &bytes[start..];
    (lines, is_open(last).then_some(start))
}

/// Whether a line begins like JSON and does not end so.
fn is_open(line: &[u8]) -> bool {
    if let ([b'{', ..], [.., b'}']) = (line, line) {
        return false;
    }
    let line = line.trim_ascii();
    match (line.first(), line.strip_suffix(b",").unwrap_or(line).trim_ascii_end().last()) {
        (Some(b'{'), last) => last != Some(&b'}'),
        (Some(b'['), last) => last != Some(&b']'),
        _ => false,
    }
}

/// How long the first line is.
pub(super) fn first_line(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).unwrap_or(bytes.len())
}
