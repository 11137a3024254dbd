//! What a sink of a real Vector sends to: answers as Elasticsearch does, which is more than Slack's
//! webhooks say.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request that was answered 200.
#[derive(Debug, Clone)]
pub struct Sent {
    pub path: String,
    /// In lower case.
    pub head: String,
    pub body: String,
}

#[derive(Default)]
struct Inner {
    refused: bool,
    sent: Vec<Sent>,
}

/// A server of its own threads. Answers the first POST with 503.
pub struct Endpoint {
    pub address: String,
    inner: Arc<Mutex<Inner>>,
}

impl Endpoint {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let shared = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let inner = Arc::clone(&shared);
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while request(&mut reader, &inner).is_some() {}
                });
            }
        });
        Endpoint { address, inner }
    }

    /// The POSTs that were taken.
    pub fn sent(&self) -> Vec<Sent> {
        self.inner.lock().unwrap().sent.clone()
    }
}

fn request(reader: &mut BufReader<TcpStream>, inner: &Mutex<Inner>) -> Option<()> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let first: Vec<&str> = head.lines().next()?.split(' ').collect();
    let (method, path) = (first[0].to_owned(), first[1].to_owned());
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let mut status = 200;
    if method == "POST" {
        let mut inner = inner.lock().unwrap();
        if inner.refused {
            inner.sent.push(Sent { path, head, body: String::from_utf8(body).unwrap() });
        } else {
            (inner.refused, status) = (true, 503);
        }
    }
    let answer = r#"{"errors":false,"items":[],"status":"green","version":{"number":"8.11.0"}}"#;
    let length = answer.len();
    let answer = if method == "HEAD" { "" } else { answer };
    let answer = format!(
        "HTTP/1.1 {status} Told so\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{answer}"
    );
    reader.get_mut().write_all(answer.as_bytes()).ok()
}
