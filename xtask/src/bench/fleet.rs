//! A fleet on loopback: edges that are real Vectors, a real nats-server, and detectors. Each part is bounded in time.

mod events;
mod protocol;

use std::collections::HashSet;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Bench;
use super::corpus::Corpus;
use super::measure::{Load, Row, Sample, Waits};
use super::output_counter::OutputCounter;
use super::table::Section;
use super::tool::named_or_on_path;
use crate::process::shown;
use events::{leaving, near_miss, number_of};
use protocol::{Client, lag, post, ready};

/// Vectors that read at the same time.
const EDGES: usize = 3;

/// The longest that one part may go on.
const PATIENCE: Duration = Duration::from_secs(90);

/// Events whose way to their finding is timed.
const TIMED: usize = 200;

/// The time between two of them.
const PACE: Duration = Duration::from_millis(50);

/// One event in so many is a candidate, in the figure for a whole fleet.
const ONE_IN: u32 = 1000;

/// Candidates that a detector reads from the stream.
const CANDIDATES: u64 = 100_000;

/// Measures it, if there is all that it needs.
pub fn parts(
    bench: &Bench<'_>,
    corpus: &Corpus,
    agreement: &mut Vec<(String, String)>,
) -> Result<Vec<Section>> {
    let title = format!("a fleet of {EDGES} edges and two detectors");
    let server = named_or_on_path("NATS_SERVER", "nats-server");
    let (vector, server) = match (&bench.tools.vector, server) {
        (Ok(vector), Ok(server)) => (vector.clone(), server),
        (vector, server) => {
            let why = [vector.as_ref().err().cloned(), server.err()];
            let why = why.into_iter().flatten().collect::<Vec<_>>().join("; ");
            return Ok(vec![Section::new(title, vec![Row::missing("edges", corpus.load(), why)])]);
        }
    };
    let mut fleet = Fleet::start(bench, &server)?;
    let (mut rows, mut waits) = (Vec::new(), Vec::new());
    fleet.detector("a")?;
    fleet.detector("b")?;
    rows.push(fleet.edges(&vector, corpus)?);
    waits.push(fleet.delay(&vector)?);
    let (into, out) = fleet.stream(bench, corpus)?;
    let each = out.events_per_second();
    rows.extend([into.row, out.row]);
    agreement.push((
        "a fleet with one such detector, at 1 candidate in 1,000 events,".into(),
        format!("what is in {:.1} million events a second", each * f64::from(ONE_IN) / 1e6),
    ));
    let mut delays =
        Section::new("from an event at an edge to its finding in the stream", Vec::new());
    delays.waits = waits;
    Ok(vec![Section::new(title, rows), delays])
}

/// Sends events one by one, whether or not the one before is answered: Vector at times keeps one until there is
/// another. The times at which they were sent.
fn send_at_a_pace(port: u16) -> Arc<Mutex<Vec<Instant>>> {
    let times = Arc::new(Mutex::new(Vec::new()));
    let sent = Arc::clone(&times);
    thread::spawn(move || {
        // A few more, so that none of those that are timed is the last.
        for number in 0..TIMED + 5 {
            sent.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
            thread::spawn(move || post(port, leaving(number).as_bytes()));
            thread::sleep(PACE);
        }
    });
    times
}

/// A row with one sample.
struct Measured {
    row: Row,
}

impl Measured {
    fn of(name: &str, load: Load, (wall, cpu): (f64, f64)) -> Self {
        let mut row = Row::missing(name, load, "");
        row.missing = None;
        row.samples.push(Sample { wall, cpu, user: None, memory: None });
        Measured { row }
    }

    fn events_per_second(&self) -> f64 {
        self.row.load.events as f64 / self.row.samples[0].wall
    }
}

