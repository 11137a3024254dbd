//! The cheap checks: a line that claims to be JSON begins and ends like it, and is UTF-8.

use crate::json::is_separator;

/// What a line is, by its first and last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Blank,
    NotUtf8,
    /// It begins and ends like JSON.
    Whole,
    /// It begins like JSON and does not end so.
    Endless,
    /// It begins with something else. JSON may follow.
    Other,
}

pub(super) fn frame(line: &[u8], ascii: bool) -> Frame {
    let ends = match (line.first(), line.last()) {
        (Some(b'{'), Some(b'}')) => Some((b'{', b'}')),
        _ => ends(line),
    };
    let Some(ends) = ends else { return Frame::Blank };
    if !ascii && !is_ascii(line) && std::str::from_utf8(line).is_err() {
        return Frame::NotUtf8;
    }
    match ends {
        (b'{', b'}') | (b'[', b']') | (b'"', b'"') => Frame::Whole,
        (b'{' | b'[' | b'"', _) => Frame::Endless,
        _ => Frame::Other,
    }
}

/// The first and the last byte that mean something: blanks, separators and byte order marks do not.
fn ends(line: &[u8]) -> Option<(u8, u8)> {
    let means = |byte: &&u8| !matches!(byte, b' ' | b'\t'..=b'\r') && !is_separator(**byte);
    let mut rest = line;
    let first = loop {
        let at = rest.iter().position(|byte| means(&byte))?;
        rest = rest.get(at..)?;
        match rest.strip_prefix(b"\xef\xbb\xbf") {
            Some(after) => rest = after,
            None => break *rest.first()?,
        }
    };
    Some((first, *rest.iter().rfind(means)?))
}

/// `<[u8]>::is_ascii` stops at the first byte that is not, which takes a branch a word; nearly
/// everything is ASCII, so look at many words before asking. They are written out: the guest is
/// compiled for size, and a loop of its host's has to look at the clock each time around.
pub(super) fn is_ascii(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<64>();
    let ascii = |block: &[u8; 64]| {
        let (words, _) = block.as_chunks::<8>();
        let &[a, b, c, d, e, f, g, h] = words else { return block.is_ascii() };
        let word = |bytes: [u8; 8]| u64::from_ne_bytes(bytes);
        let all = word(a) | word(b) | word(c) | word(d) | word(e) | word(f) | word(g) | word(h);
        all & 0x8080_8080_8080_8080 == 0
    };
    blocks.iter().all(ascii) && rest.iter().all(u8::is_ascii)
}
