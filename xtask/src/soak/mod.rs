//! `cargo xtask soak`: the service and the command under load and with faults, and a table of what was lost.

mod disk;
mod downstream;
mod events;
mod fluent_bit;
mod interrupt;
mod scan;
mod service;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::bench::tool::named_or_on_path;
use crate::steps::Steps;
use crate::workspace::Workspace;
use disk::Disk;
use downstream::{Downstream, Fault};
use events::{Load, event};
use service::Service;

/// The examples of the help.
pub const EXAMPLES: &str = "Examples:
  cargo xtask build && cargo xtask soak
  cargo xtask soak --minutes 60";

/// Senders at the same time, as a router has.
const SENDERS: usize = 4;

/// Events of one batch.
const BATCH: u64 = 200;

/// The longest that an end in the middle of the load may take.
const LONGEST_END: Duration = Duration::from_secs(15);

/// The most memory of the service, in MiB: what its unit allows.
const MOST_MEMORY: u64 = 2048;

/// The options of the command.
#[derive(clap::Args)]
pub struct Flags {
    /// How long the load lasts, without starts and ends: at least one of the minutes is of nothing but
    /// events of interest, and every other fault, and scan, has an equal share of the rest
    #[arg(long, default_value_t = 5)]
    minutes: u32,
}

/// The disk that the state is on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Medium {
    Good,
    /// So small that it is full soon.
    Full,
    /// Read-only from the middle of the load on.
    ReadOnly,
}

/// One fault: the load, what is wrong downstream, and with the disk of the state.
struct Try {
    name: &'static str,
    load: Load,
    fault: Fault,
    medium: Medium,
}

impl Try {
    const fn new(name: &'static str, load: Load, fault: Fault, medium: Medium) -> Self {
        Try { name, load, fault, medium }
    }

    /// How long the load lasts.
    fn time(&self, all: Duration) -> Duration {
        let interesting = MINUTE.max(all / PARTS);
        let is_interesting = self.load == Load::All && self.medium == Medium::Good;
        if is_interesting { interesting } else { share(all) }
    }
}

/// The part of each of the others.
fn share(all: Duration) -> Duration {
    let rest = all.saturating_sub(MINUTE.max(all / PARTS)) / (PARTS - 1);
    rest.max(Duration::from_secs(5))
}

const MINUTE: Duration = Duration::from_secs(60);

/// The tries, and `scan`.
const PARTS: u32 = TRIES.len() as u32 + 1;

const TRIES: [Try; 8] = [
    Try::new("mix, hostile events", Load::Mix, Fault::None, Medium::Good),
    Try::new("all of it interesting", Load::All, Fault::None, Medium::Good),
    Try::new("downstream slow", Load::Mix, Fault::Slow, Medium::Good),
    Try::new("downstream gone", Load::Mix, Fault::Gone, Medium::Good),
    Try::new("downstream nonsense", Load::Mix, Fault::Nonsense, Medium::Good),
    Try::new("clock that jumps", Load::Jumps, Fault::None, Medium::Good),
    Try::new("disk full", Load::All, Fault::None, Medium::Full),
    Try::new("disk turns read-only", Load::Mix, Fault::None, Medium::ReadOnly),
];

/// What came of a try.
#[derive(Default)]
struct Outcome {
    sent: u64,
    refused: u64,
    lost: usize,
    findings: usize,
    findings_lost: usize,
    memory: u64,
    files: (usize, usize),
    end: Duration,
}

