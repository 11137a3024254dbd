//! The service, and a client of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::serve::downstream::Downstream;
use crate::util::Sandbox;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// `orgwatch serve`, ready. Killed when it is dropped.
pub struct Service {
    pub child: Child,
    pub address: String,
    log: Arc<Mutex<Vec<String>>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asked to send it again.
    #[track_caller]
    pub fn expect_retry(&self) -> &Self {
        assert!(self.expect(503).headers.contains_key("retry-after"));
        self
    }
}

impl Service {
    pub fn start(sandbox: &Sandbox, args: &[&str]) -> Self {
        Self::start_with(sandbox, args, |_| ())
    }

    /// With a command that is changed before it runs.
    pub fn start_with(sandbox: &Sandbox, args: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let mut command = sandbox.command();
        change(&mut command);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "json"]).args(args);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let mut service = Self::of(child, String::new());
        let shared = Arc::clone(&service.log);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                shared.lock().unwrap().push(line);
            }
        });
        service.address = service.logged("listening")["address"].as_str().unwrap().to_owned();
        service
    }

    /// One that listens there, or will, and whose log nobody reads.
    pub fn of(child: Child, address: String) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Service { child, address, log: Arc::default(), client }
    }

    /// Annotates, and forwards to this.
    pub fn annotating(sandbox: &Sandbox, downstream: &Downstream, args: &[&str]) -> Self {
        let url = downstream.url();
        Self::start(sandbox, &[&["--forward", &url][..], args].concat())
    }

    /// Forwards findings alone to this.
    pub fn tapping(sandbox: &Sandbox, downstream: &Downstream, args: &[&str]) -> Self {
        Self::annotating(sandbox, downstream, &[&["--findings-only"][..], args].concat())
    }

    /// The first line of the log with this message, which is waited for.
    #[track_caller]
    pub fn logged(&mut self, message: &str) -> Value {
        let start = Instant::now();
        loop {
            let log = self.log.lock().unwrap().clone();
            let lines = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let said = |line: &Value| line["message"].as_str().unwrap_or("").contains(message);
            if let Some(line) = lines.into_iter().find(said) {
                return line;
            }
            let ended = self.child.try_wait().unwrap();
            let waited = start.elapsed() > Duration::from_secs(120);
            assert!(ended.is_none() && !waited, "{message:?} is not in {log:#?} ({ended:?})");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The log so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub fn log_has(&self, text: &str) -> bool {
        self.lines().iter().any(|line| line.contains(text))
    }

    /// Sends any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap()
    }

    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        RUNTIME.block_on(async {
            let response = self.client.request(request).await.ok()?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = response.into_body().collect().await.ok()?.to_bytes();
            let text = String::from_utf8(body.to_vec()).unwrap();
            Some(Answer { status, headers, text })
        })
    }

    /// Sends events as Vector does.
    /// Sends a request's head, which announces so many bytes, and the beginning of its body.
    pub fn begin(&self, length: usize, body: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n\
             Content-Length: {length}\r\n\r\n"
        )
        .unwrap();
        stream.write_all(body.as_ref()).unwrap();
        stream
    }

    pub fn post(&self, events: impl AsRef<[u8]>) -> Answer {
        let kind = [("content-type", "application/x-ndjson")];
        self.send("POST", "/", &kind, events.as_ref())
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// The value of a metric; 0 if it is not there yet.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").expect(200).text.clone();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }

    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            let log = self.log.lock().unwrap();
            assert!(start.elapsed() < Duration::from_secs(60), "it does not end: {log:#?}");
            drop(log);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it without a word.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for something to come true.
#[track_caller]
pub fn until(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(120), "it never happened");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Events one a line, without the last line's end, as Vector sends them.
pub fn lines(events: &[Value]) -> String {
    events.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
