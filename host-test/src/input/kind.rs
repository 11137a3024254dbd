//! Files that are no logs, told by their first bytes.

use std::io::{self, BufRead as _};

use infer::MatcherType;
use memchr::{memchr, memmem};

use super::peek::Peek;
use super::{BYTE_ORDER_MARK, Error};

/// Something that is no log, and how to get at what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    name: &'static str,
    hint: &'static str,
}

impl From<Kind> for Error {
    fn from(Kind { name: kind, hint }: Kind) -> Self {
        Error::NotALog { kind, hint }
    }
}

const UNPACK: &str = "unpack it and scan what is inside";
const DECOMPRESS: &str = "decompress it and scan what is inside";
const DECRYPT: &str = "decrypt it and scan what is inside";
const TO_UTF8: &str = "convert it to UTF-8, with iconv for instance";
const ROWS: &str = "write its rows as JSON, one a line";
const NOTHING: &str = "nothing of it was read";

const CSV: Kind = Kind { name: "CSV", hint: ROWS };
const UTF16: Kind = Kind { name: "UTF-16 text", hint: TO_UTF8 };
/// As Security Lake stores records.
pub(super) const PARQUET: Kind = Kind { name: "a Parquet file", hint: ROWS };
/// Bytes that are no text either.
const UNKNOWN: Kind = Kind { name: "bytes of no known kind", hint: NOTHING };

/// What `infer` does not know, and what must be told from text by more than it looks at.
const OURS: &[(&[u8], Kind)] = &[
    (b"PAR1", PARQUET),
    (b"Obj\x01", Kind { name: "an Avro file", hint: ROWS }),
    (b"ORC", Kind { name: "an ORC file", hint: ROWS }),
    (b"\xff\x06\x00\x00sNaPpY", Kind { name: "compressed with Snappy", hint: DECOMPRESS }),
    (b"\x04\x22\x4d\x18", Kind { name: "compressed with LZ4", hint: DECOMPRESS }),
    (b"\x02\x21\x4c\x18", Kind { name: "compressed with LZ4", hint: DECOMPRESS }),
    (b"BZh", Kind { name: "compressed with bzip2", hint: DECOMPRESS }),
    (b"\xfd7zXZ\0", Kind { name: "compressed with xz", hint: DECOMPRESS }),
    (b"\x5d\0\0", Kind { name: "compressed with LZMA", hint: DECOMPRESS }),
    (b"PK\x03\x04", Kind { name: "a ZIP archive", hint: UNPACK }),
    (b"PK\x05\x06", Kind { name: "an empty ZIP archive", hint: NOTHING }),
    (b"PK\x07\x08", Kind { name: "a part of a ZIP archive", hint: UNPACK }),
    (b"7z\xbc\xaf\x27\x1c", Kind { name: "a 7z archive", hint: UNPACK }),
    (b"SQLite format 3\0", Kind { name: "an SQLite database", hint: ROWS }),
    (b"\xd4\xc3\xb2\xa1", PCAP),
    (b"\xa1\xb2\xc3\xd4", PCAP),
    (b"\x4d\x3c\xb2\xa1", PCAP),
    (b"\xa1\xb2\x3c\x4d", PCAP),
    (b"\x0a\x0d\x0d\x0a", PCAP),
    (b"ElfFile\0", Kind { name: "a Windows event log (EVTX)", hint: NOTHING }),
    (b"\x7fELF", Kind { name: "a program or library (ELF)", hint: NOTHING }),
    (b"\xff\xfe\0\0", Kind { name: "UTF-32 text", hint: TO_UTF8 }),
    (b"\0\0\xfe\xff", Kind { name: "UTF-32 text", hint: TO_UTF8 }),
    (b"\xff\xfe", UTF16),
    (b"\xfe\xff", UTF16),
];

const PCAP: Kind = Kind { name: "a capture of network packets", hint: NOTHING };

/// Text that is no log.
const TEXTS: &[(&[u8], Kind)] = &[
    (b"%PDF-", Kind { name: "a PDF document", hint: NOTHING }),
    (b"%!PS", Kind { name: "a PostScript document", hint: NOTHING }),
    (b"{\\rtf", Kind { name: "an RTF document", hint: NOTHING }),
    (b"-----BEGIN PGP ", Kind { name: "a PGP message", hint: DECRYPT }),
    (b"-----BEGIN AGE ", Kind { name: "encrypted with age", hint: DECRYPT }),
    (b"age-encryption.org/", Kind { name: "encrypted with age", hint: DECRYPT }),
    (b"-----BEGIN ", Kind { name: "a PEM file", hint: NOTHING }),
    (b"Salted__", Kind { name: "encrypted with openssl", hint: DECRYPT }),
    (b"<!DOCTYPE ", Kind { name: "an HTML page", hint: "it may be an error page" }),
    (b"<html", Kind { name: "an HTML page", hint: "it may be an error page" }),
    (b"<?xml", Kind { name: "an XML document", hint: "it may be the answer of a failed request" }),
    (
        b"<Error>",
        Kind { name: "an XML document", hint: "it may be the answer of a failed request" },
    ),
];

