//! `orgwatch bake`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use orgwatch::detector::Detector;
use orgwatch_host::bake::{Rules, bake};
use orgwatch_host::file;
use orgwatch_host::plugin::Error;
use orgwatch_host::state::{Saved, StateFile};

use super::own_rules::OwnRulesFlags;
use super::{Status, opening};

const EXAMPLES: &str = "\
Examples:
  orgwatch bake --settings orgwatch.yaml -o mine.wasm orgwatch-0.1.0-fluent-bit.wasm
  orgwatch learn --state orgwatch.state --settings orgwatch.yaml cloudtrail/ &&
    orgwatch bake --settings orgwatch.yaml --state orgwatch.state -o mine.wasm orgwatch-0.1.0-fluent-bit.wasm
  orgwatch bake --rules my-rules/ -o mine.wasm orgwatch-0.1.0-fluent-bit.wasm
  orgwatch inspect mine.wasm

Exit codes:
  0  done
  2  the settings, the rules, the state or the artifact cannot be used; nothing was written";

/// Put settings, rules and a memory into a copy of an artifact
///
/// Fluent Bit hands its filter no settings and no rules, and forgets everything when it stops: an
/// artifact that was baked starts with all of them. Works on the component too, which then opens with
/// what is baked when it is given no settings, and refuses others. The code stays as it is.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct BakeFlags {
    /// The artifact: the component or the module for Fluent Bit, as it was released
    #[arg(value_name = "IN.wasm")]
    artifact: PathBuf,

    /// Settings, as YAML or JSON
    #[arg(long, value_name = "FILE", required_unless_present = "rules")]
    settings: Option<PathBuf>,

    #[command(flatten)]
    own_rules: OwnRulesFlags,

    /// A memory that learn or scan saved, with these settings
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Where to write the copy; replaced in one step if it is there
    #[arg(short, long, value_name = "OUT.wasm")]
    output: PathBuf,
}

/// Runs it.
pub(super) fn run(flags: &BakeFlags) -> anyhow::Result<Status> {
    let document = opening::settings(flags.settings.as_deref())?;
    let settings = document.json();
    let rules = flags.own_rules.load(&document, false)?;
    let packs = rules.packs();
    // The core of this program is that of the artifact, whose version is compared.
    let mut detector = Detector::open_with(&settings, &packs)
        .map_err(|problems| opening::refused(&document, Error::Settings(problems)))?;
    let state = flags.state.as_deref().map(read_state).transpose()?;
    if let (Some(state), Some(file)) = (&state, &flags.state) {
        let refused = |err| anyhow!("cannot bake the state {}: {err}", file.display());
        detector.merge_state(state).map_err(refused)?;
    }
    let name = flags.artifact.display();
    let artifact = fs::read(&flags.artifact).with_context(|| format!("cannot read {name}"))?;
    let named = flags.own_rules.named();
    let rules = packs.first().map(|pack| Rules { name: &named, pack });
    let baked = bake(&artifact, &settings, state.as_deref(), rules.as_ref())
        .with_context(|| format!("cannot bake into {name}"))?;
    file::replace(&flags.output, &baked)
        .with_context(|| format!("cannot write {}", flags.output.display()))?;
    Ok(Status::Done)
}

fn read_state(file: &Path) -> anyhow::Result<Vec<u8>> {
    // Checked before it is opened: opening would leave a lock beside a file that is not there.
    if !file.exists() {
        bail!("there is no state {}: `orgwatch learn --state` makes one", file.display());
    }
    let opened = StateFile::open(file)?;
    let state = opened.load()?;
    let state = state.with_context(|| format!("there is no state {} any more", file.display()))?;
    let refused = || format!("cannot bake the state {}", file.display());
    let saved = Saved::decode(&state).with_context(refused)?;
    if opened.journal_holds_more(&saved).with_context(refused)? {
        bail!(
            "cannot bake the state {}: the service that wrote it was not stopped, and the journal \
             beside it has what came since; start and stop the service, or run `orgwatch learn` \
             with this state",
            file.display()
        );
    }
    Ok(saved.memory)
}
