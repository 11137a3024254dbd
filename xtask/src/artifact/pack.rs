//! The list of the rules that an artifact carries.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use orgwatch_artifact::{Pack, PackRule, digest};
use serde::Deserialize;

/// The fields of a rule that the list has. The compiler of rules checks the rest.
#[derive(Deserialize)]
struct Rule {
    title: String,
    id: String,
    name: String,
    level: String,
    date: String,
    modified: Option<String>,
    #[serde(default)]
    orgwatch: Custom,
}

#[derive(Default, Deserialize)]
struct Custom {
    #[serde(default)]
    internal: bool,
}

/// Reads every rule below a folder.
pub fn read(folder: &Path) -> Result<Pack> {
    let mut files = Vec::new();
    collect(folder, &mut files).with_context(|| format!("cannot read {}", folder.display()))?;
    files.sort();
    let mut rules = Vec::new();
    let mut list = String::new();
    for path in files {
        let text = fs::read_to_string(&path)?;
        let rule: Rule = yaml_serde::from_str(&text)
            .with_context(|| format!("{} is not a rule", path.display()))?;
        let file = path.strip_prefix(folder)?.display().to_string();
        let digest = digest(text.as_bytes());
        list += &format!("{}  {file}\n", digest.trim_start_matches("sha256:"));
        rules.push(PackRule {
            slug: rule.name,
            id: rule.id,
            title: rule.title,
            severity: rule.level,
            version: rule.modified.unwrap_or(rule.date),
            file,
            digest,
            internal: rule.orgwatch.internal,
        });
    }
    // All packages of the workspace have one version, and so has the pack.
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Pack { version, digest: digest(list.as_bytes()), rules })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            files.push(path);
        }
    }
    Ok(())
}
