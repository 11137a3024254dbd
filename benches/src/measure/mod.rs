//! Passes over a corpus in memory, timed.

mod native;
mod wasm;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use flate2::bufread::MultiGzDecoder;
use memchr::memrchr;
use orgwatch::finding::Finding;
use orgwatch_host::input::{Source, walk};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

pub use native::Native;
pub use wasm::Wasm;

/// A pass is warmed up with so many bytes.
const WARM: usize = 4 << 20;

/// Something that examines batches of newline-delimited events.
pub trait Shape {
    /// Forgets all that was seen.
    fn reopen(&mut self) -> Result<()>;

    /// Examines a batch: how many events there were, and the findings.
    fn batch(&mut self, events: &[u8]) -> Result<(u64, Vec<Finding>)>;
}

/// The cost of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// Events examined.
    pub events: u64,
    /// Bytes examined.
    pub bytes: u64,
    /// Findings.
    pub findings: u64,
    /// Wall time in seconds.
    pub wall: f64,
    /// This thread's CPU time in seconds, the kernel's included.
    pub cpu: f64,
}

/// Times one pass over events in batches of about this many bytes, all on this thread. What is found
/// goes to `found`, outside the time.
pub fn pass(
    shape: &mut dyn Shape,
    events: &[u8],
    batch: usize,
    mut found: impl FnMut(&Finding) -> Result<()>,
) -> Result<Measured> {
    let batches = batches(events, batch);
    let mut warm = 0;
    for batch in batches.iter().take_while(|batch| {
        warm += batch.len();
        warm < WARM
    }) {
        shape.batch(batch)?;
    }
    shape.reopen()?;
    let mut measured =
        Measured { events: 0, bytes: events.len() as u64, findings: 0, wall: 0.0, cpu: 0.0 };
    for batch in batches {
        let (start, cpu) = (Instant::now(), cpu_time());
        let (events, findings) = shape.batch(batch)?;
        measured.wall += start.elapsed().as_secs_f64();
        measured.cpu += cpu_time().saturating_sub(cpu).as_secs_f64();
        measured.events += events;
        measured.findings += findings.len() as u64;
        findings.iter().try_for_each(&mut found)?;
    }
    Ok(measured)
}

/// Decompresses every file that a path leads to, and does nothing else: how many bytes came out.
pub fn decompress(path: &Path) -> Result<u64> {
    let mut bytes = 0;
    let mut buffer = Vec::new();
    for source in walk(&[path.to_owned()]) {
        let Source::File(file) = source.map_err(|error| error.source)? else { continue };
        let compressed =
            fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        buffer.clear();
        std::io::Read::read_to_end(&mut MultiGzDecoder::new(&compressed[..]), &mut buffer)
            .with_context(|| format!("cannot decompress {}", file.display()))?;
        bytes += buffer.len() as u64;
    }
    Ok(bytes)
}

/// Appends a finding as a line.
pub fn write_finding(finding: &Finding, to: &mut dyn std::io::Write) -> Result<()> {
    serde_json::to_writer(&mut *to, finding)?;
    Ok(to.write_all(b"\n")?)
}

/// Whole lines, as many as fit; one at least.
fn batches(events: &[u8], size: usize) -> Vec<&[u8]> {
    let mut batches = Vec::new();
    let mut rest = events;
    while !rest.is_empty() {
        let window = &rest[..rest.len().min(size.max(1))];
        let end = match memrchr(b'\n', window) {
            _ if window.len() == rest.len() => rest.len(),
            Some(at) => at + 1,
            None => memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1),
        };
        let (batch, left) = rest.split_at(end);
        batches.push(batch);
        rest = left;
    }
    batches
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests;
