//! The module in a real Fluent Bit, as `fluent-bit-config/annotate.yaml` loads it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::events::{Load, event, numbers};

/// The longest that the events may take.
const PATIENCE: Duration = Duration::from_secs(300);

const EVENTS: u64 = 30_000;

/// Feeds it the mix, ends it in the middle, starts it again, and says what arrived.
pub fn run(program: &Path, module: &Path, folder: &Path) -> Result<String> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    let (mut text, mut sent, mut found) = (String::new(), BTreeSet::new(), BTreeSet::new());
    for number in 0..EVENTS {
        let (line, finding) = event(number, Load::Mix);
        sent.extend(numbers(&line));
        if finding {
            found.insert(number);
        }
        text += &line;
        text.push('\n');
    }
    fs::write(folder.join("events.ndjson"), text)?;
    let mut configuration = String::new();
    for line in fs::read_to_string("fluent-bit-config/annotate.yaml")?.lines() {
        let path = |name: &str| folder.join(name).display().to_string();
        let value = match line.split_once(':').map(|(key, _)| key) {
            Some("  events") => Some(("events", path("events.ndjson"))),
            Some("  module") => Some(("module", module.display().to_string())),
            Some("  state") => Some(("state", path("state"))),
            Some("  out") => Some(("out", path("out"))),
            Some("  findings") => Some(("findings", path("findings"))),
            _ => None,
        };
        match value {
            Some((key, value)) => configuration += &format!("  {key}: {value}\n"),
            None => configuration += &format!("{line}\n"),
        }
    }
    let file = folder.join("fluent-bit.yaml");
    fs::write(&file, configuration)?;

    let mut first = start(program, &file, folder)?;
    thread::sleep(Duration::from_secs(3));
    let ended = end(&mut first)?;
    let mut second = start(program, &file, folder)?;
    let begun = Instant::now();
    let outcome = loop {
        let arrived = arrived_with(&folder.join("out/cloudtrail.ndjson"), "");
        let findings =
            arrived_with(&folder.join("findings/findings.ndjson"), "member-left-organization");
        let lost = sent.difference(&arrived).count();
        let findings_lost = found.difference(&findings).count();
        if lost == 0 && findings_lost == 0 {
            break Ok(format!(
                "{} events, 0 lost, {} findings, 0 lost; an end in the middle took {:.1} s",
                sent.len(),
                found.len(),
                ended.as_secs_f64()
            ));
        }
        if begun.elapsed() > PATIENCE {
            break Err(anyhow::anyhow!(
                "{lost} events and {findings_lost} findings did not arrive"
            ));
        }
        thread::sleep(Duration::from_secs(1));
    };
    end(&mut second)?;
    outcome
}

fn start(program: &Path, configuration: &Path, folder: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(folder.join("log"))?;
    Command::new(program)
        .arg("-c")
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))
}

fn end(child: &mut Child) -> Result<Duration> {
    let begun = Instant::now();
    ensure!(Command::new("kill").arg(child.id().to_string()).status()?.success(), "it is gone");
    while begun.elapsed() < Duration::from_secs(60) {
        if child.try_wait()?.is_some() {
            return Ok(begun.elapsed());
        }
        thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    bail!("Fluent Bit does not end")
}

/// The numbers on the lines of a file that have this text.
fn arrived_with(file: &Path, text: &str) -> BTreeSet<u64> {
    let bytes = fs::read(file).unwrap_or_default();
    let all = String::from_utf8_lossy(&bytes);
    all.lines().filter(|line| line.contains(text)).flat_map(numbers).collect()
}
