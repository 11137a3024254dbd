//! `orgwatch scan` and `learn`, again and again, and onto disks that take nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::disk::Disk;
use super::events::{Load, event};

/// Writes events to a file, and says how many have a finding.
pub fn write_events(file: &Path, events: u64) -> Result<usize> {
    let (mut text, mut wanted) = (String::new(), 0);
    for number in 0..events {
        let (line, found) = event(number, Load::Jumps);
        text += &line;
        text.push('\n');
        wanted += usize::from(found);
    }
    fs::write(file, text)?;
    Ok(wanted)
}

/// The same events from files, again and again.
pub fn run(command: &Path, folder: &Path, time: Duration) -> Result<String> {
    let events = 20_000;
    let file = folder.join("events.ndjson");
    let wanted = write_events(&file, events)?;
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