/// Processes with a folder, which end with it.
struct Fleet {
    folder: PathBuf,
    command: PathBuf,
    cache: PathBuf,
    nats: u16,
    running: Vec<Child>,
    detectors: Vec<u16>,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Fleet {
    fn start(bench: &Bench<'_>, server: &Path) -> Result<Self> {
        let folder = bench.scratch("fleet");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let mut fleet = Fleet {
            folder,
            command: bench.workspace.command(),
            cache: bench.cache(),
            nats: free_port()?,
            running: Vec::new(),
            detectors: Vec::new(),
        };
        let config = format!(
            "listen: \"127.0.0.1:{}\"\njetstream {{ store_dir: {:?} }}\n",
            fleet.nats,
            fleet.folder.join("jetstream")
        );
        fs::write(fleet.folder.join("nats.conf"), config)?;
        let mut command = Command::new(server);
        command.arg("-c").arg(fleet.folder.join("nats.conf"));
        fleet.run(&mut command, "nats.log")?;
        fleet.until("nats-server does not listen", |fleet| {
            Ok(TcpStream::connect(("127.0.0.1", fleet.nats)).is_ok())
        })?;
        fleet.make_streams()?;
        Ok(fleet)
    }

    /// The streams of `examples/fleet`, on one server, and without anything that needs Python.
    fn make_streams(&self) -> Result<()> {
        let streams: Vec<serde_json::Value> =
            serde_json::from_slice(&fs::read("examples/fleet/streams.json")?)?;
        for mut stream in streams {
            stream["num_replicas"] = 1.into();
            let name = stream["name"].as_str().context("a stream has no name")?;
            let subject = format!("$JS.API.STREAM.CREATE.{name}");
            let answer = Client::connect(self.nats)?.request(&subject, &stream.to_string())?;
            ensure!(!answer.contains("\"error\""), "{answer}");
        }
        Ok(())
    }

    fn detector(&mut self, name: &str) -> Result<usize> {
        let port = free_port()?;
        let mut command = Command::new(&self.command);
        command
            .args(["serve", "--log", "json", "--listen", &format!("127.0.0.1:{port}")])
            .arg("--from")
            .arg(format!("nats://127.0.0.1:{}/ORGWATCH_CANDIDATES", self.nats))
            .args(["--publish", "orgwatch", "--state"])
            .arg(self.folder.join(format!("{name}.state")))
            .env("ORGWATCH_CACHE_DIR", &self.cache);
        self.run(&mut command, &format!("detector-{name}.log"))?;
        self.detectors.push(port);
        Ok(self.detectors.len() - 1)
    }

    fn edge(
        &mut self,
        vector: &Path,
        name: &str,
        source: &str,
        changed: &[(&str, String)],
    ) -> Result<()> {
        let folder = self.folder.join(name);
        let mut command = Command::new(vector);
        command.arg("--quiet").env("ORGWATCH_EDGE", name);
        for config in [source, "fleet-edge"] {
            let file = Path::new("vector-config").join(config).with_extension("yaml");
            let mut text = super::corpus::read(&file)?;
            let paths = [
                ("/var/lib/vector", "data"),
                ("/var/log/cloudtrail", "in"),
                ("/var/log/vector", "out"),
            ];
            for (from, to) in paths {
                fs::create_dir_all(folder.join(to))?;
                text = text.replace(from, &folder.join(to).display().to_string());
            }
            text = text.replace("127.0.0.1:4222", &format!("127.0.0.1:{}", self.nats));
            for (from, to) in changed {
                text = text.replace(from, to);
            }
            let file = folder.join(config).with_extension("yaml");
            fs::write(&file, text)?;
            command.arg("--config").arg(file);
        }
        self.run(&mut command, &format!("{name}.log"))
    }

    /// All edges read all events at the same time.
    fn edges(&mut self, vector: &Path, corpus: &Corpus) -> Result<Row> {
        let mut outputs = Vec::new();
        for edge in 0..EDGES {
            let name = format!("edge-{edge}");
            fs::create_dir_all(self.folder.join(&name).join("in"))?;
            fs::hard_link(corpus.lines(), self.folder.join(&name).join("in/events.ndjson"))?;
            outputs.push(OutputCounter::new(self.folder.join(&name).join("out")));
        }
        let before = self.running.len();
        for edge in 0..EDGES {
            self.edge(vector, &format!("edge-{edge}"), "source-files", &[])?;
        }
        let all = corpus.load().events * EDGES as u64;
        let (mut begun, mut seen) = (Instant::now(), 0);
        let start = Instant::now();
        // Events that are there when the time is up count, too.
        while seen < all && start.elapsed() < PATIENCE {
            if seen == 0 {
                begun = Instant::now();
            }
            seen = 0;
            for output in &mut outputs {
                seen += output.count()?;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let took = (begun.elapsed().as_secs_f64(), cpu_of(&self.running[before..]));
        for mut edge in self.running.drain(before..) {
            edge.kill()?;
            edge.wait()?;
        }
        let each = corpus.load().bytes / corpus.load().events.max(1);
        let load = Load { events: seen, bytes: seen * each };
        Ok(Measured::of(&format!("{EDGES} edges, all events"), load, took).row)
    }

    /// Events one by one through an edge, each until its finding is published.
    fn delay(&mut self, vector: &Path) -> Result<Waits> {
        let port = free_port()?;
        let changed = [("127.0.0.1:6004", format!("127.0.0.1:{port}"))];
        self.edge(vector, "edge-http", "source-http", &changed)?;
        self.until("the edge does not listen", |_| {
            Ok(TcpStream::connect(("127.0.0.1", port)).is_ok())
        })?;
        let mut findings = Client::connect(self.nats)?;
        findings.subscribe("orgwatch.finding.*")?;
        let sent = send_at_a_pace(port);
        let (start, mut seen) = (Instant::now(), HashSet::new());
        let mut times = Vec::new();
        while times.len() < TIMED && start.elapsed() < PATIENCE {
            let Ok(message) = findings.message() else { break };
            let now = Instant::now();
            let Some(number) = number_of(&message).filter(|number| *number < TIMED) else {
                continue;
            };
            let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.insert(number)
                && let Some(sent) = sent.get(number)
            {
                times.push((now - *sent).as_secs_f64());
            }
        }
        ensure!(!times.is_empty(), "no finding came");
        Ok(Waits::of("event to finding", times))
    }

    /// Candidates through a detector's HTTP into the stream, and all of the stream into a new detector.
    fn stream(&mut self, bench: &Bench<'_>, corpus: &Corpus) -> Result<(Measured, Measured)> {
        let count = CANDIDATES.min(corpus.load().events);
        let mut candidates = Vec::new();
        for number in 0..count as usize {
            candidates.extend_from_slice(near_miss(number).as_bytes());
        }
        let load = Load { events: count, bytes: candidates.len() as u64 };
        let port = self.detectors[0];
        // The server and the detector that takes them.
        let before = cpu_of(&self.running[..2]);
        let start = Instant::now();
        for part in
            candidates.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>().chunks(1000)
        {
            post(port, &part.concat())?;
            if start.elapsed() > PATIENCE {
                bail!("the stream does not take {count} candidates in {PATIENCE:?}");
            }
        }
        let took = (start.elapsed().as_secs_f64(), cpu_of(&self.running[..2]) - before);
        let into = Measured::of("candidates into the stream, by HTTP", load, took);
        self.until("the detectors do not catch up", |fleet| {
            Ok(lag(fleet.detectors[0])? == Some(0) && lag(fleet.detectors[1])? == Some(0))
        })?;
        let start = Instant::now();
        let third = self.detector(&format!("third-{}", bench.flags.seed))?;
        self.until("a new detector does not catch up", |fleet| {
            Ok(ready(fleet.detectors[third]).unwrap_or(false))
        })?;
        let reader = self.running.last().map_or(0.0, |child| cpu_of(std::slice::from_ref(child)));
        let took = (start.elapsed().as_secs_f64(), reader);
        let out = Measured::of("one detector, all of the stream", load, took);
        Ok((into, out))
    }

    fn run(&mut self, command: &mut Command, log: &str) -> Result<()> {
        let shown = shown(command);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(self.folder.join(log))?);
        self.running.push(command.spawn().with_context(|| format!("cannot run `{shown}`"))?);
        Ok(())
    }

    fn until(&self, problem: &str, done: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !done(self)? {
            if start.elapsed() > PATIENCE {
                bail!("{problem}; the logs are in {}", self.folder.display());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// The seconds that processors have worked for these.
fn cpu_of(children: &[Child]) -> f64 {
    let ticks = |child: &Child| -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
        // Behind the name, which may have spaces: user and system time are the 12th and 13th.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        Some(fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?)
    };
    children.iter().filter_map(ticks).sum::<f64>() / 100.0
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
