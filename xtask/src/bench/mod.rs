//! `cargo xtask bench`: orgwatch beside other tools, and how its cost grows.

mod attack;
mod check_results;
mod commands;
mod contenders;
mod corpus;
mod fleet;
mod fluent_bit;
mod hostile;
mod latency;
mod measure;
mod output_counter;
mod results;
mod scaling;
mod sigma;
mod size;
mod table;
mod thresholds;
pub mod tool;
mod tools;
mod vector;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::build::{build, cargo};
use crate::steps::Steps;
use crate::workspace::Workspace;
use contenders::Entry;
use corpus::Corpus;
use measure::{Row, interleave};
use results::{Machine, Results};
use size::Size;
use table::Section;
use tools::Tools;

/// The examples in the help.
pub const EXAMPLES: &str = "Examples:
  cargo xtask bench                             everything, on 256 MiB of events
  cargo xtask bench contenders --size 32M       a quick look beside other tools
  cargo xtask bench pack share --runs 3 --json
  VECTOR=~/vector cargo xtask bench vector      pipelines of a real Vector
  VECTOR=~/vector cargo xtask bench fleet       edges, a stream and detectors
  cargo xtask bench hostile --runs 1            time against size of the worst cases
  cargo xtask bench sigma --rules ../sigma/rules/cloud/aws --size 64M
  cargo xtask bench --record                    keep the figures in benches/results";

/// The flags of `cargo xtask bench`.
#[derive(Args)]
pub struct Flags {
    /// The parts to measure [default: everything]
    #[arg(value_enum, value_name = "NAME")]
    names: Vec<Name>,
    /// The bytes of events, with K, M or G as powers of 1024
    #[arg(long, default_value = "256M", value_name = "BYTES")]
    size: Size,
    /// The seed of the corpus
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// The number of runs of each contender; the median counts
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Print the raw figures as JSON instead of the table
    #[arg(long)]
    json: bool,
    /// Keep the raw figures in benches/results, one file a run
    #[arg(long)]
    record: bool,
    /// Leave out other tools that are not installed, instead of installing them
    #[arg(long)]
    no_install: bool,
    /// The folder of Sigma rules that `sigma` compares and measures beside our own
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// More events for `sigma` to compare on and for `attack` to repeat: records, one a line; may be given again
    #[arg(long, value_name = "FILE")]
    events: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// The component, the core, the command, and other tools at the same events
    Contenders,
    /// 1 to 1,000 rules
    Pack,
    /// 0.01% to 100% interesting events
    Share,
    /// The command and rsigma where 1 event in 35 is interesting, and on the --events that are given
    Attack,
    /// Events of 1 KB to 1 MB
    EventSize,
    /// One event a call to 32 MB a call
    Batch,
    /// One thread to all cores
    Threads,
    /// From start to the first finding
    Start,
    /// Pipelines of a real Fluent Bit (FLUENT_BIT or on the PATH), by user time
    FluentBit,
    /// Pipelines of a real Vector (VECTOR or on the PATH), and how long a batch takes
    Vector,
    /// Edges of a real Vector, a real nats-server (NATS_SERVER or on the PATH) and detectors, on loopback
    Fleet,
    /// Input made to take long, of 1 to 16 MiB
    Hostile,
    /// Rules of others (--rules) beside rsigma: the same pairs of rule and event, and how fast
    Sigma,
}

/// A run.
struct Bench<'a> {
    workspace: &'a Workspace,
    flags: &'a Flags,
    tools: Tools,
}

