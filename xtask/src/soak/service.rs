//! `orgwatch serve` under load: sent to as a router does, again until it says 200.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// A service that runs, and is killed when this is dropped.
pub struct Service {
    child: Child,
    pub address: String,
}

impl Service {
    /// Starts it, and waits until it is ready.
    pub fn start(command: &Path, folder: &Path, state: &Path, forward: &str) -> Result<Self> {
        let mut log = File::create(folder.join("log"))?;
        let mut child = Command::new(command)
            .args(["serve", "--listen", "127.0.0.1:0", "--save-interval", "1s"])
            .args(["--timeout", "10s", "--log", "json", "--forward", forward, "--state"])
            .arg(state)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command.display()))?;
        let mut lines = BufReader::new(child.stderr.take().context("no standard error")?);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                bail!("the service ended: {:?}", child.wait()?);
            }
            log.write_all(line.as_bytes())?;
            if let Some((_, rest)) = line.split_once(r#""address":""#) {
                break rest.split('"').next().unwrap_or_default().to_owned();
            }
        };
        thread::spawn(move || std::io::copy(&mut lines, &mut log));
        Ok(Service { child, address })
    }

    /// Whether it took the batch.
    pub fn post(address: &str, body: &str) -> bool {
        let send = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            write!(
                stream,
                "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-ndjson\r\n\
                 Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        send().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// Its resident memory in KiB, and its open files.
    pub fn usage(&self) -> (u64, usize) {
        let proc = format!("/proc/{}", self.child.id());
        let status = fs::read_to_string(format!("{proc}/status")).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|text| text.trim().split(' ').next()?.parse().ok());
        let files = fs::read_dir(format!("{proc}/fd")).map_or(0, Iterator::count);
        (kib.unwrap_or(0), files)
    }

    /// Asks it to end, and says how long that took.
    pub fn stop(mut self) -> Result<Duration> {
        let start = Instant::now();
        let killed = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(killed.success(), "the service is gone already");
        while start.elapsed() < Duration::from_secs(60) {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the service ended with {status}");
                return Ok(start.elapsed());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("the service does not end")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
