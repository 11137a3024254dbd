//! Signatures, made with a key of the test's own.

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
        check(&self.file(), &bytes, &self.key()).map_err(|err| err.to_string().replace(&dir, ""))
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
