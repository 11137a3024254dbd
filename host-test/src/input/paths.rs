//! Paths to read: files, the files in folders, standard input.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use walkdir::WalkDir;

/// Something to read events from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Stdin => f.write_str("<stdin>"),
            Source::File(path) => path.display().fmt(f),
        }
    }
}

/// A path that leads to nothing that can be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}")]
pub struct PathError {
    /// The path.
    pub path: PathBuf,
    /// The problem.
    #[source]
    pub source: io::Error,
}

/// The files to read, in an order that depends on their names alone.
///
/// A folder stands for all files in it and below it, hidden ones and links included; `-` for
/// standard input. A file that is named twice comes twice.
pub fn walk(paths: &[PathBuf]) -> impl Iterator<Item = Result<Source, PathError>> + Send + use<> {
    let paths = paths.to_vec();
    paths.into_iter().flat_map(|path| -> Box<dyn Iterator<Item = _> + Send> {
        if path.as_os_str() == "-" {
            Box::new(std::iter::once(Ok(Source::Stdin)))
        } else if path.is_dir() {
            Box::new(folder(&path))
        } else {
            // Whatever it is, if it was named: a pipe, say. Opening it says what is wrong with it.
            Box::new(std::iter::once(Ok(Source::File(path))))
        }
    })
}

fn folder(path: &Path) -> impl Iterator<Item = Result<Source, PathError>> + use<> {
    let root = path.to_owned();
    WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter().filter_map(move |entry| {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => None,
            Ok(entry) if entry.file_type().is_file() => Some(Ok(Source::File(entry.into_path()))),
            // A pipe or a device in a folder of logs might never end.
            Ok(entry) => Some(Err(PathError {
                path: entry.into_path(),
                source: io::Error::other("neither a file nor a folder"),
            })),
            Err(err) => Some(Err(PathError {
                path: err.path().map_or_else(|| root.clone(), Path::to_owned),
                source: err.into_io_error().unwrap_or_else(|| {
                    io::Error::other("a link that leads back to a folder above it")
                }),
            })),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(paths: &[PathBuf], root: &Path) -> Vec<String> {
        walk(paths)
            .map(|found| match found {
                Ok(Source::Stdin) => "-".to_owned(),
                Ok(Source::File(path)) => {
                    path.strip_prefix(root).unwrap().to_string_lossy().into_owned()
                }
                Err(err) => {
                    format!("{}: {}", err.path.strip_prefix(root).unwrap().display(), err.source)
                }
            })
            .collect()
    }

    #[test]
    fn folders_are_read_in_the_order_of_names() {
        let root = tempfile::tempdir().unwrap();
        for file in ["b/2", "b/1", "a", "b/.hidden", "c/d/e"] {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let got = names(&[root.path().to_owned(), PathBuf::from("-")], root.path());
        assert_eq!(got, ["a", "b/.hidden", "b/1", "b/2", "c/d/e", "-"]);
    }

    #[test]
    fn a_missing_path_is_left_to_be_opened() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(names(&[root.path().join("none")], root.path()), ["none"]);
    }

    #[test]
    fn odd_things_in_folders_are_named() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::symlink;
        use std::os::unix::net::UnixListener;

        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        fs::write(root.path().join(OsStr::from_bytes(b"no\xffutf8")), "").unwrap();
        symlink("missing", root.path().join("dangling")).unwrap();
        symlink(".", root.path().join("loop")).unwrap();
        symlink("file", root.path().join("link")).unwrap();
        let _socket = UnixListener::bind(root.path().join("socket")).unwrap();

        let got = names(&[root.path().to_owned()], root.path());
        assert_eq!(got.len(), 6, "{got:?}");
        assert!(got[0].starts_with("dangling: "), "{got:?}");
        assert_eq!(got[1..3], ["file", "link"]);
        assert_eq!(got[3], "loop: a link that leads back to a folder above it");
        assert_eq!(got[4], "no\u{fffd}utf8");
        assert_eq!(got[5], "socket: neither a file nor a folder");
    }
}
