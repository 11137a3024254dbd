//! A service that is killed at every step, in a process of its own: nothing that was acknowledged is
//! without its effect after the next start.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::Value;

use super::*;
use crate::plugin::{Artifact, CacheDir, Options as PluginOptions};
use crate::steps::KILL_AT;

#[path = "../../tests/serve/request.rs"]
mod request;

const FOLDER: &str = "ORGWATCH_TEST_FOLDER";
const FORWARD: &str = "ORGWATCH_TEST_FORWARD";
const INTERVAL: &str = "ORGWATCH_TEST_INTERVAL";
const NEVER: Duration = Duration::from_secs(3600);

/// The service that the tests of this file start.
#[test]
#[ignore = "is the service that the other tests kill"]
fn service() {
    let Ok(folder) = env::var(FOLDER).map(PathBuf::from) else { return };
    let state = StateFile::open(&folder.join("state")).unwrap();
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        deliver: Deliver::Findings(env::var(FORWARD).unwrap().parse().unwrap()),
        save_interval: Duration::from_millis(env::var(INTERVAL).unwrap().parse().unwrap()),
        ..Options::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let service = Service::start(&options, &plugin(), "{}", Some(state)).await.unwrap();
        let address = service.address().unwrap().to_string();
        // Not as a state is: those steps are to be the state's.
        fs::write(folder.join("address.new"), address).unwrap();
        fs::rename(folder.join("address.new"), folder.join("address")).unwrap();
        service.run(std::future::pending(), std::future::pending()).await.unwrap();
    });
}

fn plugin() -> Plugin {
    let component = Artifact::embedded().expect("built without a component: `cargo xtask test`");
    let cache = Some(CacheDir::at(cache()).unwrap());
    Plugin::load(component.bytes(), &PluginOptions { cache, ..PluginOptions::default() }).unwrap()
}

/// The cache of compiled code, for all processes of this test.
fn cache() -> &'static Path {
    static CACHE: OnceLock<(PathBuf, Option<tempfile::TempDir>)> = OnceLock::new();
    const VARIABLE: &str = "ORGWATCH_TEST_CACHE";
    let (path, _) = CACHE.get_or_init(|| match env::var(VARIABLE) {
        Ok(path) => (path.into(), None),
        Err(_) => {
            let folder = tempfile::tempdir().unwrap();
            (folder.path().to_owned(), Some(folder))
        }
    });
    path
}

/// A folder for a state, and a downstream that takes everything.
struct Lab {
    folder: tempfile::TempDir,
    forward: String,
    ids: Arc<Mutex<Vec<String>>>,
}

impl Lab {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let forward = format!("http://{}/", listener.local_addr().unwrap());
        let ids = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&ids);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let taken = Arc::clone(&taken);
                thread::spawn(move || while downstream(&stream, &taken).is_some() {});
            }
        });
        Lab { folder: tempfile::tempdir().unwrap(), forward, ids }
    }

    fn start(&self, kill_at: &str, interval: Duration) -> Run {
        let address = self.folder.path().join("address");
        let _ = fs::remove_file(&address);
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["serve::crash_tests::service", "--exact", "--ignored", "--nocapture"])
            .env(FOLDER, self.folder.path())
            .env(FORWARD, &self.forward)
            .env(INTERVAL, interval.as_millis().to_string())
            .env("ORGWATCH_TEST_CACHE", cache())
            .env(KILL_AT, kill_at)
            .stdout(Stdio::null());
        let child = command.spawn().unwrap();
        let mut run = Run { child, address: String::new() };
        // One that is killed at its start never listens.
        while run.is_there() && run.address.is_empty() {
            run.address = fs::read_to_string(&address).unwrap_or_default();
            thread::sleep(Duration::from_millis(2));
        }
        run
    }

    fn ids(&self) -> BTreeSet<String> {
        self.ids.lock().unwrap().iter().cloned().collect()
    }

    #[track_caller]
    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(20), "{what}: {:?}", self.ids());
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn downstream(mut stream: &TcpStream, ids: &Mutex<Vec<String>>) -> Option<()> {
    let (_, length) = request::head(stream)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let found = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let found = found.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    ids.lock().unwrap().extend(found.map(|one| one["id"].as_str().unwrap().to_owned()));
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()
}

struct Run {
    child: Child,
    address: String,
}

