//! `orgwatch rules new`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use orgwatch_host::output::Escaped;

/// The starter: paths and contents.
const FILES: [(&str, &str); 5] = [
    ("rules/database_snapshot_shared.yml", include_str!("starter/rule.yml")),
    (
        "cases/database-snapshot-shared/with-a-stranger/events.ndjson",
        include_str!("starter/fires.ndjson"),
    ),
    (
        "cases/database-snapshot-shared/with-a-stranger/findings.ndjson",
        "{\"rule\":\"database-snapshot-shared\",\"severity\":\"high\",\"account\":\"111122223333\"}\n",
    ),
    (
        "cases/database-snapshot-shared/with-our-backups/events.ndjson",
        include_str!("starter/quiet.ndjson"),
    ),
    ("cases/database-snapshot-shared/with-our-backups/findings.ndjson", ""),
];

/// Write a first rule and its cases, to change
///
/// Writes a rule, an event on which it fires and one on which it does not into a new folder.
#[derive(Debug, Args)]
pub(super) struct NewFlags {
    /// The folder to make; it must not be there, or be empty
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs it.
pub(super) fn run(flags: &NewFlags) -> anyhow::Result<String> {
    let folder = &flags.folder;
    let shown = folder.display();
    let is_free =
        !folder.exists() || fs::read_dir(folder).is_ok_and(|mut all| all.next().is_none());
    ensure!(is_free, "{shown} is there already, and not an empty folder");
    let mut text = String::new();
    for (path, content) in FILES {
        let file = folder.join(path);
        let cannot = || format!("cannot write {}", file.display());
        fs::create_dir_all(file.parent().unwrap_or(Path::new("."))).with_context(cannot)?;
        fs::write(&file, content).with_context(cannot)?;
        text += &format!("{}\n", Escaped(file.display()));
    }
    Ok(text)
}
