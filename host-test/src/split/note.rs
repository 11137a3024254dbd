//! The note that is kept of a source.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The length of a source's own name in those of its outputs.
const LONGEST_STEM: usize = 120;

/// Names of the outputs of a source, and of its note.
///
/// A digest of the whole path tells sources of one name apart. Characters of the rest of the
/// name that could trouble a router, a shell or a file system are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn of(path: &Path) -> Self {
        let digest = hex(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..10]);
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let mut stem = &file[..];
        for ending in [".gz", ".json", ".ndjson", ".jsonl"] {
            stem = stem.strip_suffix(ending).unwrap_or(stem);
        }
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let stem: String = stem.chars().map(plain).take(LONGEST_STEM).collect();
        // Nothing hidden, and nothing that a command could take for a flag.
        Name(format!("{}-{digest}", stem.trim_start_matches(['.', '-'])))
    }

    /// The file for one part of what a source held: the first, or what it has grown by later.
    pub(super) fn part(&self, number: u32) -> String {
        match number {
            0 | 1 => format!("{}.ndjson", self.0),
            number => format!("{}.{number}.ndjson", self.0),
        }
    }

    /// The file of its note.
    pub(super) fn note(&self) -> String {
        format!("{}.json", self.0)
    }
}

/// The state of a file: as long as this is the same, so is its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    size: u64,
    /// Nanoseconds since 1970.
    modified: i64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> io::Result<Self> {
        let nanos = |time: std::time::Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let modified = match metadata.modified()?.duration_since(UNIX_EPOCH) {
            Ok(after) => nanos(after),
            Err(before) => -nanos(before.duration()),
        };
        Ok(Stamp { size: metadata.len(), modified })
    }
}

/// The outputs written for a source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The state of the source then; none if it could not be read to its end.
    pub(super) stamp: Option<Stamp>,
    /// The number of files that hold its events.
    pub(super) parts: u32,
    /// Their bytes together.
    pub(super) bytes: u64,
    /// Their digest, in hexadecimal; none of nothing.
    pub(super) sha256: String,
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str) -> String {
        Name::of(Path::new(path)).part(1)
    }

    #[test]
    fn names_are_plain_and_tell_paths_apart() {
        let object = "/s3/2026/1_CloudTrail_us-east-1_20260601T0000Z_x.json.gz";
        assert!(name(object).starts_with("1_CloudTrail_us-east-1_20260601T0000Z_x-"));
        assert_ne!(name("/a/x.json"), name("/b/x.json"));
        assert_ne!(name("/a/x.json"), name("/a/x.json.gz"));
        assert_ne!(name("/a/ß"), name("/a/_"));
        for odd in ["/a/-rf", "/a/.hidden", "/a/a b\n*", "/", "/a/\u{1f600}", &"/x".repeat(900)] {
            let name = name(odd);
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
            assert!(!name.starts_with('.') && name.len() < 200, "{name}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_count() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let name = |bytes: &[u8]| Name::of(Path::new(OsStr::from_bytes(bytes))).part(1);
        assert_ne!(name(b"/a/\xff"), name(b"/a/\xfe"));
    }
}
