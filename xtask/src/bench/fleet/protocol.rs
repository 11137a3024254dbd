//! NATS's protocol and HTTP, as much of them as a measurement needs: both are text.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, ensure};

/// As much of NATS's protocol as a measurement needs: it is text.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut stream = BufReader::new(stream);
        stream.read_line(&mut String::new())?;
        stream
            .get_mut()
            .write_all(b"CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true}\r\n")?;
        Ok(Client { stream })
    }

    pub fn subscribe(&mut self, subject: &str) -> Result<()> {
        Ok(self.stream.get_mut().write_all(format!("SUB {subject} 1\r\nPING\r\n").as_bytes())?)
    }

    pub fn request(&mut self, subject: &str, message: &str) -> Result<String> {
        self.subscribe("_INBOX.bench")?;
        let text = format!("PUB {subject} _INBOX.bench {}\r\n{message}\r\n", message.len());
        self.stream.get_mut().write_all(text.as_bytes())?;
        self.message()
    }

    /// The next message.
    pub fn message(&mut self) -> Result<String> {
        loop {
            let mut line = String::new();
            ensure!(self.stream.read_line(&mut line)? > 0, "nats-server closed the connection");
            if line.starts_with("PING") {
                self.stream.get_mut().write_all(b"PONG\r\n")?;
            }
            if line.starts_with("MSG") || line.starts_with("HMSG") {
                let length: usize = line.trim().rsplit(' ').next().unwrap_or_default().parse()?;
                let mut message = vec![0; length + 2];
                self.stream.read_exact(&mut message)?;
                return Ok(String::from_utf8_lossy(&message).into_owned());
            }
            ensure!(!line.starts_with("-ERR"), "{line}");
        }
    }
}

/// Sends events, which must be answered 200.
pub fn post(port: u16, events: &[u8]) -> Result<()> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        events.len()
    );
    let answer = http(port, &[head.as_bytes(), events].concat())?;
    ensure!(answer.contains(" 200 "), "{answer}");
    Ok(())
}

fn get(port: u16, path: &str) -> Result<String> {
    http(
        port,
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
    )
}

fn http(port: u16, request: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(request)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

pub fn lag(port: u16) -> Result<Option<u64>> {
    let answer = get(port, "/health")?;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Ok(serde_json::from_str::<serde_json::Value>(body)?["stream"]["lag"].as_u64())
}

pub fn ready(port: u16) -> Result<bool> {
    Ok(get(port, "/health/ready")?.contains(" 200 "))
}
