//! minisign signatures of a release: `SHA256SUMS` beside the artifact, and `SHA256SUMS.minisig`.

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
    /// What the signer said, which is signed as well.
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
        let no_list = || SignatureError::NoList { path: list.to_owned(), line: index + 1 };
        let (digest, rest) = parts.ok_or_else(no_list)?;
        if &rest[1..] == name {
            found.push(digest.to_ascii_lowercase());
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        _ => Err(SignatureError::NotListed { list: list.to_owned(), file: name.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release with keys of its own.
    struct Release {
        dir: tempfile::TempDir,
        keys: minisign::KeyPair,
    }

    impl Release {
        fn new() -> Self {
            let keys = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
            let release = Release { dir: tempfile::tempdir().unwrap(), keys };
            fs::write(release.file(), "what was built").unwrap();
            let digest = orgwatch_artifact::digest(b"what was built");
            let other = format!("{}  other.txt\n", "0".repeat(64));
            let sums = format!("{other}{}  a.wasm\n", digest.trim_start_matches("sha256:"));
            release.sign(&sums);
            release
        }

        fn sign(&self, sums: &str) {
            fs::write(self.path(SUMS), sums).unwrap();
            let signed = minisign::sign(
                None,
                &self.keys.sk,
                sums.as_bytes(),
                Some("orgwatch 0.1.0"),
                Some("whatever"),
            );
            fs::write(self.path("SHA256SUMS.minisig"), signed.unwrap().into_string()).unwrap();
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn file(&self) -> PathBuf {
            self.path("a.wasm")
        }

        fn key(&self) -> Key {
            Key::read(&self.keys.pk.to_base64()).unwrap()
        }

        fn replace(&self, name: &str, from: &str, to: &str) {
            let text = fs::read_to_string(self.path(name)).unwrap();
            assert!(text.contains(from), "{text}");
            fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
        }

        fn check(&self) -> Result<Signed, String> {
            let bytes = fs::read(self.file()).unwrap();
            let dir = format!("{}/", self.dir.path().display());
            check(&self.file(), &bytes, &self.key())
                .map_err(|err| err.to_string().replace(&dir, ""))
        }
    }

    #[test]
    fn what_was_signed_is_vouched_for() {
        let release = Release::new();
        let signed = release.check().unwrap();
        assert_eq!(signed.comment, "orgwatch 0.1.0");
        // A key file as minisign writes it says the same.
        let file = release.path("key.pub");
        fs::write(&file, release.keys.pk.to_box().unwrap().into_string()).unwrap();
        let key = Key::read(file.to_str().unwrap()).unwrap();
        assert_eq!(key.id(), signed.key);
        assert!(fs::read_to_string(file).unwrap().contains(&signed.key), "the id is minisign's");
    }

    #[test]
    fn another_key_is_refused_by_name() {
        let (release, other) = (Release::new(), Release::new());
        let err = check(&release.file(), b"what was built", &other.key()).unwrap_err().to_string();
        assert!(err.contains(&format!("signed with the key {}, not", release.key().id())), "{err}");
        assert!(err.ends_with(other.key().id()), "{err}");
    }

    #[test]
    fn a_changed_file_is_refused_by_name() {
        let release = Release::new();
        fs::write(release.file(), "something else").unwrap();
        let err = release.check().unwrap_err();
        assert!(err.starts_with("a.wasm is not what was signed: it is sha256:"), "{err}");
    }

    #[test]
    fn a_changed_list_is_refused() {
        let release = Release::new();
        release.replace(SUMS, "00", "11");
        let forged = "SHA256SUMS or its signature was changed after it was signed";
        assert_eq!(release.check().unwrap_err(), forged);
    }

    #[test]
    fn a_changed_comment_is_refused() {
        let release = Release::new();
        release.replace("SHA256SUMS.minisig", "orgwatch 0.1.0", "orgwatch 9.9.9");
        assert!(release.check().unwrap_err().ends_with("was changed after it was signed"));
        // The untrusted comment is what its name says.
        let release = Release::new();
        release.replace("SHA256SUMS.minisig", "whatever", "something");
        release.check().unwrap();
    }

    #[test]
    fn what_is_not_there_is_named() {
        let release = Release::new();
        fs::remove_file(release.path("SHA256SUMS.minisig")).unwrap();
        assert!(release.check().unwrap_err().starts_with("cannot read SHA256SUMS.minisig, which"));
        fs::remove_file(release.path(SUMS)).unwrap();
        assert!(release.check().unwrap_err().starts_with("cannot read SHA256SUMS, which"));
    }

    #[test]
    fn a_file_that_is_not_listed_or_twice_is_refused() {
        let release = Release::new();
        release.sign(&format!("{}  other.txt\n", "0".repeat(64)));
        let err = release.check().unwrap_err();
        assert_eq!(err, "SHA256SUMS has no digest of a.wasm, or more than one");
        let line = format!("{}  a.wasm\n", "0".repeat(64));
        release.sign(&format!("{line}{line}"));
        assert_eq!(release.check().unwrap_err(), err);
        release.sign("signed, but no list\n");
        assert_eq!(release.check().unwrap_err(), "SHA256SUMS: line 1 is not a digest and a name");
    }

    #[test]
    fn what_is_no_key_or_signature_is_said() {
        let err = Key::read("no/such.pub").unwrap_err().to_string();
        assert!(err.starts_with("no/such.pub is neither a file"), "{err}");
        let release = Release::new();
        fs::write(release.path("SHA256SUMS.minisig"), "untrusted comment: x\n").unwrap();
        assert_eq!(release.check().unwrap_err(), "SHA256SUMS.minisig is not a minisign signature");
    }
}