/// Runs all tries, and fails if an event or a finding was lost.
pub fn run(workspace: &Workspace, steps: &mut Steps, flags: &Flags) -> Result<()> {
    let command = workspace.command();
    ensure!(command.exists(), "there is no {}: cargo xtask build", command.display());
    let time = MINUTE * flags.minutes;
    let folder = workspace.target.join("soak");
    let mut table = String::from(
        "| fault | events taken | answered to send again | events lost | findings | findings lost | memory, MiB | files | end, s |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut failed = Vec::new();
    for tried in &TRIES {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let name = format!("serve: {}", tried.name);
        let disk = Disk::small(&folder.join("disk"));
        if let (true, Err(why)) = (tried.medium != Medium::Good, &disk) {
            steps.skip(&name, &format!("no disk can be mounted: {why:#}"));
            continue;
        }
        let outcome = steps.run(&name, "cargo xtask soak", || {
            serve(&command, &folder, tried, disk.ok(), tried.time(time))
        })?;
        table += &outcome.row(tried.name);
        if !outcome.is_good() {
            failed.push(tried.name);
        }
    }
    println!("{table}");
    let scanned =
        steps.run("scan", "cargo xtask soak", || scan::run(&command, &folder, share(time)))?;
    let interrupted = steps.run("scan: interrupted", "cargo xtask soak", || {
        interrupt::run(&command, &folder, share(time))
    })?;
    let module = workspace.root.join("dist").join(concat!(
        "orgwatch-",
        env!("CARGO_PKG_VERSION"),
        "-fluent-bit.wasm"
    ));
    println!("scan: {scanned}\nscan, interrupted: {interrupted}");
    match named_or_on_path("FLUENT_BIT", "fluent-bit") {
        Ok(program) => {
            let run = || fluent_bit::run(&program, &module, &folder);
            let outcome = steps.run("Fluent Bit", "cargo xtask soak", run)?;
            println!("Fluent Bit: {outcome}");
        }
        Err(why) => steps.skip("Fluent Bit", &why),
    }
    ensure!(failed.is_empty(), "something was lost, or too much taken: {}", failed.join(", "));
    Ok(())
}

impl Outcome {
    fn is_good(&self) -> bool {
        self.sent > 0
            && self.lost == 0
            && self.findings_lost == 0
            && self.memory < MOST_MEMORY
            && self.end < LONGEST_END
    }

    fn row(&self, name: &str) -> String {
        format!(
            "| {name} | {} | {} | {} | {} | {} | {} | {} → {} | {:.1} |\n",
            self.sent,
            self.refused,
            self.lost,
            self.findings,
            self.findings_lost,
            self.memory,
            self.files.0,
            self.files.1,
            self.end.as_secs_f64()
        )
    }
}

fn serve(
    command: &Path,
    folder: &Path,
    tried: &Try,
    disk: Option<Disk>,
    time: Duration,
) -> Result<Outcome> {
    let on_disk = tried.medium != Medium::Good;
    let state = folder.join(if on_disk { "disk/state" } else { "state" });
    let downstream = Downstream::start()?;
    let mut outcome = Outcome::default();
    let first = Service::start(command, folder, &state, &downstream.url())?;
    outcome.files.0 = first.usage().1;
    let next = AtomicU64::new(0);
    let refused = AtomicU64::new(0);
    let (done, stopped) = (AtomicBool::new(false), AtomicBool::new(false));
    let taken = Mutex::new((BTreeSet::new(), BTreeSet::new()));
    let address = Mutex::new(first.address.clone());
    let begun = Instant::now();
    thread::scope(|scope| -> Result<()> {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let start = next.fetch_add(BATCH, Ordering::SeqCst);
                    let lines: Vec<_> =
                        (start..start + BATCH).map(|number| event(number, tried.load)).collect();
                    let body: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
                    loop {
                        let to = address.lock().unwrap_or_else(PoisonError::into_inner).clone();
                        if Service::post(&to, &body) {
                            break;
                        }
                        refused.fetch_add(1, Ordering::SeqCst);
                        if stopped.load(Ordering::SeqCst) {
                            return;
                        }
                        thread::sleep(Duration::from_millis(100));
                    }
                    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                    for (number, (line, found)) in (start..).zip(&lines) {
                        // What holds no number cannot be followed.
                        if events::numbers(line).next().is_some() {
                            taken.0.insert(number);
                        }
                        if *found {
                            taken.1.insert(number);
                        }
                    }
                }
            });
        }
        let work = || -> Result<()> {
            downstream.fault(tried.fault);
            let mut service = Some(first);
            let disk = disk.as_ref().filter(|_| on_disk);
            if tried.medium == Medium::ReadOnly
                && let Some(disk) = disk
            {
                disk.grow()?;
                thread::sleep(time / 2);
                disk.read_only()?;
            }
            while begun.elapsed() < time {
                thread::sleep(Duration::from_millis(200));
                let Some(now) = &service else { break };
                outcome.memory = outcome.memory.max(now.usage().0 / 1024);
                outcome.files.1 = outcome.files.1.max(now.usage().1);
            }
            // An end in the middle of the load, and another service that goes on.
            let ended = service.take().context("it runs")?.stop()?;
            outcome.end = ended;
            downstream.fault(Fault::None);
            match (tried.medium, disk) {
                (Medium::ReadOnly, Some(disk)) => disk.writable()?,
                (_, Some(disk)) => disk.grow()?,
                _ => {}
            }
            let second = Service::start(command, folder, &state, &downstream.url())?;
            *address.lock().unwrap_or_else(PoisonError::into_inner) = second.address.clone();
            thread::sleep(Duration::from_secs(2));
            done.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_secs(12));
            service = Some(second);
            stopped.store(true, Ordering::SeqCst);
            drop(service.take().map(Service::stop));
            Ok(())
        };
        let worked = work();
        done.store(true, Ordering::SeqCst);
        stopped.store(true, Ordering::SeqCst);
        worked
    })?;
    let (events, findings) = taken.into_inner().unwrap_or_else(PoisonError::into_inner);
    let arrived = downstream.take();
    outcome.sent = events.len() as u64;
    outcome.refused = refused.into_inner();
    outcome.lost = events.iter().filter(|number| !arrived.contains_key(number)).count();
    outcome.findings = findings.len();
    let without = |number: &&u64| !arrived.get(number).is_some_and(|found| *found);
    outcome.findings_lost = findings.iter().filter(without).count();
    Ok(outcome)
}
