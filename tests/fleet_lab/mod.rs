//! A fleet on this machine: edges that are real Vectors, a real nats-server, and detectors.
#![allow(missing_docs)]

mod secure;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{self, kill};
use crate::util::Sandbox;
use crate::vector_lab::{copies, input, vector};
pub use streams::Messages;

pub const CANDIDATES: &str = "ORGWATCH_CANDIDATES";
pub const FINDINGS: &str = "ORGWATCH_FINDINGS";
const EDGES: usize = 3;

/// A rule and an id.
pub type Found = BTreeSet<(String, String)>;

pub struct Fleet {
    pub sandbox: Sandbox,
    nats: u16,
    server: Option<Child>,
    edges: [Option<Child>; EDGES],
    detectors: Vec<Detector>,
    runs: u32,
    /// Whether all speak TLS, and each has no more permissions than it needs.
    secure: bool,
    /// The findings of one scan of all events.
    pub expected: Vec<Value>,
}

#[derive(Default)]
struct Detector {
    child: Option<Child>,
    port: u16,
    flags: Vec<String>,
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Deals events in turn, and those of each incident so that no edge has all of them.
fn deal(sandbox: &Sandbox, all: &str) {
    let mut files: Vec<_> = (0..EDGES)
        .map(|edge| {
            let path = sandbox.path(&format!("edge-{edge}/in/events.ndjson"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            BufWriter::new(File::create(path).unwrap())
        })
        .collect();
    let mut of_incidents: BTreeMap<String, usize> = BTreeMap::new();
    for (number, line) in all.lines().enumerate() {
        let edge = match !line.contains("ec2.amazonaws.com") {
            true => {
                let event: Value = serde_json::from_str(line).unwrap();
                let account = event["recipientAccountId"].to_string();
                let next = of_incidents.entry(account).or_default();
                *next += 1;
                *next
            }
            false => number,
        };
        writeln!(files[edge % EDGES], "{line}").unwrap();
    }
    files.iter_mut().for_each(|file| file.flush().unwrap());
}

impl Fleet {
    /// With a server, its streams, and so many events, which no edge reads yet.
    pub fn new(events: u32) -> Self {
        Self::with(events, false)
    }

    pub fn with(events: u32, secure: bool) -> Self {
        let sandbox = Sandbox::new();
        fs::create_dir_all(sandbox.path("in")).unwrap();
        input::write_events(&sandbox.path("in/events.ndjson"), events);
        deal(&sandbox, &fs::read_to_string(sandbox.path("in/events.ndjson")).unwrap());
        let expected = sandbox.scan(&["in", "--quiet"]).findings();
        assert!(expected.len() > events as usize / 200 * 3, "{}", expected.len());
        let mut fleet = Fleet {
            sandbox,
            nats: free_port(),
            server: None,
            edges: Default::default(),
            detectors: Vec::new(),
            runs: 0,
            secure,
            expected,
        };
        let security = if secure { secure::prepare(&fleet.sandbox) } else { String::new() };
        let config = format!(
            "{security}listen: \"127.0.0.1:{}\"\njetstream {{ store_dir: {:?} }}\n",
            fleet.nats,
            fleet.sandbox.path("jetstream")
        );
        fleet.sandbox.file("nats.conf", config);
        fleet.start_server();
        fleet.make_streams();
        fleet
    }

    pub fn start_server(&mut self) {
        let log = self.log("nats");
        let server = support::program("NATS_SERVER", "nats-server");
        let mut command = Command::new(server);
        command.arg("-c").arg(self.sandbox.path("nats.conf")).stdout(Stdio::null()).stderr(log);
        self.server = Some(command.spawn().unwrap());
        until("nats-server listens", || TcpStream::connect(("127.0.0.1", self.nats)).is_ok());
    }

    /// As `examples/fleet` makes them, on one server.
    fn make_streams(&self) {
        let python = support::program("NATS_PYTHON", "python3");
        let script = support::root().join("examples/fleet/apply_streams.py");
        let mut command = Command::new(python);
        command.arg(script).arg(self.url()).args(["--replicas", "1"]);
        if self.secure {
            command.arg("--ca").arg(self.sandbox.path("ca.pem"));
            command.arg("--user").arg(self.sandbox.path("admin"));
        }
        let ran = command.output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }

    pub fn url(&self) -> String {
        let scheme = if self.secure { "tls" } else { "nats" };
        format!("{scheme}://127.0.0.1:{}", self.nats)
    }

    fn log(&mut self, name: &str) -> Stdio {
        self.runs += 1;
        File::create(self.sandbox.path(&format!("{name}.{}.log", self.runs))).unwrap().into()
    }

    pub fn start_edge(&mut self, edge: usize) {
        let folder = self.sandbox.path(&format!("edge-{edge}"));
        let replaced = [
            ("127.0.0.1:4222", format!("127.0.0.1:{}", self.nats)),
            ("interval: 60", "interval: 1".to_owned()),
            ("    connection_name: orgwatch-edge\n", self.edge_security()),
        ];
        let configs = copies(&folder, &["source-files", "fleet-edge"], &replaced);
        let log = self.log(&format!("edge-{edge}"));
        let mut command = Command::new(vector());
        for config in configs {
            command.arg("--config").arg(config);
        }
        command.env("ORGWATCH_EDGE", format!("edge-{edge}"));
        let command = command.current_dir(&folder).stdout(Stdio::null()).stderr(log);
        self.edges[edge] = Some(command.spawn().unwrap());
    }

    /// The settings of an edge for TLS, in the place of its connection's name.
    fn edge_security(&self) -> String {
        if !self.secure {
            return "    connection_name: orgwatch-edge\n".into();
        }
        format!(
            "    tls: {{ enabled: true, ca_file: {:?} }}\n    auth: {{ strategy: user_password, \
             user_password: {{ user: edge, password: edge }} }}\n",
            self.sandbox.path("ca.pem")
        )
    }

    pub fn start_edges(&mut self) {
        (0..EDGES).for_each(|edge| self.start_edge(edge));
    }

    /// One more detector, with these flags; its number.
    pub fn add_detector(&mut self, flags: &[&str]) -> usize {
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        self.detectors.push(Detector { child: None, port: free_port(), flags });
        let number = self.detectors.len() - 1;
        self.start_detector(number);
        number
    }

    pub fn start_detector(&mut self, number: usize) {
        let log = self.log(&format!("detector-{number}"));
        let from = format!("{}/{CANDIDATES}", self.url());
        let state = self.state(number);
        let detector = &mut self.detectors[number];
        let mut command = self.sandbox.command();
        command
            .args(["serve", "--from", &from, "--publish", "orgwatch", "--log", "json"])
            .args(["--listen", &format!("127.0.0.1:{}", detector.port)])
            .args(["--save-interval", "500ms", "--canary-interval", "1s"])
            .arg("--state")
            .arg(state)
            .args(&detector.flags)
            .stderr(log);
        if self.secure {
            command.arg("--nats-ca").arg(self.sandbox.path("ca.pem"));
            command.arg("--nats-credentials").arg(self.sandbox.path("detector"));
        }
        detector.child = Some(command.spawn().unwrap());
    }

    pub fn state(&self, number: usize) -> PathBuf {
        self.sandbox.path(&format!("detector-{number}.state"))
    }

    pub fn kill_server(&mut self) {
        kill(&mut self.server);
    }

    pub fn kill_edge(&mut self, edge: usize) {
        kill(&mut self.edges[edge]);
    }

    pub fn kill_detector(&mut self, number: usize) {
        kill(&mut self.detectors[number].child);
    }

    /// The answer to a request: status and body. None, if there is no answer.
    pub fn get(&self, number: usize, path: &str) -> Option<(u16, String)> {
        get(self.detectors[number].port, path)
    }

    /// The status of the answer to events.
    pub fn post(&self, number: usize, events: &[u8]) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.detectors[number].port)).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            events.len()
        );
        stream.write_all(&[head.as_bytes(), events].concat()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text[9..12].parse().unwrap()
    }

