//! Running contenders in turn, and what each took.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use wait4::Wait4 as _;

use crate::process::shown;

/// The time and memory of one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds that passed.
    pub wall: f64,
    /// Seconds that processors worked for it, the kernel's part included.
    pub cpu: f64,
    /// The part of `cpu` that was not in the kernel; only of whole commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<f64>,
    /// The most memory it had, in bytes; only of whole commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

/// The percentiles of the time of a batch that are reported, in thousandths.
pub const PER_MILLE: [usize; 4] = [500, 900, 990, 999];

/// The times that batches took.
#[derive(Debug, Serialize)]
pub struct Waits {
    /// The service that answered them.
    pub name: String,
    /// The number of batches.
    pub batches: usize,
    /// In seconds, by [`PER_MILLE`].
    pub percentiles: [f64; 4],
}

impl Waits {
    /// Percentiles of at least one time in seconds.
    pub fn of(name: &str, mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |per_mille: usize| times[(per_mille * times.len()).div_ceil(1000) - 1];
        Waits { name: name.into(), batches: times.len(), percentiles: PER_MILLE.map(at) }
    }
}

/// A tool that reads a corpus and is timed.
pub struct Contender {
    /// Its name in the table.
    pub name: String,
    /// The command.
    pub command: Command,
    /// The command times itself: it prints a [`Sample`].
    pub times_itself: bool,
    /// Exit codes that mean that it did its work.
    pub codes: &'static [i32],
    /// Its input.
    pub load: Load,
}

/// The events and bytes to go through.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Load {
    /// Events.
    pub events: u64,
    /// Bytes of events, decompressed.
    pub bytes: u64,
}

/// The runs of one contender, or the reason why there are none.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The command, as typed into a shell.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// Its input.
    pub load: Load,
    /// Every run.
    pub samples: Vec<Sample>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

impl Contender {
    /// A whole command, which ends with 0.
    pub fn new(name: impl Into<String>, command: Command, load: Load) -> Self {
        Contender { name: name.into(), command, times_itself: false, codes: &[0], load }
    }

    /// A command that times itself.
    pub fn timed(name: impl Into<String>, command: Command, load: Load) -> Self {
        Contender { times_itself: true, ..Self::new(name, command, load) }
    }

    /// Runs it once, its output to a file.
    pub fn run(&mut self, output: &Path) -> Result<Sample> {
        let (shown, codes) = (shown(&self.command), self.codes);
        let file =
            File::create(output).with_context(|| format!("cannot write {}", output.display()))?;
        self.command.stdin(Stdio::null()).stdout(file).stderr(Stdio::inherit());
        let start = Instant::now();
        let ended = self.command.spawn().and_then(|mut child| child.wait4());
        let wall = start.elapsed().as_secs_f64();
        let ended = ended.with_context(|| format!("cannot run `{shown}`"))?;
        let code = ended.status.code().unwrap_or(-1);
        ensure!(codes.contains(&code), "`{shown}`: {}", ended.status);
        if self.times_itself {
            let printed = std::fs::read(output)?;
            return serde_json::from_slice(&printed)
                .with_context(|| format!("`{shown}` did not print what it took"));
        }
        let user = ended.rusage.utime.as_secs_f64();
        Ok(Sample {
            wall,
            cpu: user + ended.rusage.stime.as_secs_f64(),
            user: Some(user),
            memory: Some(ended.rusage.maxrss),
        })
    }
}

/// Runs all contenders in turn, so often: what disturbs the machine for a while disturbs all of them.
pub fn interleave(contenders: &mut [Contender], runs: usize, output: &Path) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = contenders
        .iter()
        .map(|contender| Row {
            name: contender.name.clone(),
            command: shown(&contender.command),
            load: contender.load,
            samples: Vec::new(),
            missing: None,
        })
        .collect();
    for _ in 0..runs {
        for (contender, row) in contenders.iter_mut().zip(&mut rows) {
            row.samples.push(contender.run(output)?);
        }
    }
    Ok(rows)
}

impl Row {
    /// A contender that is not there.
    pub fn missing(name: impl Into<String>, load: Load, why: impl Into<String>) -> Self {
        let (name, missing) = (name.into(), Some(why.into()));
        Row { name, command: String::new(), load, samples: Vec::new(), missing }
    }

    /// The median of its wall times; none if there are no runs.
    pub fn wall(&self) -> Option<f64> {
        median(self.samples.iter().map(|sample| sample.wall))
    }

    /// The median of its processor times.
    pub fn cpu(&self) -> Option<f64> {
        median(self.samples.iter().map(|sample| sample.cpu))
    }

    /// The most memory it had in any run.
    pub fn memory(&self) -> Option<u64> {
        self.samples.iter().filter_map(|sample| sample.memory).max()
    }
}

/// The value in the middle; the mean of the two there, if they are of even number.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Contender {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Contender::new("shell", command, Load { events: 1, bytes: 1 })
    }

    fn output(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("orgwatch-bench-{}-{name}", std::process::id()))
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let of = |values: &[f64]| median(values.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn what_a_command_takes_is_measured() {
        let file = output("busy");
        let busy = "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done";
        let sample = shell(busy).run(&file).unwrap();
        assert!(sample.cpu > 0.0 && sample.memory.unwrap() > 100_000, "{sample:?}");
        assert!(sample.user.unwrap() <= sample.cpu);
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_command_that_fails_is_named() {
        let file = output("fails");
        let error = shell("exit 3").run(&file).unwrap_err().to_string();
        assert!(error.contains("sh -c") && error.contains("exit status: 3"), "{error}");
        let mut found = shell("exit 3");
        found.codes = &[0, 3];
        assert!(found.run(&file).is_ok());
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_command_that_times_itself_is_believed() {
        let file = output("timed");
        let mut timed = shell(r#"echo '{"wall": 2.0, "cpu": 1.5, "events": 7}'"#);
        timed.times_itself = true;
        let rows = interleave(&mut [timed], 3, &file).unwrap();
        assert_eq!(rows[0].samples.len(), 3);
        assert_eq!((rows[0].wall(), rows[0].cpu(), rows[0].memory()), (Some(2.0), Some(1.5), None));
        let mut silent = shell("true");
        silent.times_itself = true;
        assert!(silent.run(&file).is_err());
        std::fs::remove_file(file).unwrap();
    }
}
