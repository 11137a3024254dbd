//! `cargo xtask soak`: the service and the command under load and with faults, and a table of what was lost.

mod disk;
mod downstream;
mod events;
mod fluent_bit;
mod service;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
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
    /// How long all of it takes, about
    #[arg(long, default_value_t = 3)]
    minutes: u32,
}

/// One fault: the load, what is wrong downstream, and whether the disk of the state is full.
struct Try {
    name: &'static str,
    load: Load,
    fault: Fault,
    full_disk: bool,
}

const TRIES: [Try; 7] = [
    Try { name: "mix, hostile events", load: Load::Mix, fault: Fault::None, full_disk: false },
    Try { name: "all of it interesting", load: Load::All, fault: Fault::None, full_disk: false },
    Try { name: "downstream slow", load: Load::Mix, fault: Fault::Slow, full_disk: false },
    Try { name: "downstream gone", load: Load::Mix, fault: Fault::Gone, full_disk: false },
    Try { name: "downstream nonsense", load: Load::Mix, fault: Fault::Nonsense, full_disk: false },
    Try { name: "clock that jumps", load: Load::Jumps, fault: Fault::None, full_disk: false },
    Try { name: "disk full", load: Load::All, fault: Fault::None, full_disk: true },
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
    let time = Duration::from_secs(u64::from(flags.minutes) * 60) / (TRIES.len() as u32 + 1);
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
        if let (true, Err(why)) = (tried.full_disk, &disk) {
            steps.skip(&name, &format!("no small disk can be mounted: {why:#}"));
            continue;
        }
        let outcome = steps
            .run(&name, "cargo xtask soak", || serve(&command, &folder, tried, disk.ok(), time))?;
        table += &outcome.row(tried.name);
        if !outcome.is_good() {
            failed.push(tried.name);
        }
    }
    let scanned = steps.run("scan", "cargo xtask soak", || scan(&command, &folder, time))?;
    let module = workspace.root.join("dist").join(concat!(
        "orgwatch-",
        env!("CARGO_PKG_VERSION"),
        "-fluent-bit.wasm"
    ));
    match named_or_on_path("FLUENT_BIT", "fluent-bit") {
        Ok(program) => {
            let run = || fluent_bit::run(&program, &module, &folder);
            let outcome = steps.run("Fluent Bit", "cargo xtask soak", run)?;
            table += &format!("\nFluent Bit: {outcome}");
        }
        Err(why) => steps.skip("Fluent Bit", &why),
    }
    println!("{table}\nscan: {scanned}");
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
    let state = if tried.full_disk { folder.join("disk/state") } else { folder.join("state") };
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
            if let Some(disk) = &disk {
                disk.grow()?;
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

/// The same events from files, again and again; and an end in the middle.
fn scan(command: &Path, folder: &Path, time: Duration) -> Result<String> {
    let events = 20_000;
    let (mut text, mut wanted) = (String::new(), 0);
    for number in 0..events {
        let (line, found) = event(number, Load::Jumps);
        text += &line;
        text.push('\n');
        wanted += usize::from(found);
    }
    let file = folder.join("events.ndjson");
    fs::write(&file, text)?;
    let (begun, mut runs) = (Instant::now(), 0);
    while runs == 0 || begun.elapsed() < time {
        let ran = Command::new(command).args(["scan", "--format", "json"]).arg(&file).output()?;
        let out = String::from_utf8_lossy(&ran.stdout);
        let found =
            out.lines().filter(|line| line.contains("\"member-left-organization\"")).count();
        ensure!(found == wanted, "{found} of {wanted} findings, {}", ran.status);
        runs += 1;
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full")?;
    let ran =
        Command::new(command).arg("scan").arg(&file).stdout(full).stderr(Stdio::null()).status()?;
    ensure!(ran.code() == Some(2), "a full disk ends a scan with {ran}");
    if let Ok(disk) = Disk::small(&folder.join("disk")) {
        disk.read_only()?;
        let state = folder.join("disk/state");
        let ran =
            Command::new(command).args(["learn", "--state"]).arg(&state).arg(&file).output()?;
        ensure!(ran.status.code() == Some(2), "a read-only disk ends learn with {}", ran.status);
    }
    Ok(format!(
        "{runs} runs of {events} events, {wanted} findings in each; a full disk ends it with 2, and a read-only one learn"
    ))
}
