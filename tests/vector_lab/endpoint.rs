//! An HTTP service that a real Vector sends to in place of AWS, Slack or Elasticsearch.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// A request that was answered 200.
#[derive(Debug, Clone)]
pub struct Sent {
    pub method: String,
    pub path: String,
    /// In lower case.
    pub head: String,
    pub body: String,
}

type Answers = dyn Fn(&Sent) -> (u16, Vec<u8>) + Send + Sync;

/// A server of its own threads.
pub struct Endpoint {
    pub address: String,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Endpoint {
    fn start(answers: impl Fn(&Sent) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (shared, answers): (_, Arc<Answers>) = (Arc::clone(&sent), Arc::new(answers));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sent, answers) = (Arc::clone(&shared), Arc::clone(&answers));
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while request(&mut reader, &sent, &*answers).is_some() {}
                });
            }
        });
        Endpoint { address, sent }
    }

    /// Answers as Elasticsearch does, which is more than Slack's webhooks say; the first POST with 503.
    pub fn of_findings() -> Self {
        let refused = AtomicBool::new(false);
        Self::start(move |sent| {
            let first = sent.method == "POST" && !refused.swap(true, Ordering::SeqCst);
            let answer = json!({
                "errors": false, "items": [], "status": "green", "version": { "number": "8.11.0" },
            });
            (if first { 503 } else { 200 }, answer.to_string().into_bytes())
        })
    }

    /// A queue of SQS that tells of one object, and the bucket of S3 that has it.
    pub fn of_object(object: Arc<OnceLock<Vec<u8>>>) -> Self {
        let answered = AtomicUsize::new(0);
        Self::start(move |sent| {
            let done = |answer: Value| (200, answer.to_string().into_bytes());
            if sent.method == "GET" {
                assert!(sent.path.starts_with("/trail/AWSLogs/a.json.gz"), "{}", sent.path);
                return (200, object.get().unwrap().clone());
            }
            if sent.head.contains("\r\nx-amz-target: amazonsqs.receivemessage\r\n") {
                if answered.fetch_add(1, Ordering::SeqCst) > 0 {
                    // As long as it is invisible.
                    thread::sleep(Duration::from_millis(500));
                    return done(json!({}));
                }
                let event = json!({ "Records": [{
                    "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
                    "eventTime": "2026-06-01T12:00:00.000Z", "eventName": "ObjectCreated:Put",
                    "s3": { "bucket": { "name": "trail" }, "object": { "key": "AWSLogs/a.json.gz" } },
                }]});
                let message =
                    json!({ "MessageId": "m", "ReceiptHandle": "r", "Body": event.to_string() });
                return done(json!({ "Messages": [message] }));
            }
            let body: Value = serde_json::from_str(&sent.body).unwrap();
            let deleted = body["Entries"].as_array().into_iter().flatten();
            let deleted: Vec<_> = deleted.map(|entry| json!({ "Id": entry["Id"] })).collect();
            done(json!({ "Successful": deleted, "Failed": [] }))
        })
    }

    /// The requests that were answered 200.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// The POSTs of these.
    pub fn posted(&self) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.method == "POST").collect()
    }
}

fn request(
    reader: &mut BufReader<TcpStream>,
    all: &Mutex<Vec<Sent>>,
    answers: &Answers,
) -> Option<()> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut first = head.lines().next()?.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    let head = head.to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let sent = Sent { method, path, head, body: String::from_utf8(body).unwrap() };
    let (status, mut answer) = answers(&sent);
    let length = answer.len();
    if sent.method == "HEAD" {
        answer.clear();
    }
    if status == 200 {
        all.lock().unwrap().push(sent);
    }
    let head = format!(
        "HTTP/1.1 {status} Told so\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    reader.get_mut().write_all(head.as_bytes()).ok()?;
    reader.get_mut().write_all(&answer).ok()
}
