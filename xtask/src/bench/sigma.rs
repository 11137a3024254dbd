//! Rules of others: whether they find the same as in the Sigma toolkit for Rust, and how fast.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Bench;
use super::corpus::Corpus;
use super::measure::{Contender, Row, interleave};
use super::table::Section;
use crate::build::cargo;
use crate::process::run;

/// The bytes of the corpus on which every pair of rule and event is compared.
const COMPARED: u64 = 4 << 20;

/// Compares pairs of rule and event in process, then times whole commands on the corpus. Both have the
/// given rules and our own.
pub fn given(bench: &Bench<'_>, corpus: &Corpus) -> Result<Vec<Section>> {
    let Some(rules) = &bench.flags.rules else {
        eprintln!("    sigma: left out, since no --rules were given");
        return Ok(Vec::new());
    };
    let rules = absolute(rules)?;
    pairs(bench, &rules)?;
    let ours = |name: &str, threads: usize| {
        let mut scan = bench.scan(threads, &corpus.lines());
        scan.arg("--rules").arg(&rules);
        Contender::new(name, scan, corpus.load())
    };
    // As it runs where nobody says how many threads, and beside it with one, as the other tool has.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut contenders = vec![ours("orgwatch scan", threads), ours("orgwatch scan, one thread", 1)];
    let mut missing = Vec::new();
    match &bench.tools.rsigma {
        Ok(program) => {
            let both = together(bench, &rules)?;
            let command = bench.rsigma_with(program, &both, &corpus.lines());
            contenders.push(Contender::new("rsigma, the same rules", command, corpus.load()));
        }
        Err(why) => {
            eprintln!("    rsigma is not there: the times in process above are all there is");
            missing.push(Row::missing("rsigma, the same rules", corpus.load(), why));
        }
    }
    let mut rows = interleave(&mut contenders, bench.runs(), &bench.scratch("output"))?;
    if let [ours, alone, theirs] = rows.as_slice()
        && let (Some(ours), Some(alone), Some(theirs)) = (ours.wall(), alone.wall(), theirs.wall())
    {
        eprintln!(
            "    orgwatch scan is {:.1} times as fast as rsigma with {threads} threads, {:.1} times with one",
            theirs / ours,
            theirs / alone
        );
    }
    rows.append(&mut missing);
    Ok(vec![Section::new("rules of others and our own", rows)])
}

/// Runs the comparison, which is a test: it ends with an error where pairs differ for no known reason.
fn pairs(bench: &Bench<'_>, rules: &Path) -> Result<()> {
    let size = ["--size", &COMPARED.to_string(), "--seed", &bench.flags.seed.to_string()];
    let corpus = bench.corpus("sigma", &size.map(str::to_owned))?;
    let mut events = vec![corpus.lines()];
    for file in &bench.flags.events {
        events.push(absolute(file)?);
    }
    let events: Vec<_> = events.iter().map(|path| path.display().to_string()).collect();
    run(cargo(bench.workspace, "test")
        .args(["--package", "orgwatch", "--test", "oracle", "--", "--ignored", "--nocapture"])
        .arg("given_rules_agree_with_the_oracle")
        .env("ORGWATCH_RULES", rules)
        .env("ORGWATCH_EVENTS", events.join("\n")))
}

/// A folder with the given rules and our own.
fn together(bench: &Bench<'_>, rules: &Path) -> Result<PathBuf> {
    let folder = bench.scratch("rules");
    if folder.is_dir() {
        fs::remove_dir_all(&folder)?;
    }
    copy(rules, &folder.join("given"))?;
    copy(&bench.pack(None)?, &folder.join("ours"))?;
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &to)?,
            false => drop(fs::copy(&path, &to)?),
        }
    }
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))
}
