//! The program that `serve` forwards to, with the faults that one may have.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::Result;

/// The way in which it answers.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    None,
    Slow,
    Gone,
    Nonsense,
}

/// Answers that acknowledge nothing.
const NONSENSE: [&[u8]; 6] = [
    b"\xff\xfe\0\0nonsense\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200",
    b"{\"status\":200}\r\n\r\n",
];

/// What arrived: for each event's number, whether a finding was with it.
#[derive(Default)]
struct Shared {
    fault: AtomicU8,
    answered: AtomicUsize,
    arrived: Mutex<HashMap<u64, bool>>,
}

#[derive(Clone)]
pub struct Downstream {
    shared: Arc<Shared>,
    port: u16,
}

impl Downstream {
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let downstream = Downstream { shared: Arc::default(), port: listener.local_addr()?.port() };
        let shared = Arc::clone(&downstream.shared);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || drop(serve(&shared, &connection)));
            }
        });
        Ok(downstream)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    pub fn fault(&self, fault: Fault) {
        self.shared.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// Takes what arrived since this was asked last.
    pub fn take(&self) -> HashMap<u64, bool> {
        std::mem::take(&mut *self.shared.arrived.lock().unwrap_or_else(|err| err.into_inner()))
    }
}

fn serve(shared: &Shared, mut connection: &TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let fault = shared.fault.load(Ordering::SeqCst);
        let nth = shared.answered.fetch_add(1, Ordering::SeqCst);
        if fault == Fault::Gone as u8 {
            return Ok(());
        }
        if fault == Fault::Nonsense as u8 {
            return connection.write_all(NONSENSE[nth % NONSENSE.len()]);
        }
        if fault == Fault::Slow as u8 {
            thread::sleep(Duration::from_millis(1500));
        }
        // An event counts once its sender is told so.
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        let mut arrived = shared.arrived.lock().unwrap_or_else(|err| err.into_inner());
        for line in body.split(|&byte| byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            let found = line.contains("member-left-organization");
            for number in super::events::numbers(&line) {
                *arrived.entry(number).or_default() |= found;
            }
        }
    }
}