    pub fn is_ready(&self, number: usize) -> bool {
        self.get(number, "/health/ready").is_some_and(|(status, _)| status == 200)
    }

    pub fn lag(&self, number: usize) -> Option<u64> {
        let (_, body) = self.get(number, "/health")?;
        serde_json::from_str::<Value>(&body).ok()?["stream"]["lag"].as_u64()
    }

    pub fn metric(&self, number: usize, name: &str) -> f64 {
        let (_, text) = self.get(number, "/metrics").unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    }

    /// All logs of a detector.
    pub fn said(&self, name: &str) -> String {
        let logs = (1..=self.runs).map(|run| self.sandbox.path(&format!("{name}.{run}.log")));
        logs.filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    pub fn messages(&self, stream: &str) -> Messages {
        let secure = self.secure.then(|| self.sandbox.path(""));
        streams::messages(&self.url(), stream, secure)
    }

    /// The findings in the stream.
    pub fn found(&self) -> Found {
        found(&self.messages(FINDINGS).findings)
    }

    /// Waits until the stream has all findings that are expected.
    pub fn until_all(&self) {
        let expected = found(&self.expected);
        until("all findings are in the stream", || self.found().is_superset(&expected));
    }
}

/// The answer to a request: status and body. None, if there is no answer.
pub fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    Some((status, text.split_once("\r\n\r\n")?.1.to_owned()))
}

pub fn found(findings: &[Value]) -> Found {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.iter().map(|finding| (text(&finding["rule"]), text(&finding["id"]))).collect()
}

/// The incidents and severities that findings alert of.
pub fn alerts(findings: &[Value]) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let new = findings.iter().filter(|finding| finding["status"] == "new");
    new.map(|finding| (text(&finding["incident"]), text(&finding["severity"]))).collect()
}

pub fn until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(240), "not in time: {what}");
        thread::sleep(Duration::from_millis(200));
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if thread::panicking() {
            let kept = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("fleet-logs");
            let _ = fs::create_dir_all(&kept);
            for entry in fs::read_dir(self.sandbox.path("")).unwrap().flatten() {
                if entry.path().extension().is_some_and(|extension| extension == "log") {
                    let _ = fs::copy(entry.path(), kept.join(entry.file_name()));
                }
            }
            eprintln!("the logs are in {}", kept.display());
        }
        self.edges.iter_mut().for_each(kill);
        self.detectors.iter_mut().for_each(|detector| kill(&mut detector.child));
        kill(&mut self.server);
    }
}
