//! The other tools: those on the PATH, and those that are installed below the target folder.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use super::tool::{Tool, on_path};
use super::{fluent_bit, vector};
use crate::process::{output, run};
use crate::python;
use crate::workspace::Workspace;

/// The Sigma evaluator that is set beside ours.
const RSIGMA: &str = "0.23.0";

const DUCKDB: [(&str, &str); 1] = [("duckdb", "2.0.0")];

/// The other tools that orgwatch is measured beside.
pub struct Tools {
    /// ripgrep.
    pub rg: Tool,
    /// jq.
    pub jq: Tool,
    /// The command of the Rust Sigma toolkit.
    pub rsigma: Tool,
    /// A Python that has DuckDB.
    pub duckdb: Tool,
    /// Fluent Bit, which nothing here installs.
    pub fluent_bit: Tool,
    /// Vector, which nothing here installs either.
    pub vector: Tool,
}

impl Tools {
    /// Finds them. With `install`, installs those that come from package registries.
    pub fn find(workspace: &Workspace, install: bool) -> Self {
        let tool = |found: Result<PathBuf>| found.map_err(|error| format!("{error:#}"));
        Tools {
            rg: on_path("rg", "ripgrep"),
            jq: on_path("jq", "jq"),
            rsigma: tool(rsigma(workspace, install)),
            duckdb: tool(duckdb(workspace, install)),
            fluent_bit: fluent_bit::find(),
            vector: vector::find(),
        }
    }

    /// The version line of each, for the record.
    pub fn versions(&self) -> Vec<String> {
        let ask =
            |tool: &Tool, args: &[&str]| output(Command::new(tool.as_ref().ok()?).args(args)).ok();
        let first = |text: String| text.lines().next().map(str::to_owned);
        [
            ask(&self.rg, &["--version"]),
            ask(&self.jq, &["--version"]),
            ask(&self.rsigma, &["--version"]),
            self.fluent_bit.as_ref().ok().and_then(|program| fluent_bit::version(program)),
            self.vector.as_ref().ok().and_then(|program| vector::version(program)),
            ask(&self.duckdb, &["-c", "import duckdb; print('duckdb', duckdb.__version__)"]),
        ]
        .into_iter()
        .filter_map(|version| version.and_then(first))
        .collect()
    }
}

/// rsigma of the wanted version, below the target folder.
fn rsigma(workspace: &Workspace, install: bool) -> Result<PathBuf> {
    let folder = workspace.target.join("bench-tools");
    let program = folder.join("bin/rsigma");
    let there = || {
        output(Command::new(&program).arg("--version"))
            .is_ok_and(|version| version.split_whitespace().any(|word| word == RSIGMA))
    };
    if !there() {
        ensure!(install, "rsigma {RSIGMA} is not installed, and --no-install was given");
        eprintln!("    installing rsigma {RSIGMA}, once; it takes some minutes");
        run(Command::new("cargo")
            .args(["install", "rsigma", "--version", RSIGMA, "--locked", "--quiet", "--root"])
            .arg(&folder)
            .arg("--target-dir")
            .arg(folder.join("build")))?;
    }
    Ok(program)
}

fn duckdb(workspace: &Workspace, install: bool) -> Result<PathBuf> {
    let folder = workspace.target.join("bench-tools/duckdb");
    let python = folder.join("bin/python");
    if !install {
        let (name, version) = DUCKDB[0];
        ensure!(
            python::has(&python, &DUCKDB),
            "{name} {version} is not installed, and --no-install was given"
        );
        return Ok(python);
    }
    python::environment(&folder, &DUCKDB)
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn nothing_is_installed_unless_asked_for() {
        let target = env::temp_dir().join("orgwatch-no-such-target");
        let workspace = Workspace { root: target.clone(), target, cargo_home: None };
        let tools = Tools::find(&workspace, false);
        assert!(tools.rsigma.unwrap_err().contains("--no-install"));
        assert!(tools.duckdb.unwrap_err().contains("--no-install"));
        assert!(!workspace.target.exists());
    }
}
