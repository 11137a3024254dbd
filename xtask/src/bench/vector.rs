//! Pipelines of a real Vector, as `vector-config/` ships them: without orgwatch, and with it beside.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wait4::Wait4 as _;

use super::Bench;
use super::check_results::Finds;
use super::corpus::Corpus;
use super::measure::{Row, Sample};
use super::output_counter::OutputCounter;
use super::table::Section;
use super::tool::{Tool, named_or_on_path};
use crate::process::{output, shown};

/// The section's title, by which its aims find it.
pub const TITLE: &str = "Vector, 3 pipelines";
/// The rows, in their order: Vector by itself, and where orgwatch runs beside it, both.
pub const ROWS: [&str; 5] =
    ["Vector alone", "Vector, tap", "orgwatch, tap", "Vector, annotate", "orgwatch, annotate"];

/// Which rows a pipeline fills, and the configuration of its loop.
const PIPELINES: [(usize, Option<&str>); 3] = [(0, None), (1, Some("tap")), (3, Some("annotate"))];

/// The longest that a pipeline may go on without an end in sight.
const PATIENCE: Duration = Duration::from_secs(300);

/// The interval at which the output is counted.
const GLANCE: Duration = Duration::from_millis(10);

/// The program: `VECTOR`, or from the PATH.
pub fn find() -> Tool {
    named_or_on_path("VECTOR", "vector")
}

/// The version line of the program, for the record.
pub fn version(program: &Path) -> Option<String> {
    output(Command::new(program).arg("--version")).ok()
}

/// Measures them, if there is a Vector.
pub fn pipelines(
    bench: &Bench<'_>,
    corpus: &Corpus,
    agreement: &mut Vec<(String, String)>,
) -> Result<Section> {
    let mut rows: Vec<Row> =
        ROWS.iter().map(|name| Row::missing(*name, corpus.load(), "")).collect();
    match &bench.tools.vector {
        Err(why) => rows.iter_mut().for_each(|row| row.missing = Some(why.clone())),
        Ok(program) => {
            rows.iter_mut().for_each(|row| row.missing = None);
            for nth in 0..bench.runs() {
                for (first, kind) in PIPELINES {
                    let name = ROWS[first];
                    let run = Pipeline::run(bench, program, corpus, kind);
                    let run = run.with_context(|| name.to_owned())?;
                    if let Some(same) = run.found.filter(|_| nth == 0) {
                        agreement.push((name.to_owned(), same));
                    }
                    for (row, (command, sample)) in rows[first..].iter_mut().zip(run.samples) {
                        row.command = command;
                        row.samples.push(sample);
                    }
                }
            }
        }
    }
    Ok(Section::new(TITLE, rows))
}

/// The result of a run: of Vector, and of orgwatch if it ran.
struct Measured {
    samples: Vec<(String, Sample)>,
    found: Option<String>,
}

