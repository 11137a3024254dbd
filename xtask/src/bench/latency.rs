//! The time that `orgwatch serve` takes for a batch, with nothing else to do: the same batches go to
//! a downstream directly and through it, in turn.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Bench;
use super::corpus::Corpus;
use super::measure::Waits;
use super::table::Section;

/// The section's title, by which its aim finds it.
pub const TITLE: &str = "a batch of 1,000 events";
/// The row that says what orgwatch adds.
pub const ADDED: &str = "added by annotate";

/// The batch size of Vector's sink, as it is shipped.
const EVENTS: usize = 1000;

/// Batches of a run, each both ways.
const BATCHES: usize = 2000;

/// Between batches, in which all come to rest.
const PAUSE: Duration = Duration::from_millis(2);

/// Measures it; needs no Vector.
pub fn batches(bench: &Bench<'_>, corpus: &Corpus) -> Result<Section> {
    let bodies = bodies(corpus)?;
    let sink = sink()?;
    let service = Service::start(bench, sink)?;
    let (mut direct, mut through) = (Sender::to(sink)?, Sender::to(service.address)?);
    let (mut direct_times, mut through_times) = (Vec::new(), Vec::new());
    let count = if bench.flags.size.0 < 32 << 20 { bodies.len() } else { BATCHES };
    // The first make connections.
    for nth in 0..count * bench.runs() + 10 {
        let body = &bodies[nth % bodies.len()];
        thread::sleep(PAUSE);
        let time = direct.send(body)?;
        thread::sleep(PAUSE);
        let longer = through.send(body)?;
        if nth >= 10 {
            direct_times.push(time);
            through_times.push(longer);
        }
    }
    let added = through_times.iter().zip(&direct_times).map(|(long, short)| long - short);
    let added = Waits::of(ADDED, added.collect());
    let mut section = Section::new(TITLE, Vec::new());
    section.waits = vec![
        Waits::of("to the sink directly", direct_times),
        Waits::of("through annotate to the sink", through_times),
        added,
    ];
    Ok(section)
}

/// Events as Vector's sink sends them.
fn bodies(corpus: &Corpus) -> Result<Vec<Vec<u8>>> {
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    let mut lines = BufReader::new(File::open(corpus.lines())?);
    // More would be no other, and take memory.
    while bodies.len() < 100 {
        let mut body = Vec::new();
        for _ in 0..EVENTS {
            lines.read_until(b'\n', &mut body)?;
        }
        if body.is_empty() {
            break;
        }
        bodies.push(body);
    }
    // The last batch may be smaller.
    if bodies.len() > 1 && bodies.len() < 100 {
        bodies.pop();
    }
    Ok(bodies)
}

/// A server of its own threads that answers 200 at once.
fn sink() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || -> Result<()> {
                stream.set_nodelay(true)?;
                let mut reader = BufReader::with_capacity(1 << 18, stream);
                while read_message(&mut reader)? != 0 {
                    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
                }
                Ok(())
            });
        }
    });
    Ok(address)
}

/// Reads a request or an answer whole, and returns how long its head is; 0 at the end.
fn read_message(reader: &mut BufReader<TcpStream>) -> Result<usize> {
    let (mut head, mut length) = (0, 0);
    let mut line = String::new();
    loop {
        line.clear();
        let read = reader.read_line(&mut line)?;
        if read == 0 || line == "\r\n" {
            break;
        }
        ensure!(head > 0 || !line.starts_with("HTTP/") || line.contains(" 200 "), "{line}");
        head += read;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    Ok(head)
}

/// A connection that is kept.
struct Sender(BufReader<TcpStream>, String);

impl Sender {
    fn to(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Sender(BufReader::new(stream), address.to_string()))
    }

    /// Sends a batch, and says how long it took until it was answered 200.
    fn send(&mut self, body: &[u8]) -> Result<f64> {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
            self.1,
            body.len()
        );
        let start = Instant::now();
        self.0.get_mut().write_all(head.as_bytes())?;
        self.0.get_mut().write_all(body)?;
        let read = read_message(&mut self.0)?;
        ensure!(read > 0, "{} closed the connection", self.1);
        Ok(start.elapsed().as_secs_f64())
    }
}

/// `orgwatch serve`, killed when it is dropped.
struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    fn start(bench: &Bench<'_>, downstream: SocketAddr) -> Result<Self> {
        let state = bench.scratch("latency.state");
        let _ = std::fs::remove_file(&state);
        let mut command = Command::new(bench.workspace.command());
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "json"]);
        command.args(["--forward", &format!("http://{downstream}/"), "--state"]).arg(state);
        command.env("ORGWATCH_CACHE_DIR", bench.cache());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = child.stderr.take().context("its standard error")?;
        let mut service = Service { child, address: downstream };
        let mut lines = BufReader::new(log).lines();
        let listening = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let line: serde_json::Value = serde_json::from_str(&line).ok()?;
            line["address"].as_str()?.parse().ok()
        });
        service.address = listening.context("orgwatch serve ended before it listened")?;
        // Further output is read, so that the pipe does not fill up.
        thread::spawn(move || lines.for_each(drop));
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let waits = Waits::of("a", (1..=1000).rev().map(f64::from).collect());
        assert_eq!(waits.percentiles, [500.0, 900.0, 990.0, 999.0]);
        assert_eq!(Waits::of("a", vec![7.0]).percentiles, [7.0; 4]);
    }

    #[test]
    fn the_sink_answers_one_batch_after_another() {
        let mut sender = Sender::to(sink().unwrap()).unwrap();
        for body in [&b""[..], &[b'x'; 1 << 20], b"{}\n"] {
            assert!(sender.send(body).unwrap() > 0.0);
        }
    }
}