/// Fewer bytes that are no text are damage.
const FEW: usize = 8;

/// So much is looked at.
const HEAD: usize = 16 << 10;
/// Among bytes of no known kind so much is looked at, and so much of it again with the bytes that
/// follow: an event is not longer before its name.
const WINDOW: usize = 256 << 10;
const OVERLAP: usize = 64 << 10;

impl Kind {
    /// That of what comes next, if that is no log. Of what is live only the bytes that are there are
    /// looked at.
    pub(super) fn next(input: &mut Peek, live: bool) -> io::Result<Option<Kind>> {
        let mut most = if live { input.fill_buf()?.len().max(1) } else { HEAD };
        loop {
            let head = input.peek(most)?;
            // More than zeros is needed, unless there is nothing else.
            let zeros = head.iter().take_while(|byte| **byte == 0).count();
            if zeros < head.len() || live || head.len() < most || most >= WINDOW {
                return Ok(Kind::of(head));
            }
            most *= 2;
        }
    }

    /// That of bytes that are no text, if it is known.
    #[cfg(feature = "serve")]
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Kind> {
        let head = &bytes[..bytes.len().min(HEAD)];
        Kind::of(head).filter(|kind| *kind != UNKNOWN && odd_bytes(head) > 0)
    }

    /// By the first bytes.
    pub(super) fn of(head: &[u8]) -> Option<Kind> {
        let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
        let begins = |start: &[u8]| {
            text.get(..start.len()).is_some_and(|first| first.eq_ignore_ascii_case(start))
        };
        if let Some((_, kind)) = TEXTS.iter().find(|(start, _)| begins(start)) {
            return Some(*kind);
        }
        if is_utf16(head) {
            return Some(UTF16);
        }
        // Zeros may be before an event: a file that was preallocated, or a disk that was full.
        let zeros = head.iter().take_while(|byte| **byte == 0).count();
        let odd = odd_bytes(&head[zeros..]);
        if odd == 0 {
            // No text begins like a binary format by more than chance.
            return is_csv(text).then_some(CSV);
        }
        if let Some((_, kind)) = OURS.iter().find(|(start, _)| head.starts_with(start)) {
            return Some(*kind);
        }
        if is_encrypted(head) {
            return Some(Kind { name: "encrypted with PGP", hint: DECRYPT });
        }
        let event = memmem::find(head, b"eventName").is_some();
        if let Some(kind) = infer::get(head).and_then(|kind| named(&kind, event)) {
            return Some(kind);
        }
        (odd >= FEW && odd * 10 > head.len() - zeros && !has_key(head)).then_some(UNKNOWN)
    }

    /// Among bytes of no known kind there may be events all the same: goes on to the first, and says
    /// whether there is any. Also how many bytes were left out.
    pub(super) fn skip(self, input: &mut Peek, live: bool) -> io::Result<(bool, usize)> {
        let (mut skipped, mut most) = (0, if live { 1 } else { WINDOW });
        if self != UNKNOWN {
            return Ok((false, 0));
        }
        loop {
            let ended = input.peek(most)?.len() < most;
            let bytes = input.ahead();
            if memmem::find(bytes, b"eventName").is_some() {
                return Ok((true, skipped));
            }
            if ended {
                return Ok((false, skipped));
            }
            let out = if bytes.len() < WINDOW { 0 } else { bytes.len() - OVERLAP };
            most = if live { bytes.len() - out + 1 } else { WINDOW };
            input.consume(out);
            skipped += out;
        }
    }
}

/// How many bytes are neither UTF-8 nor what is written to a terminal. A character that is cut off at
/// the end counts for nothing.
fn odd_bytes(head: &[u8]) -> usize {
    // Without a branch for each byte: nearly always there are none.
    let control = |byte: u8| {
        let shown = (byte >= b' ') & (byte != 0x7f);
        let used = (byte.wrapping_sub(0x08) <= 0x0d - 0x08) | (byte == 0x1b) | (byte == 0x1e);
        u8::from(!(shown | used))
    };
    // So many that their sum is a byte, too.
    let controls =
        head.chunks(128).map(|bytes| bytes.iter().map(|byte| control(*byte)).sum::<u8>());
    let mut odd = controls.map(usize::from).sum();
    if std::str::from_utf8(head).is_ok() {
        return odd;
    }
    let mut chunks = head.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        if chunks.peek().is_some()
            || std::str::from_utf8(chunk.invalid()).is_err_and(|err| err.error_len().is_some())
        {
            odd += chunk.invalid().len();
        }
    }
    odd
}