/// Processes with a folder, which end with it.
struct Pipeline {
    folder: PathBuf,
    running: Vec<(String, Child)>,
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Pipeline {
    /// Runs one until all events have come out, and all findings.
    fn run(
        bench: &Bench<'_>,
        program: &Path,
        corpus: &Corpus,
        kind: Option<&str>,
    ) -> Result<Measured> {
        let mut pipeline = Pipeline { folder: bench.scratch("vector"), running: Vec::new() };
        let _ = fs::remove_dir_all(&pipeline.folder);
        let (to, back) = (free_port()?, free_port()?);
        let configs = pipeline.prepare(corpus, kind, [to, back])?;
        if let Some(kind) = kind {
            let mut orgwatch = Command::new(bench.workspace.command());
            orgwatch.args(["serve", "--listen", &format!("127.0.0.1:{to}")]);
            orgwatch.args(["--forward", &format!("http://127.0.0.1:{back}/"), "--log", "json"]);
            orgwatch.arg("--state").arg(pipeline.folder.join("orgwatch.state"));
            if kind == "tap" {
                orgwatch.arg("--findings-only");
            }
            pipeline.start(orgwatch.env("ORGWATCH_CACHE_DIR", bench.cache()), "orgwatch.log")?;
            pipeline.until("orgwatch does not listen", || {
                Ok(TcpStream::connect(("127.0.0.1", to)).is_ok())
            })?;
        }
        let mut vector = Command::new(program);
        vector.arg("--quiet");
        for config in configs {
            vector.arg("--config").arg(config);
        }
        pipeline.start(&mut vector, "vector.log")?;

        let mut arrived = OutputCounter::new(pipeline.folder.join("out"));
        let mut begun = Instant::now();
        pipeline.until("it does not come to an end", || {
            if arrived.lines == 0 {
                begun = Instant::now();
            }
            Ok(arrived.count()? >= corpus.load().events)
        })?;
        let wall = begun.elapsed().as_secs_f64();

        let mut found = None;
        if kind.is_some() {
            // Those of the tap come when its batch is full or its time is up.
            let findings =
                Finds::OurFindingsIn(pipeline.folder.join("out/orgwatch-findings.ndjson"));
            let mut same = Err(anyhow::anyhow!("it finds nothing"));
            let agreed = pipeline.until("", || {
                same = findings.check(Path::new(""), corpus);
                Ok(same.is_ok())
            });
            found = Some(same?);
            agreed?;
        }
        let samples = pipeline.end(wall)?;
        let _ = fs::remove_dir_all(&pipeline.folder);
        Ok(Measured { samples, found })
    }

    /// Its folder, with the events and the configurations that are shipped, for paths and ports of
    /// its own.
    fn prepare(
        &self,
        corpus: &Corpus,
        kind: Option<&str>,
        [to, back]: [u16; 2],
    ) -> Result<Vec<PathBuf>> {
        let folder = |name: &str| -> Result<String> {
            let folder = self.folder.join(name);
            fs::create_dir_all(&folder)?;
            Ok(folder.display().to_string())
        };
        let replaced = [
            ("/var/lib/vector", folder("data")?),
            ("/var/log/cloudtrail", folder("in")?),
            ("/var/log/vector", folder("out")?),
            ("127.0.0.1:6002", format!("127.0.0.1:{back}")),
            ("127.0.0.1:6003", format!("127.0.0.1:{to}")),
        ];
        fs::hard_link(corpus.lines(), self.folder.join("in/events.ndjson"))?;
        let shipped = |name: &str| {
            let file = Path::new("vector-config").join(name).with_extension("yaml");
            super::corpus::read(&file)
        };
        let mut configs = vec![shipped("source-files")?];
        match kind {
            Some(kind) => configs.extend([shipped(kind)?, shipped("findings-file")?]),
            None => configs.push(only_events(&shipped("tap")?)?),
        }
        let mut files = Vec::new();
        for (nth, config) in configs.iter_mut().enumerate() {
            for (from, to) in &replaced {
                *config = config.replace(from, to);
            }
            let file = self.folder.join(format!("{nth}.yaml"));
            fs::write(&file, config)?;
            files.push(file);
        }
        Ok(files)
    }

    fn start(&mut self, command: &mut Command, log: &str) -> Result<()> {
        let shown = shown(command);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(self.folder.join(log))?);
        let child = command.spawn().with_context(|| format!("cannot run `{shown}`"))?;
        self.running.push((shown, child));
        Ok(())
    }

    /// Waits for something, as long as all are running.
    fn until(&mut self, problem: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !done()? {
            if start.elapsed() > PATIENCE {
                bail!("{problem}; the logs are in {}", self.folder.display());
            }
            for (shown, child) in &mut self.running {
                if let Some(status) = child.try_wait()? {
                    bail!("`{shown}`: {status}; its log is in {}", self.folder.display());
                }
            }
            thread::sleep(GLANCE);
        }
        Ok(())
    }

    /// Ends them, and gives the cost of each: the last was Vector, which ends first.
    fn end(&mut self, wall: f64) -> Result<Vec<(String, Sample)>> {
        let mut samples = Vec::new();
        while let Some((shown, mut child)) = self.running.pop() {
            child.kill()?;
            let used = child.wait4()?.rusage;
            let user = used.utime.as_secs_f64();
            let cpu = user + used.stime.as_secs_f64();
            samples
                .push((shown, Sample { wall, cpu, user: Some(user), memory: Some(used.maxrss) }));
        }
        Ok(samples)
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The sink of a loop that stands for the user's own.
fn only_events(config: &str) -> Result<String> {
    let sink = config.split("\n  events:\n").nth(1).and_then(|rest| rest.split("\n\n").next());
    Ok(format!("sinks:\n  events:\n{}\n", sink.context("tap.yaml has no sink `events`")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sink_of_the_events_is_taken_alone() {
        let config =
            "sinks:\n  other:\n    a: 1\n\n  events:\n    b: 2\n    c: 3\n\nsources:\n  d: 4\n";
        assert_eq!(only_events(config).unwrap(), "sinks:\n  events:\n    b: 2\n    c: 3\n");
        assert!(only_events("sinks:\n").is_err());
    }
}
