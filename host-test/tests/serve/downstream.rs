//! A downstream that answers, or fails, as a test asks.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::serve::request;

/// The answer to a request.
#[derive(Debug, Clone, Copy)]
pub enum Does {
    /// Answers with this status.
    Answers(u16),
    /// Answers 200 after a while.
    Waits(Duration),
    /// Closes the connection when the request is there.
    Closes,
    /// Closes it in the middle of the request.
    ClosesEarly,
    /// Begins to answer 200, and closes.
    BreaksOff,
}

/// A server of its own thread. Answers 200 unless a test asks for something else.
pub struct Downstream {
    address: String,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    next: VecDeque<Does>,
    seen: usize,
    taken: Vec<String>,
}

impl Downstream {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let shared = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let inner = Arc::clone(&shared);
                thread::spawn(move || while request(&stream, &inner).is_some() {});
            }
        });
        Downstream { address, inner }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The answers to the next requests.
    pub fn will(&self, does: &[Does]) {
        self.inner.lock().unwrap().next.extend(does);
    }

    /// Drops the answers that were asked for and not given yet.
    pub fn forget(&self) {
        self.inner.lock().unwrap().next.clear();
    }

    /// The number of requests.
    pub fn seen(&self) -> usize {
        self.inner.lock().unwrap().seen
    }

    /// The bodies that were answered 200.
    pub fn taken(&self) -> Vec<String> {
        self.inner.lock().unwrap().taken.clone()
    }

    /// Every line of them, as JSON.
    pub fn events(&self) -> Vec<Value> {
        let taken = self.taken();
        let lines = taken.iter().flat_map(|body| body.lines());
        lines
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The ids of the findings in what was answered 200, as events of their own or in events.
    pub fn ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for event in self.events() {
            let findings = match &event["orgwatch"] {
                Value::Array(findings) => findings.clone(),
                _ if event["rule_id"].is_string() => vec![event],
                _ => Vec::new(),
            };
            ids.extend(findings.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        }
        ids
    }
}

/// Serves one request; none, when the connection is done with.
fn request(mut stream: &TcpStream, inner: &Mutex<Inner>) -> Option<()> {
    let (head, length) = request::head(stream)?;
    assert!(head.starts_with("post / http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/x-ndjson\r\n"), "{head}");
    let does = {
        let mut inner = inner.lock().unwrap();
        inner.seen += 1;
        inner.next.pop_front().unwrap_or(Does::Answers(200))
    };
    if let Does::ClosesEarly = does {
        return None;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let status = match does {
        Does::Answers(status) => status,
        Does::Waits(time) => {
            thread::sleep(time);
            200
        }
        Does::BreaksOff => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").ok()?;
            return None;
        }
        Does::Closes | Does::ClosesEarly => return None,
    };
    let answer = format!("HTTP/1.1 {status} Told so\r\nContent-Length: 4\r\n\r\ntold");
    // Nobody waits for the answer any more: it will not arrive.
    stream.set_nonblocking(true).unwrap();
    if let Ok(0) = stream.peek(&mut [0]) {
        return None;
    }
    stream.set_nonblocking(false).unwrap();
    if status == 200 {
        inner.lock().unwrap().taken.push(String::from_utf8(body).unwrap());
    }
    stream.write_all(answer.as_bytes()).ok()
}