/// Whether a key of JSON is in it, which is in no noise by chance.
fn has_key(head: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.@$:/ ".contains(byte);
    memchr::memchr_iter(b'"', head).any(|at| {
        let text = &head[at + 1..];
        let length = text.iter().take(100).take_while(|byte| word(byte)).count();
        // In a text in a text the quotes are escaped.
        let after = &text[length..];
        let slashes = after.iter().take_while(|byte| **byte == b'\\').count();
        let after = after[slashes..].strip_prefix(b"\"").map(<[u8]>::trim_ascii_start);
        length > 0 && after.is_some_and(|after| after.starts_with(b":"))
    })
}

/// Whether nearly every second byte is zero, as in ASCII that is written as UTF-16.
fn is_utf16(head: &[u8]) -> bool {
    let pairs = head.len() / 2;
    if memchr(0, head).is_none() {
        return false;
    }
    let ascii = |byte: u8| byte.is_ascii() && byte != 0;
    let little = head.chunks_exact(2).filter(|pair| ascii(pair[0]) && pair[1] == 0).count();
    let big = head.chunks_exact(2).filter(|pair| pair[0] == 0 && ascii(pair[1])).count();
    pairs >= 4 && little.max(big) * 10 > pairs * 8
}

/// Whether the first line is names of columns as Athena, CloudTrail Lake and CloudWatch write them.
fn is_csv(text: &[u8]) -> bool {
    const KNOWN: &[&str] =
        &["eventname", "event_name", "eventjson", "@message", "_raw", "useridentity"];
    let Some(end) = memchr(b'\n', text) else { return false };
    let names: Vec<_> = text[..end].split(|byte| matches!(byte, b',' | b';' | b'\t')).collect();
    let name = |name: &[u8]| {
        let name = name.trim_ascii();
        let name =
            name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
        String::from_utf8_lossy(name).to_ascii_lowercase()
    };
    let names: Vec<_> = names.into_iter().map(name).collect();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_@.- $()".contains(&byte);
    names.len() > 1
        && names.iter().all(|name| !name.is_empty() && name.bytes().all(word))
        && names.iter().any(|name| KNOWN.contains(&name.as_str()))
}

/// Whether it begins with a packet of OpenPGP that holds the key of a message.
fn is_encrypted(head: &[u8]) -> bool {
    matches!(
        head,
        [0x84 | 0xc1, 0..=0xbf, 3, ..]
            | [0x85, _, _, 3, ..]
            | [0xc1, 0xc0..=0xdf, _, 3, ..]
            | [0x8c | 0xc3, 0..=0xbf, 4..=6, ..]
    )
}

/// In a few words. A short magic number may be in front of a damaged log by chance: what names an
/// event is none of these, unless it is an archive.
fn named(kind: &infer::Type, event: bool) -> Option<Kind> {
    let kind_of = |name, hint| Some(Kind { name, hint });
    match (kind.matcher_type(), kind.extension()) {
        (_, "gz" | "zst" | "pem" | "html" | "xml" | "sh") => None,
        (_, "tar") => kind_of("a tar archive", UNPACK),
        (_, "rar") => kind_of("a RAR archive", UNPACK),
        (MatcherType::Archive, "swf" | "nes" | "dcm") if event => None,
        (MatcherType::Archive, "crx" | "cab" | "deb" | "ar" | "rpm" | "cpio" | "par2" | "msi") => {
            kind_of("an archive", UNPACK)
        }
        (MatcherType::Archive, "Z" | "lz" | "bz3") => {
            kind_of("compressed in a form that is not read", DECOMPRESS)
        }
        _ if event => None,
        (_, "png") => kind_of("a PNG image", NOTHING),
        (_, "jpg") => kind_of("a JPEG image", NOTHING),
        (_, "gif") => kind_of("a GIF image", NOTHING),
        (MatcherType::Image, _) => kind_of("an image", NOTHING),
        (MatcherType::Video, _) => kind_of("a video", NOTHING),
        (MatcherType::Audio, _) => kind_of("a sound file", NOTHING),
        (MatcherType::Font, _) => kind_of("a font", NOTHING),
        (MatcherType::Doc | MatcherType::Book, _) => kind_of("an office document", NOTHING),
        (_, "wasm") => kind_of("a WebAssembly module or component", NOTHING),
        (_, "class") => kind_of("a Java class", NOTHING),
        (_, "exe" | "dll") => kind_of("a Windows program or library", NOTHING),
        (_, "mach") => kind_of("a macOS program or library", NOTHING),
        (_, "der") => kind_of("a certificate", NOTHING),
        (MatcherType::App, _) => kind_of("a program or library", NOTHING),
        _ => kind_of("a binary file", NOTHING),
    }
}

#[cfg(test)]
#[path = "kind_tests.rs"]
mod tests;
