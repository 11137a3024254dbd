//! minisign signatures of a release: `SHA256SUMS` beside the artifact, and `SHA256SUMS.minisig`.

#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::panic))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::unwrap_used))]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use minisign_verify::{Error as Minisign, PublicKey, Signature};

/// The list of digests that a release signs.
pub const SUMS: &str = "SHA256SUMS";

/// A public key.
#[derive(Debug, Clone)]
pub struct Key {
    key: PublicKey,
    id: String,
}

/// A file that the holder of a key vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The id of the key, as minisign shows it.
    pub key: String,
    /// The signer's comment, which is signed as well.
    pub comment: String,
}

/// Why nobody vouches for a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The key is none.
    #[error(
        "{0} is neither a file with a minisign public key nor such a key: 56 characters that begin \
         with RW"
    )]
    Key(String),

    /// A file that a release has beside the artifact is not there, or cannot be read.
    #[error("cannot read {path}, which a signed release has beside the artifact")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// The signature is none.
    #[error("{0} is not a minisign signature")]
    NoSignature(PathBuf),

    /// Another key has signed.
    #[error("{file} is signed with the key {found}, not with {wanted}")]
    OtherKey {
        /// The list.
        file: PathBuf,
        /// The key that signed it.
        found: String,
        /// The key given.
        wanted: String,
    },

    /// The signature is not of these bytes.
    #[error("{0} or its signature was changed after it was signed")]
    Forged(PathBuf),

    /// A signature of the kind that minisign made before 2018, which covers the file but slowly.
    #[error("{0} is signed in minisign's legacy form: sign it with minisign 0.10 or newer")]
    Legacy(PathBuf),

    /// The list is none.
    #[error("{path}: line {line} is not a digest and a name")]
    NoList {
        /// The list.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },

    /// The list does not have the file, or has it twice.
    #[error("{list} has no digest of {file}, or more than one")]
    NotListed {
        /// The list.
        list: PathBuf,
        /// The file's name.
        file: String,
    },

    /// The file is not the one that was signed.
    #[error("{file} is not what was signed: it is {actual}, and {list} says {recorded}")]
    Changed {
        /// The file.
        file: PathBuf,
        /// The list.
        list: PathBuf,
        /// The digest in the list.
        recorded: String,
        /// That of the file.
        actual: String,
    },
}

impl Key {
    /// Reads a key: a file as minisign writes it, or the key itself.
    pub fn read(given: &str) -> Result<Self, SignatureError> {
        let text = fs::read_to_string(given).unwrap_or_else(|_| given.to_owned());
        let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let key = line.and_then(|line| {
            let id = BASE64_STANDARD.decode(line).ok()?;
            Some(Key { key: PublicKey::from_base64(line).ok()?, id: key_id(&id)? })
        });
        key.ok_or_else(|| SignatureError::Key(given.to_owned()))
    }

    /// Its id, as minisign shows it.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The id in a key or a signature: 8 bytes behind the 2 of the algorithm.
fn key_id(bytes: &[u8]) -> Option<String> {
    let id = bytes.get(2..10)?.try_into().ok()?;
    Some(format!("{:016X}", u64::from_le_bytes(id)))
}

/// Checks that a file with this content stands in the list beside it, and that the holder of the key
/// signed the list.
pub fn check(file: &Path, bytes: &[u8], key: &Key) -> Result<Signed, SignatureError> {
    let list = file.with_file_name(SUMS);
    let signature = file.with_file_name(format!("{SUMS}.minisig"));
    let sums = read(&list)?;
    let signed = signed(&sums, &list, &signature, key)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let recorded = recorded(&sums, &list, &name)?;
    let actual = orgwatch_artifact::digest(bytes);
    if actual.strip_prefix("sha256:") != Some(&recorded) {
        let recorded = format!("sha256:{recorded}");
        return Err(SignatureError::Changed { file: file.to_owned(), list, recorded, actual });
    }
    Ok(signed)
}

fn read(path: &Path) -> Result<String, SignatureError> {
    fs::read_to_string(path)
        .map_err(|source| SignatureError::Read { path: path.to_owned(), source })
}

fn signed(sums: &str, list: &Path, file: &Path, key: &Key) -> Result<Signed, SignatureError> {
    let text = read(file)?;
    let none = || SignatureError::NoSignature(file.to_owned());
    let signature = Signature::decode(&text).map_err(|_| none())?;
    match key.key.verify(sums.as_bytes(), &signature, false) {
        Ok(()) => {
            Ok(Signed { key: key.id.clone(), comment: signature.trusted_comment().to_owned() })
        }
        Err(Minisign::UnexpectedKeyId) => {
            let line = text.lines().nth(1).unwrap_or_default();
            let found = BASE64_STANDARD.decode(line).ok().as_deref().and_then(key_id);
            let (found, wanted) = (found.ok_or_else(none)?, key.id.clone());
            Err(SignatureError::OtherKey { file: list.to_owned(), found, wanted })
        }
        Err(Minisign::UnexpectedAlgorithm | Minisign::UnsupportedLegacyMode) => {
            Err(SignatureError::Legacy(list.to_owned()))
        }
        Err(_) => Err(SignatureError::Forged(list.to_owned())),
    }
}

/// The digest of a name, as `sha256sum` writes it: 64 hex digits, a space, a space or `*`, the name.
fn recorded(sums: &str, list: &Path, name: &str) -> Result<String, SignatureError> {
    let mut found = Vec::new();
    for (index, line) in sums.lines().enumerate() {
        let parts = line.split_once(' ').filter(|(digest, rest)| {
            let hex = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            hex && rest.starts_with([' ', '*'])
        });
        let no_list =
            || SignatureError::NoList { path: list.to_owned(), line: index.saturating_add(1) };
        let (digest, rest) = parts.ok_or_else(no_list)?;
        if rest.strip_prefix([' ', '*']) == Some(name) {
            found.push(digest.to_ascii_lowercase());
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        _ => Err(SignatureError::NotListed { list: list.to_owned(), file: name.to_owned() }),
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