/// Builds, prepares, measures and prints.
pub fn run(workspace: &Workspace, steps: &mut Steps, flags: &Flags) -> Result<()> {
    build(workspace, steps)?;
    steps.command(
        "build what measures",
        cargo(workspace, "build").args(["--workspace", "--bin", "orgwatch-bench", "--examples"]),
    )?;
    fs::create_dir_all(workspace.target.join("bench/scratch"))?;
    let repeat = "cargo xtask bench";
    let names = if flags.names.is_empty() { Name::value_variants() } else { &flags.names };
    // Worst cases are measured without others.
    let install = !flags.no_install && names.iter().any(|name| *name != Name::Hostile);
    let find = || Ok(Tools::find(workspace, install));
    let tools = steps.run("prepare the other tools", repeat, find)?;
    let bench = Bench { workspace, flags, tools };
    let corpus = steps.run("make the corpus", repeat, || bench.corpus("main", &bench.main()))?;

    let (mut sections, mut agreement) = (Vec::new(), Vec::new());
    for name in names {
        let shown =
            name.to_possible_value().map_or(String::new(), |name| name.get_name().to_owned());
        let measured = steps.run(&format!("measure {shown}"), repeat, || match name {
            Name::Contenders => bench.contenders(&corpus, &mut agreement),
            Name::Pack => scaling::pack(&bench),
            Name::Share => scaling::share(&bench),
            Name::Attack => attack::data(&bench),
            Name::EventSize => scaling::event_size(&bench),
            Name::Batch => scaling::batch(&bench),
            Name::Threads => scaling::threads(&bench),
            Name::Start => scaling::start(&bench),
            Name::FluentBit => fluent_bit::pipelines(&bench),
            Name::Vector => Ok(vec![
                vector::pipelines(&bench, &corpus, &mut agreement)?,
                latency::batches(&bench, &corpus)?,
            ]),
            Name::Fleet => fleet::parts(&bench, &corpus, &mut agreement),
            Name::Hostile => hostile::cases(&bench),
            Name::Sigma => sigma::given(&bench, &corpus),
        })?;
        sections.extend(measured);
    }
    bench.report(&corpus, &sections, &agreement)
}

/// Runs everything once, on a corpus of next to nothing, with the tools that are there.
pub fn smoke(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let flags = Flags {
        names: Vec::new(),
        size: Size(1 << 20),
        seed: 1,
        runs: 1,
        json: false,
        record: false,
        no_install: true,
        rules: None,
        events: Vec::new(),
    };
    run(workspace, steps, &flags)
}

impl Bench<'_> {
    /// Checks that all find the same, and measures them.
    fn contenders(
        &self,
        corpus: &Corpus,
        agreement: &mut Vec<(String, String)>,
    ) -> Result<Vec<Section>> {
        let groups = [
            ("in memory", contenders::in_memory(self, corpus)),
            ("a plain file", contenders::plain(self, corpus)?),
            ("gzip objects", contenders::objects(self, corpus)),
        ];
        let mut sections = Vec::new();
        for (title, entries) in groups {
            sections.push(Section::new(title, self.compare(title, entries, corpus, agreement)?));
        }
        Ok(sections)
    }

    fn compare(
        &self,
        title: &str,
        entries: Vec<Entry>,
        corpus: &Corpus,
        agreement: &mut Vec<(String, String)>,
    ) -> Result<Vec<Row>> {
        let output = self.scratch("output");
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for entry in entries {
            match entry.contender {
                Ok(mut contender) => {
                    contender.run(&output)?;
                    match entry.finds.check(&output, corpus) {
                        Ok(same) => agreement.push((format!("{title}: {}", entry.name), same)),
                        Err(error) => bail!("{title}: {} does not agree: {error:#}", entry.name),
                    }
                    there.push(contender);
                }
                Err(why) => missing.push(Row::missing(entry.name, corpus.load(), why)),
            }
        }
        let mut rows = interleave(&mut there, self.runs(), &output)?;
        rows.append(&mut missing);
        Ok(rows)
    }

    fn report(
        &self,
        corpus: &Corpus,
        sections: &[Section],
        agreement: &[(String, String)],
    ) -> Result<()> {
        let aims = thresholds::of(sections);
        let machine = Machine::this();
        let mut table = vec![machine.line(), corpus.described(), String::new()];
        table.extend(agreement.iter().map(|(who, what)| format!("{who} finds {what}")));
        for section in sections {
            table.push(String::new());
            table.extend(table::lines(section));
        }
        table.push(String::new());
        table.extend(aims.iter().map(thresholds::Aim::line));
        let results = Results {
            table,
            date: results::date(),
            commit: results::commit(),
            machine,
            method: Results::METHOD,
            command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
            corpus: corpus.described(),
            tools: self.tools.versions(),
            agreement,
            sections,
            aims: &aims,
        };
        match self.flags.json {
            true => println!("{}", serde_json::to_string_pretty(&results)?),
            false => println!("{}", results.table.join("\n")),
        }
        if self.flags.record {
            eprintln!("recorded in {}", results.write(Path::new("benches/results"))?.display());
        }
        Ok(())
    }
}
