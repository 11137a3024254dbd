//! `orgwatch generate`: what packages carry beside the command.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Status;
use super::flags::Flags;

/// The names under which each shell looks for completions.
const COMPLETIONS: [(Shell, &str); 3] =
    [(Shell::Bash, "orgwatch.bash"), (Shell::Zsh, "_orgwatch"), (Shell::Fish, "orgwatch.fish")];

/// Write completions and manual pages
///
/// Into FOLDER/completions, for bash, zsh and fish, and into FOLDER/man, one page for each command.
#[derive(Debug, Args)]
pub(super) struct GenerateFlags {
    /// The folder, which is made if it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Runs it.
pub(super) fn run(flags: &GenerateFlags) -> anyhow::Result<Status> {
    let folder = |name: &str| {
        let folder = flags.folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        anyhow::Ok(folder)
    };
    let completions = folder("completions")?;
    for (shell, name) in COMPLETIONS {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Flags::command(), "orgwatch", &mut text);
        let file = completions.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let man = folder("man")?;
    clap_mangen::generate_to(Flags::command(), &man)
        .with_context(|| format!("cannot write to {}", man.display()))?;
    Ok(Status::Done)
}
