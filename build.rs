//! Compiles the pack: `rules/` to the form that the engine evaluates. A rule that is wrong fails the
//! build, with the file, line and column of each of its problems.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use orgwatch_sigma::compile::{self, Attack, RuleFile};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=rules");
    let mut files = Vec::new();
    read(Path::new("rules"), &mut files)?;
    let mut pack = compile::pack(&files, &Attack::known()).complete().map_err(|refusals| {
        let lines: Vec<_> = refusals.iter().map(|refusal| format!("rules/{refusal}")).collect();
        lines.join("\n")
    })?;
    if env::var_os("CARGO_FEATURE_TERSE").is_some() {
        let rules = pack.rules.iter_mut().map(|rule| &mut rule.about);
        let correlations = pack.correlations.iter_mut().map(|chain| &mut chain.about);
        for about in rules.chain(correlations) {
            about.description.clear();
            about.references.clear();
        }
    }
    let out = Path::new(&env::var("OUT_DIR")?).join("pack.bin");
    fs::write(out, pack.to_bytes())?;
    Ok(())
}

/// Every rule file below a folder, in the order of their paths.
fn read(folder: &Path, files: &mut Vec<RuleFile>) -> Result<(), Box<dyn Error>> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            read(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yml") {
            files.push(RuleFile {
                path: path.strip_prefix("rules")?.display().to_string(),
                yaml: fs::read_to_string(&path)?,
            });
        }
    }
    Ok(())
}
