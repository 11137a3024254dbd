//! The program that `cargo xtask bench` runs: makes corpora and packs, times passes in process, and prints what
//! it has as one line of JSON.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};
use orgwatch_bench::measure::{self, Native, Shape, Wasm};
use orgwatch_bench::{corpus, hostile, packs};

/// Corpora, packs, and passes over them; started by `cargo xtask bench`, in the root of the checkout.
#[derive(Parser)]
struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a corpus, unless it is there; print what it is
    Corpus {
        folder: PathBuf,
        #[arg(long)]
        size: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The share of interesting events, from 0 to 1
        #[arg(long, default_value_t = 1.0 / 600.0)]
        share: f64,
        /// Fill events up to so many bytes
        #[arg(long)]
        event_size: Option<usize>,
        /// Also write the events as gzip objects of a bucket
        #[arg(long)]
        objects: bool,
    },
    /// Write a pack's rules without correlations
    Pack {
        folder: PathBuf,
        /// So many, the ones missing generated [default: all of ours]
        #[arg(long)]
        rules: Option<usize>,
    },
    /// Time one pass over a file of events
    Pass {
        #[arg(value_enum)]
        shape: Which,
        events: PathBuf,
        /// Bytes of a batch
        #[arg(long, default_value_t = 512 << 10)]
        batch: usize,
        /// Evaluate a pack of so many rules instead of ours; only native
        #[arg(long)]
        rules: Option<usize>,
        /// The component in this file instead of the one that the command carries
        #[arg(long)]
        component: Option<PathBuf>,
        /// Write what is found to this file
        #[arg(long)]
        findings: Option<PathBuf>,
    },
    /// Time one worst case of input, all in one batch; without a case, print their names
    Hostile {
        #[arg(value_enum)]
        shape: Which,
        case: Option<String>,
        /// About how many bytes
        #[arg(long, default_value_t = 1 << 20)]
        size: usize,
    },
    /// Decompress a folder of gzip files and print how many bytes came out
    Decompress { path: PathBuf },
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Which {
    Native,
    Component,
}

fn main() -> Result<()> {
    let root = Path::new(".");
    match Flags::parse().command {
        Command::Corpus { folder, size, seed, share, event_size, objects } => {
            let settings = corpus::Settings { size, seed, share, event_size, objects };
            let manifest = corpus::write(root, &folder, &settings)?;
            println!("{}", serde_json::to_string(&manifest)?);
        }
        Command::Pack { folder, rules } => packs::write(&packs::files(root, rules)?, &folder)?,
        Command::Pass { shape, events, batch, rules, component, findings } => {
            let mut shape = open(root, shape, rules, component.as_deref())?;
            pass(&mut *shape, &events, batch, findings.as_deref())?;
        }
        Command::Hostile { shape, case: Some(case), size } => {
            let known = hostile::CASES.iter().find(|(name, _)| *name == case);
            let (_, make) = known.with_context(|| format!("no case is named {case}"))?;
            let events = make(size);
            let mut shape = open(root, shape, None, None)?;
            let measured = measure::pass(&mut *shape, events.as_bytes(), usize::MAX, |_| Ok(()))?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Command::Hostile { case: None, .. } => {
            hostile::CASES.iter().for_each(|(name, _)| println!("{name}"));
        }
        Command::Decompress { path } => println!("{}", measure::decompress(&path)?),
    }
    Ok(())
}

fn open(
    root: &Path,
    which: Which,
    rules: Option<usize>,
    component: Option<&Path>,
) -> Result<Box<dyn Shape>> {
    Ok(match (which, rules) {
        (Which::Native, None) => Box::new(Native::new(orgwatch::rules::builtin_pack())?),
        (Which::Native, rules) => {
            Box::new(Native::new(packs::compile(&packs::files(root, rules)?)?)?)
        }
        (Which::Component, None) => Box::new(Wasm::new(component)?),
        (Which::Component, Some(_)) => anyhow::bail!("the component carries its own pack"),
    })
}

fn pass(shape: &mut dyn Shape, events: &Path, batch: usize, to: Option<&Path>) -> Result<()> {
    let events = fs::read(events).with_context(|| format!("cannot read {}", events.display()))?;
    let mut to = to.map(File::create).transpose()?.map(BufWriter::new);
    let measured = measure::pass(shape, &events, batch, |finding| match &mut to {
        Some(to) => measure::write_finding(finding, to),
        None => Ok(()),
    })?;
    if let Some(mut to) = to {
        to.flush()?;
    }
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}
