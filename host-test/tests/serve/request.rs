//! A request as a downstream of the tests reads it; the crash tests of the library use this file, too.

use std::io::Read as _;
use std::net::TcpStream;

/// The head of a request in lower case, and the length of its body; none if the connection ends.
pub fn head(mut stream: &TcpStream) -> Option<(String, usize)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length = length.split('\r').next().unwrap().parse().unwrap();
    Some((head, length))
}
