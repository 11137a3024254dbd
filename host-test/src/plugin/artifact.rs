//! Where the component comes from.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use super::digest;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// A component's bytes, and where they were found.
#[derive(Debug, Clone)]
pub struct Artifact {
    origin: Origin,
    bytes: Cow<'static, [u8]>,
}

/// Where a component was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// In a file.
    File(PathBuf),
    /// Inside this program.
    Embedded,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(path) => path.display().fmt(f),
            Origin::Embedded => f.write_str("the embedded component"),
        }
    }
}

/// No component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// It was named, or stood where it should, and could not be read.
    #[error("cannot read the component {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// There is none in the places it is looked for.
    #[error(
        "no component: build it with `cargo xtask build`, put {name} beside this program, \
         or name a file with --component"
    )]
    Missing {
        /// The file looked for.
        name: String,
    },
}

/// The digest of a component. That of the embedded one is known.
pub(super) fn digest_of(component: &[u8]) -> String {
    match (embedded::EMBEDDED, embedded::DIGEST) {
        (Some(embedded), Some(digest)) if std::ptr::eq(embedded, component) => digest.to_owned(),
        _ => digest::of(component),
    }
}

/// The code of the component with this digest, if this program carries it: compiled when the program was built.
pub(super) fn code_of(digest: &str) -> Option<&'static [u8]> {
    embedded::CODE.filter(|_| embedded::DIGEST == Some(digest))
}

impl Artifact {
    /// The file named; else the embedded component; else `orgwatch-<version>.wasm` beside the
    /// program, or in the `dist` of the checkout that the program was built in.
    ///
    /// Never the working directory: a folder of logs is no place to take code from.
    pub fn find(file: Option<&Path>) -> Result<Self, ArtifactError> {
        if let Some(file) = file {
            return Self::read(file);
        }
        if let Some(artifact) = Self::embedded() {
            return Ok(artifact);
        }
        let name = format!("orgwatch-{}.wasm", env!("CARGO_PKG_VERSION"));
        let program = env::current_exe().unwrap_or_default();
        if let Some(folder) = program.parent().filter(|folder| folder.is_absolute()) {
            for place in ["", "dist", "../../dist"] {
                let file = folder.join(place).join(&name);
                if file.is_file() {
                    return Self::read(&file);
                }
            }
        }
        Err(ArtifactError::Missing { name })
    }

    /// The component that was compiled into this program, if one was.
    pub fn embedded() -> Option<Self> {
        let bytes = Cow::Borrowed(embedded::EMBEDDED?);
        Some(Artifact { origin: Origin::Embedded, bytes })
    }

    /// The digest of the component, as `sha256:<hex>`, for which this program screens natively: the embedded
    /// one, if it is compiled from the sources that this program is linked with. None otherwise.
    ///
    /// Whether it is so was told when this program was built. A component with settings or rules baked in
    /// has another digest.
    pub fn screened_natively() -> Option<&'static str> {
        embedded::DIGEST.filter(|_| embedded::LINKED)
    }

    /// The component in a file.
    pub fn read(file: &Path) -> Result<Self, ArtifactError> {
        let bytes = fs::read(file)
            .map_err(|source| ArtifactError::Read { path: file.to_owned(), source })?;
        Ok(Artifact { origin: Origin::File(file.to_owned()), bytes: bytes.into() })
    }

    /// The component.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where it was found.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let err = Artifact::find(Some(Path::new("no/such.wasm"))).unwrap_err();
        assert_eq!(err.to_string(), "cannot read the component no/such.wasm");
    }

    #[test]
    fn the_digest_that_was_noted_is_that_of_the_embedded_component() {
        let embedded = Artifact::embedded().expect("the tests are built with one");
        assert_eq!(digest_of(embedded.bytes()), digest::of(embedded.bytes()));
        let copy = embedded.bytes().to_vec();
        assert_eq!(digest_of(&copy), digest::of(&copy));
        assert_eq!(digest_of(b""), digest::of(b""));
    }

    #[test]
    fn what_is_named_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mine.wasm");
        fs::write(&file, "mine").unwrap();
        let artifact = Artifact::find(Some(&file)).unwrap();
        assert_eq!(artifact.bytes(), b"mine");
        assert_eq!(artifact.origin(), &Origin::File(file));
    }
}
