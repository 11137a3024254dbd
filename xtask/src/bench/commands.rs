//! The commands that are measured, with the corpora, packs and folders that they take.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::Bench;
use super::corpus::Corpus;
use crate::process::output;

impl Bench<'_> {
    /// A corpus of this name.
    pub(super) fn corpus(&self, name: &str, options: &[String]) -> Result<Corpus> {
        Corpus::make(self.workspace, name, options)
    }

    /// The options of the corpus that most is measured on.
    pub(super) fn main(&self) -> Vec<String> {
        let mut options = self.sized(self.flags.size.0);
        options.push("--objects".into());
        options
    }

    /// The options of a corpus of this size.
    pub(super) fn sized(&self, size: u64) -> Vec<String> {
        ["--size", &size.to_string(), "--seed", &self.flags.seed.to_string()]
            .map(str::to_owned)
            .to_vec()
    }

    pub(super) fn runs(&self) -> usize {
        usize::try_from(self.flags.runs).unwrap_or(usize::MAX)
    }

    /// The pack's Sigma part, or one of so many rules: a folder.
    pub(super) fn pack(&self, rules: Option<usize>) -> Result<PathBuf> {
        let size = rules.map_or("ours".to_owned(), |rules| rules.to_string());
        let folder = self.workspace.target.join("bench/packs").join(size);
        let mut command = Command::new(self.workspace.bench());
        command.arg("pack").arg(&folder);
        if let Some(rules) = rules {
            command.args(["--rules", &rules.to_string()]);
        }
        output(&mut command)?;
        Ok(folder)
    }

    /// A pass in process.
    pub(super) fn pass(&self, shape: &str, corpus: &Corpus) -> Command {
        let mut command = Command::new(self.workspace.bench());
        command.args(["pass", shape]).arg(corpus.lines()).env("ORGWATCH_CACHE_DIR", self.cache());
        command
    }

    /// `orgwatch scan` of a path.
    pub(super) fn scan(&self, threads: usize, path: &Path) -> Command {
        let mut command = Command::new(self.workspace.command());
        command.args(["scan", "--quiet", "--format", "json", "--threads", &threads.to_string()]);
        command.arg(path).env("ORGWATCH_CACHE_DIR", self.cache());
        command
    }

    /// rsigma with a pack.
    pub(super) fn rsigma(
        &self,
        program: &Path,
        rules: Option<usize>,
        events: &Path,
    ) -> Result<Command> {
        Ok(self.rsigma_with(program, &self.pack(rules)?, events))
    }

    /// rsigma with the rules of a folder.
    pub(super) fn rsigma_with(&self, program: &Path, rules: &Path, events: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["engine", "eval", "--quiet", "--input-format", "json", "--include-event"]);
        command.arg("--rules").arg(rules);
        command.arg("--event").arg(format!("@{}", events.display()));
        command
    }

    /// The cache of compiled code, so that only the first run compiles.
    pub(super) fn cache(&self) -> PathBuf {
        self.workspace.target.join("bench/cache")
    }

    pub(super) fn scratch(&self, name: &str) -> PathBuf {
        self.workspace.target.join("bench/scratch").join(name)
    }
}
