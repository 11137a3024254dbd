//! Where compiled code may be kept.
//!
//! Loading compiled code is as good as running it, so it is only ever read from a directory that
//! nobody else can write. wasmtime keys what it keeps by the component's digest, its own version
//! and the settings of the compiler.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::{env, io};

/// A directory that only this user can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheDir(PathBuf);

/// Why compiled code is not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// None of the variables that name a place for it is set.
    #[error("none of ORGWATCH_CACHE_DIR, XDG_CACHE_HOME and HOME is set")]
    Unset,

    /// The directory cannot be made or looked at.
    #[error("{path}")]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// Others could put code there that we would run.
    #[error("{path} {why}: code is only kept where nobody else can write")]
    Unsafe {
        /// The directory, or one above it.
        path: PathBuf,
        /// The problem.
        why: &'static str,
    },
}

impl CacheDir {
    /// `$ORGWATCH_CACHE_DIR`, else `$XDG_CACHE_HOME/orgwatch`, else `~/.cache/orgwatch`.
    pub fn find() -> Result<Self, CacheError> {
        // The specification of XDG_CACHE_HOME says to ignore a path that is not absolute.
        let absolute =
            |name| env::var_os(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
        let path = env::var_os("ORGWATCH_CACHE_DIR")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .or_else(|| absolute("XDG_CACHE_HOME").map(|path| path.join("orgwatch")))
            .or_else(|| absolute("HOME").map(|path| path.join(".cache").join("orgwatch")))
            .ok_or(CacheError::Unset)?;
        Self::at(&path)
    }

    /// Makes the directory where it is missing, and refuses one that others can write.
    pub fn at(path: &Path) -> Result<Self, CacheError> {
        let unusable = |source| CacheError::Unusable { path: path.to_owned(), source };
        create(path).map_err(unusable)?;
        // Judged by what it is in the end: a link may lead anywhere.
        let path = path.canonicalize().map_err(unusable)?;
        judge(&path)?;
        Ok(CacheDir(path))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

fn create(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The directory must be ours alone, and no directory above it may let others swap it for theirs.
fn judge(path: &Path) -> Result<(), CacheError> {
    const OTHERS_WRITE: u32 = 0o022;
    const STICKY: u32 = 0o1000;

    let me = rustix::process::geteuid().as_raw();
    for (level, path) in path.ancestors().enumerate() {
        let refuse = |why| CacheError::Unsafe { path: path.to_owned(), why };
        let meta = path
            .metadata()
            .map_err(|source| CacheError::Unusable { path: path.to_owned(), source })?;
        if meta.uid() != me && (level == 0 || meta.uid() != 0) {
            return Err(refuse("belongs to another user"));
        }
        // In a sticky directory, such as /tmp, only the owner can move what is ours.
        let sticky = level > 0 && meta.mode() & STICKY != 0;
        if meta.mode() & OTHERS_WRITE != 0 && !sticky {
            return Err(refuse("can be written by others"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_directory_is_private() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b");
        let dir = CacheDir::at(&path).unwrap();
        assert_eq!(dir.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_directory_that_others_write_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("shared");
        fs::create_dir(&path).unwrap();
        for mode in [0o777, 0o770, 0o702, 0o1777] {
            chmod(&path, mode);
            assert!(matches!(CacheDir::at(&path), Err(CacheError::Unsafe { .. })), "{mode:o}");
        }
        chmod(&path, 0o755);
        assert!(CacheDir::at(&path).is_ok());
    }

    #[test]
    fn a_directory_below_one_that_others_write_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let shared = home.path().join("shared");
        fs::create_dir(&shared).unwrap();
        chmod(&shared, 0o777);
        assert!(matches!(CacheDir::at(&shared.join("ours")), Err(CacheError::Unsafe { .. })));
    }

    #[test]
    fn a_link_is_judged_by_where_it_leads() {
        let home = tempfile::tempdir().unwrap();
        let shared = home.path().join("shared");
        fs::create_dir(&shared).unwrap();
        chmod(&shared, 0o777);
        let link = home.path().join("link");
        symlink(&shared, &link).unwrap();
        assert!(matches!(CacheDir::at(&link), Err(CacheError::Unsafe { .. })));
    }

    #[test]
    fn a_file_is_no_directory() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(matches!(CacheDir::at(&path), Err(CacheError::Unusable { .. })));
    }
}
