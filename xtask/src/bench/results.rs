//! The record of a run: raw figures with date, machine and method.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::table::Section;
use super::thresholds::Aim;
use crate::process::output;

const METHOD: &str = "Contenders run in turn, so many times each; tables show medians. In memory: one thread, \
    batches of 512 KiB, as orgwatch scan makes them, unless said otherwise, a new detector, the time of the \
    calls alone. Everything else: whole commands, output to a file, from start to exit, the corpus in the \
    page cache. CPU is user and system time. Vector: from the first event in its sink to the last, both \
    processes killed then. Batches: one at a time, each directly and through orgwatch, 2 ms of rest before \
    each. Speed to ours is by wall time / by CPU time; above 1 is faster than ours.";

/// One run.
#[derive(Serialize)]
pub struct Results<'a> {
    /// The table as it was printed.
    pub table: Vec<String>,
    /// When it was over.
    pub date: String,
    /// The commit, with a mark if the checkout differs from it.
    pub commit: String,
    /// The machine.
    pub machine: Machine,
    /// The method.
    pub method: &'static str,
    /// The command line.
    pub command: String,
    /// The corpus.
    pub corpus: String,
    /// The versions of the other tools.
    pub tools: Vec<String>,
    /// The findings that agree, by contender.
    pub agreement: &'a [(String, String)],
    /// Every figure.
    pub sections: &'a [Section],
    /// The aims, reached or missed.
    pub aims: &'a [Aim],
}

/// The machine of a run.
#[derive(Serialize)]
pub struct Machine {
    processor: String,
    cores: usize,
    memory_bytes: u64,
    system: String,
    /// Its load averages of 1, 5 and 15 minutes when the run was over.
    load: String,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':'))
                .map_or(String::new(), |(_, value)| value.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let kilobytes: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
        Machine {
            processor: field(&read("/proc/cpuinfo"), "model name"),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: kilobytes * 1024,
            system: output(Command::new("uname").args(["-srm"])).unwrap_or_default(),
            load: read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" "),
        }
    }

    /// In a line.
    pub fn line(&self) -> String {
        let Machine { processor, cores, memory_bytes, system, load } = self;
        let memory = memory_bytes / (1 << 30);
        format!("{processor}, {cores} cores, {memory} GiB, {system}; load averages {load}")
    }
}

impl Results<'_> {
    /// The method.
    pub const METHOD: &'static str = METHOD;

    /// Keeps it in a folder, in a file named by date, and says which.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let name = format!("{}.json", self.date.replace(':', ""));
        let path = folder.join(name);
        // What is kept is of the project, not of the folder that it was in.
        let root = format!("{}/", std::env::current_dir()?.display());
        let json = serde_json::to_string_pretty(self)?.replace(&root, "") + "\n";
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, json))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// The time now, to the second.
pub fn date() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default()
}

/// The commit of the checkout.
pub fn commit() -> String {
    let describe = ["describe", "--always", "--dirty", "--abbrev=12"];
    output(Command::new("git").args(describe)).unwrap_or_else(|_| "unknown".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_kept_under_its_date() {
        let folder = std::env::temp_dir().join(format!("orgwatch-results-{}", std::process::id()));
        let results = Results {
            table: vec!["a".into()],
            date: date(),
            commit: commit(),
            machine: Machine::this(),
            method: Results::METHOD,
            command: String::new(),
            corpus: String::new(),
            tools: Vec::new(),
            agreement: &[("jq".into(), "the same".into())],
            sections: &[],
            aims: &[],
        };
        let path = results.write(&folder).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            (&read["table"][0], &read["agreement"][0][1]),
            (&"a".into(), &"the same".into())
        );
        assert!(read["date"].as_str().unwrap().ends_with('Z'), "{read:#}");
        fs::remove_dir_all(folder).unwrap();
    }
}
