//! The section that finds damage.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::{Malformed, Module};

/// The section's name. It holds 32 bytes: SHA-256 of every byte of the file that is not of this
/// section. It detects damage and no forgery: an attacker can recompute it.
pub const DIGEST: &str = "orgwatch:sha256";

/// SHA-256 as `sha256:` and 64 hex digits.
pub fn digest(bytes: &[u8]) -> String {
    shown(&Sha256::digest(bytes))
}

fn shown(digest: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether a file is what was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    /// Every byte is.
    Whole,
    /// The section holds another digest than that of the bytes.
    Damaged {
        /// As the section has it.
        recorded: String,
        /// That of the bytes.
        actual: String,
    },
    /// There is no digest section, or more than one.
    Unsealed,
}

/// Compares a file with its digest section.
pub fn integrity(module: &Module<'_>) -> Integrity {
    let Some(recorded) = module.custom(DIGEST) else { return Integrity::Unsealed };
    let actual = Sha256::digest(module.without(DIGEST));
    if recorded == &actual[..] {
        Integrity::Whole
    } else {
        Integrity::Damaged { recorded: shown(recorded), actual: shown(&actual) }
    }
}

/// The file with a digest section of what it is now.
pub fn seal(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let module = Module::parse(bytes)?;
    Ok(module.with(DIGEST, &Sha256::digest(module.without(DIGEST))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let bytes = Module::parse(b"\0asm\x01\0\0\0").unwrap().with("something", b"of use");
        seal(&bytes).unwrap()
    }

    #[test]
    fn sealing_twice_is_sealing_once() {
        assert_eq!(seal(&sealed()).unwrap(), sealed());
    }

    #[test]
    fn no_changed_byte_goes_unseen() {
        let whole = sealed();
        assert_eq!(integrity(&Module::parse(&whole).unwrap()), Integrity::Whole);
        for at in 0..whole.len() {
            for bit in [1, 0x80] {
                let mut changed = whole.clone();
                changed[at] ^= bit;
                if let Ok(module) = Module::parse(&changed) {
                    assert_ne!(integrity(&module), Integrity::Whole, "byte {at}");
                }
            }
        }
    }

    #[test]
    fn what_comes_behind_the_seal_counts() {
        let whole = sealed();
        let more = Module::parse(&whole).unwrap().with("more", b"");
        let Integrity::Damaged { recorded, actual } = integrity(&Module::parse(&more).unwrap())
        else {
            panic!("a section was added")
        };
        assert_ne!(recorded, actual);
        assert_eq!(actual.len(), 71);
    }

    #[test]
    fn the_digest_is_of_all_other_bytes() {
        let whole = sealed();
        let module = Module::parse(&whole).unwrap();
        let start = module.all(DIGEST).next().unwrap().range.start;
        assert_eq!(module.custom(DIGEST), Some(&Sha256::digest(&whole[..start])[..]));
    }
}
