//! `--report`: the page, and the file it goes to.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use orgwatch_host::file::{folder, sync_folder};
use orgwatch_host::output::report::{About, Limits, Report};
use tempfile::NamedTempFile;

/// A page in the making, and where it will be.
pub(super) struct HtmlReport {
    pub(super) report: Report,
    file: Target,
}

/// A file that a page will be.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// As it was named.
    name: PathBuf,
    /// The file that this name leads to.
    path: PathBuf,
}

impl HtmlReport {
    /// Refuses a file that could not be written in the end, or must not: one that this run reads.
    pub(super) fn open(name: &Path, read: &[&Path]) -> anyhow::Result<Self> {
        let shown = name.display();
        if name.as_os_str() == "-" {
            bail!("--report needs a file: standard output is for the findings");
        }
        // Where a link leads: replacing the link would leave what it leads to behind.
        let path = name.canonicalize().unwrap_or_else(|_| name.to_owned());
        match path.metadata() {
            Ok(known) if known.is_dir() => {
                bail!("cannot write the report {shown}: it is a folder; name a file in it")
            }
            Ok(known) if !known.is_file() => {
                bail!("cannot write the report {shown}: it is no file")
            }
            _ => {}
        }
        if let Some(read) = read.iter().find(|read| read.canonicalize().is_ok_and(|it| it == path))
        {
            bail!("the report would replace {}, which this run reads", read.display());
        }
        // It is made now, so that nobody waits an hour to learn that it cannot be, and not kept: a
        // run that is interrupted leaves nothing behind.
        temporary(&path).with_context(|| format!("cannot write the report {shown}"))?;
        let file = Target { name: name.to_owned(), path };
        Ok(HtmlReport { report: Report::new(Limits::default()), file })
    }

    pub(super) fn file(&self) -> &Target {
        &self.file
    }

    /// Writes it, whole or not at all.
    pub(super) fn write(&self, about: &About) -> anyhow::Result<()> {
        let failed = || format!("cannot write the report {}", self.file.name.display());
        self.file.replace(|to| self.report.write(about, to)).with_context(failed)
    }
}

impl Target {
    /// The file, as it was named.
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    fn replace(&self, write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
        let mut file = io::BufWriter::new(temporary(&self.path)?);
        write(&mut file)?;
        file.flush()?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if let Ok(old) = self.path.metadata() {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|err| err.error)?;
        sync_folder(folder(&self.path))
    }
}

/// A file beside the one that it will be, which is gone if it does not become it.
fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new();
    file.prefix(".orgwatch-report-").suffix(".html");
    // As the umask leaves it, like any other file.
    file.permissions(fs::Permissions::from_mode(0o666));
    file.tempfile_in(folder(path))
}
