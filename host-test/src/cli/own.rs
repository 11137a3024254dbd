//! The files that a run writes: it must not read them.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use orgwatch_host::input::{PathError, Source};

/// The files that a run writes, by device and number: they may have several names.
#[derive(Debug, Default)]
pub(super) struct Own(Vec<(u64, u64)>);

impl Own {
    /// Standard output, if it is a file; a state and the files beside it; a report.
    pub(super) fn of(state: Option<&Path>, report: Option<&Path>) -> Self {
        let mut own = Own::default();
        let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
        own.add(stdout.and_then(|stdout| stdout.metadata()));
        if let Some(state) = state {
            // Where a link leads: that is what the others stand beside.
            let state = state.canonicalize().unwrap_or_else(|_| state.to_owned());
            for suffix in ["", ".lock", ".new", ".journal"] {
                let mut name = state.clone().into_os_string();
                name.push(suffix);
                own.add(PathBuf::from(name).metadata());
            }
        }
        if let Some(report) = report {
            own.add(report.metadata());
        }
        own
    }

    fn add(&mut self, file: io::Result<Metadata>) {
        let file = file.ok().filter(Metadata::is_file);
        self.0.extend(file.map(|file| (file.dev(), file.ino())));
    }

    /// Leaves these files out. One that was named and not found in a folder is an error, since it is
    /// not read as was asked.
    pub(super) fn leave_out(
        self,
        found: impl Iterator<Item = Result<Source, PathError>> + Send + 'static,
        named: &[PathBuf],
    ) -> impl Iterator<Item = Result<Source, PathError>> + Send + 'static {
        let named = named.to_vec();
        found.filter_map(move |found| match found {
            Ok(Source::File(path)) if self.contains(&path) => named.contains(&path).then(|| {
                let source = io::Error::other("not read: this run writes it");
                Err(PathError { path, source })
            }),
            found => Some(found),
        })
    }

    fn contains(&self, path: &Path) -> bool {
        let same = |file: Metadata| self.0.contains(&(file.dev(), file.ino()));
        !self.0.is_empty() && path.metadata().is_ok_and(same)
    }
}