impl Run {
    fn is_there(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Whether a batch was answered 200.
    fn post(&self, body: &str) -> bool {
        let posted = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect(&self.address)?;
            let length = body.len();
            write!(
                stream,
                "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                 Content-Type: application/x-ndjson\r\nContent-Length: {length}\r\n\r\n{body}"
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer.starts_with("HTTP/1.1 200"))
        };
        posted().unwrap_or(false)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Events of which the last completes a chain, and the ids of all findings.
fn incident() -> (Vec<String>, BTreeSet<String>) {
    let case = "../tests/cases/power-then-exit/attempt-power-exit/events.ndjson";
    let events = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(case)).unwrap();
    let mut detector = orgwatch::detector::Detector::open("{}").unwrap();
    let found = detector.detect_batch(events.as_bytes()).findings;
    assert!(found.iter().any(|one| one.finding.parts.len() > 1), "it has a chain");
    let ids = found.into_iter().map(|one| one.finding.id).collect();
    (events.lines().map(str::to_owned).collect(), ids)
}

/// Sends the events from one on, and gives the first that was not acknowledged.
fn send(run: &Run, events: &[String], mut from: usize) -> usize {
    while from < events.len() && run.post(&events[from]) {
        from += 1;
        // Something may be saved between one and the next.
        thread::sleep(Duration::from_millis(10));
    }
    from
}

/// The next start: every finding is there, and what was acknowledged is not needed for it.
fn ends_well(lab: &Lab, run: &Run, events: &[String], sent: usize, what: &str) {
    let (_, expected) = incident();
    assert_eq!(send(run, events, sent), events.len(), "{what}");
    lab.until(what, || lab.ids() == expected);
    // Once more, as a sender does that lost its place: nothing is given again.
    let before = lab.ids.lock().unwrap().len();
    assert_eq!(send(run, events, 0), events.len(), "{what}");
    assert_eq!(lab.ids.lock().unwrap().len(), before, "{what}");
}

fn killed_at(step: &str, interval: Duration) {
    let (events, _) = incident();
    for nth in 1..=events.len() {
        let lab = Lab::new();
        let kill_at = format!("{step}:{nth}");
        let mut run = lab.start(&kill_at, interval);
        let sent = send(&run, &events, 0);
        // One event more is one save more.
        lab.until(&kill_at, || !run.post(&events[0]) && !run.is_there());
        drop(run);
        // Whatever became of the first start, one that is killed right after it takes nothing away.
        drop(lab.start("", NEVER));
        ends_well(&lab, &lab.start("", NEVER), &events, sent, &kill_at);
    }
}

/// Each of the steps from an event to its acknowledgement.
#[test]
fn a_kill_at_any_step_of_a_batch_loses_nothing() {
    for step in
        ["part examined", "journal written", "journal synced", "delivered", "delivery written"]
    {
        killed_at(step, NEVER);
    }
}

/// Each of the steps of a save, while events come.
#[test]
fn a_kill_at_any_step_of_a_save_loses_nothing() {
    for step in [
        "new file written",
        "new file synced",
        "new file renamed",
        "state saved",
        "journal emptied",
    ] {
        killed_at(step, Duration::from_millis(5));
    }
}

/// Killed while it starts, as often as it likes.
#[test]
fn a_kill_while_the_journal_is_replayed_loses_nothing() {
    let (events, _) = incident();
    for nth in 1..=2 {
        let lab = Lab::new();
        let run = lab.start("", NEVER);
        let sent = send(&run, &events[..events.len() - 1], 0);
        assert_eq!(sent, events.len() - 1);
        drop(run);
        for _ in 0..2 {
            let mut run = lab.start(&format!("entry replayed:{nth}"), NEVER);
            lab.until("killed", || !run.is_there());
        }
        ends_well(&lab, &lab.start("", NEVER), &events, sent, "replayed");
    }
}

/// A finding that was not delivered is delivered at the next start, be it sent again or not.
#[test]
fn what_a_kill_left_undelivered_is_delivered_though_nobody_sends_it_again() {
    let (events, expected) = incident();
    let lab = Lab::new();
    let mut run = lab.start("journal synced:1", NEVER);
    assert!(!run.post(&events.join("\n")));
    lab.until("killed", || !run.is_there());
    assert!(lab.ids().is_empty());
    let _run = lab.start("", NEVER);
    lab.until("delivered", || lab.ids() == expected);
}
