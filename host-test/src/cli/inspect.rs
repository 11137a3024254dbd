//! `orgwatch inspect`.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use orgwatch_host::inspect::{Inspection, inspect};
use orgwatch_host::output::Escaped;

use super::{Status, say};
use orgwatch_host::output::number;

const EXAMPLES: &str = "\
Examples:
  orgwatch inspect orgwatch-0.1.0.wasm
  orgwatch inspect --json mine.wasm | jq .settings

Exit codes:
  0  it is an orgwatch artifact
  2  it is not, or cannot be read";

/// Show what an artifact is, without running anything of it
///
/// Version, digest, size, what it asks its host for, and the settings and memory that `orgwatch bake`
/// put into it. A file that is not ours is described as far as it can be.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct InspectFlags {
    /// The artifact
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(super) fn run(flags: &InspectFlags) -> anyhow::Result<Status> {
    let name = flags.file.display();
    let bytes = fs::read(&flags.file).with_context(|| format!("cannot read {name}"))?;
    let seen = inspect(&flags.file, &bytes).with_context(|| format!("{name} is no artifact"))?;
    let text = match flags.json {
        true => serde_json::to_string_pretty(&seen)? + "\n",
        false => text(&seen)?,
    };
    io::stdout().write_all(text.as_bytes())?;
    if let Some(problem) = &seen.problem {
        say(&format!("{name} is not an orgwatch artifact: {problem}"));
    }
    Ok(if seen.ours { Status::Done } else { Status::Unusable })
}

fn text(seen: &Inspection) -> anyhow::Result<String> {
    let mut text = format!("{}\n", Escaped(&seen.file));
    let mut row = |name: &str, value: &str| {
        text += &format!("  {name:<10}{}\n", Escaped(value));
    };
    row(
        "kind",
        match &seen.kind[..] {
            "component" => "orgwatch component, for any WASI 0.2 component host",
            "fluent-bit" => "orgwatch module, for Fluent Bit's wasm filter",
            other => other,
        },
    );
    if let Some(version) = &seen.version {
        row("version", version);
    }
    row("digest", &seen.digest);
    row("size", &format!("{} bytes", number(seen.size as u64)));
    let imports = match seen.imports.is_empty() {
        true => "nothing: cannot reach network, files, clock or environment".into(),
        false => seen.imports.join(", "),
    };
    row("imports", &imports);
    row("exports", &seen.exports.join(", "));
    let settings = seen.settings.as_ref().map(serde_json::to_string).transpose()?;
    row("settings", settings.as_deref().unwrap_or("none baked in"));
    let state = seen.state_bytes.map(|length| format!("{} bytes baked in", number(length as u64)));
    row("memory", state.as_deref().unwrap_or("none baked in"));
    Ok(text)
}
