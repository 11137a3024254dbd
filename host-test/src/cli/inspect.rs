//! `orgwatch inspect`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use orgwatch_host::inspect::{BakedPack, Inspection, inspect};
use orgwatch_host::output::{Escaped, number, plural};

use super::{Status, stdout, warn};

const EXAMPLES: &str = "\
Examples:
  orgwatch inspect orgwatch-0.1.0.wasm
  orgwatch inspect --json mine.wasm | jq .settings

Exit codes:
  0  it is an orgwatch artifact, and whole
  2  it is not, it is damaged, or it cannot be read";

/// Show what an artifact is, without running anything of it
///
/// Version, digest, size, the contract it keeps, what it asks its host for, how it was built, its
/// rules, and the settings and memory that `orgwatch bake` put into it. A file that is not ours is
/// described as far as it can be. What the file says of itself is what it says: `orgwatch verify`
/// tells whether it is so.
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
    let seen = inspect(&flags.file, &bytes)
        .with_context(|| format!("{name} is no WebAssembly, or damaged"))?;
    let text = match flags.json {
        true => serde_json::to_string_pretty(&seen)? + "\n",
        false => text(&seen)?,
    };
    stdout::print(&text)?;
    if let Some(problem) = &seen.problem {
        warn(&format!("{name}: {problem}"));
    }
    Ok(if seen.ours { Status::Done } else { Status::Unusable })
}

/// How this program screens events for a component.
pub(super) fn screening(native: bool) -> &'static str {
    match native {
        true => "natively: this program is linked with the sources of the component",
        false => "by the component: this program is linked with other sources",
    }
}

fn text(seen: &Inspection) -> anyhow::Result<String> {
    let mut text = format!("{}\n", Escaped(&seen.file));
    let mut row = |name: &str, value: &str| {
        text += &format!("  {name:<12}{}\n", Escaped(value));
    };
    row(
        "kind",
        match &seen.kind[..] {
            "component" => "orgwatch component, for any WASI 0.2 component host",
            "fluent-bit" => "orgwatch module, for Fluent Bit's wasm filter",
            other => other,
        },
    );
    for (name, label) in [
        ("version", "version"),
        ("revision", "revision"),
        ("licenses", "licence"),
        ("authors", "authors"),
        ("source", "source"),
        ("description", "description"),
    ] {
        match seen.said.get(name) {
            Some(value) => row(label, value),
            None if name == "revision" && seen.ours => row(label, "unknown: not built from git"),
            None => {}
        }
    }
    row("digest", &seen.digest);
    row("size", &format!("{} bytes", number(seen.size as u64)));
    if let Some(world) = &seen.world {
        row("world", world);
    }
    let unknown = || "unknown: the file cannot be read that far".to_owned();
    let imports = seen.imports.as_ref().map_or_else(unknown, |imports| match imports.is_empty() {
        true => "nothing: cannot reach network, files, clock or environment".into(),
        false => imports.join(", "),
    });
    row("imports", &imports);
    row("exports", &seen.exports.as_ref().map_or_else(unknown, |exports| exports.join(", ")));
    if let Some(build) = &seen.build {
        row("built with", &build.rustc);
        build.linker.iter().for_each(|linker| row("linked with", linker));
        row("flags", &build.flags.join(" "));
    }
    if seen.ours {
        let settings = seen.settings.as_ref().map(serde_json::to_string).transpose()?;
        row("settings", settings.as_deref().unwrap_or("none baked in"));
        let memory = seen.state_bytes.map(|bytes| format!("{} bytes", number(bytes as u64)));
        row("memory", memory.as_deref().unwrap_or("none baked in"));
        let rules = seen.rules.as_ref().map(|pack| {
            let place = if pack.alone { "in place of" } else { "beside" };
            let (count, format) = (plural(pack.slugs.len() as u64, "rule"), pack.format);
            let BakedPack { name, digest, .. } = pack;
            format!("{count} of {name} {place} the pack, format {format}, {digest}")
        });
        row("own rules", rules.as_deref().unwrap_or("none baked in"));
        for slug in seen.rules.iter().flat_map(|pack| &pack.slugs) {
            row("", slug);
        }
    }
    if let Some(native) = seen.screened_natively {
        row("screened", screening(native));
    }
    if let Some(baked) = &seen.baked {
        row("baked into", &baked.from);
    }
    if let Some(cases) = seen.cases {
        row("cases", &format!("{cases}, which `orgwatch verify` runs"));
    }
    if let Some(pack) = &seen.pack {
        let public: Vec<_> = pack.rules.iter().filter(|rule| !rule.internal).collect();
        row("rules", &format!("{} in pack {}, {}", public.len(), pack.version, pack.digest));
        let width = public.iter().map(|rule| rule.slug.len()).max().unwrap_or_default();
        for rule in public {
            let slug = format!("{:width$}  {:13}  {}", rule.slug, rule.severity, rule.version);
            row("", &slug);
        }
    }
    Ok(text)
}
