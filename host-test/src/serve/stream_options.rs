//! The stream that a detector of a fleet reads, and the subjects that it writes to.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::options::loopback;

/// A stream of candidates to read, in place of batches by HTTP.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FromStream {
    /// The servers and the stream.
    pub url: StreamUrl,
    /// A file with credentials: a `.creds` file, the seed of an nkey, or `user:password`.
    pub credentials: Option<PathBuf>,
    /// Certificates of authorities beside the system's, as PEM.
    pub authorities: Option<PathBuf>,
    /// The client's certificate and its key, as PEM.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The digest of what edges let through for this detector's rules; none if that is not compared.
    pub screens: Option<String>,
    /// The time between two canaries of an edge: 1 min. After three without one, the edge is missing.
    pub canary: Duration,
    /// Edges whose canaries are expected from the start; others make themselves known.
    pub edges: Vec<String>,
}

impl FromStream {
    /// Reads this stream, without credentials.
    pub fn new(url: StreamUrl) -> Self {
        FromStream {
            url,
            credentials: None,
            authorities: None,
            certificate: None,
            screens: None,
            canary: Duration::from_secs(60),
            edges: Vec::new(),
        }
    }
}

/// Servers of NATS, and a stream there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamUrl {
    servers: Vec<String>,
    stream: String,
    tls: bool,
}

const EXAMPLE: &str =
    "such as tls://nats-1.example.com:4222,nats-2.example.com:4222/ORGWATCH_CANDIDATES";

impl StreamUrl {
    /// The servers, each a URL.
    pub fn servers(&self) -> &[String] {
        &self.servers
    }

    /// The name of the stream.
    pub fn stream(&self) -> &str {
        &self.stream
    }

    /// Whether nothing but TLS is spoken.
    pub fn tls(&self) -> bool {
        self.tls
    }
}

impl fmt::Display for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.servers.join(","), self.stream)
    }
}

impl FromStr for StreamUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tls, rest) = match text.split_once("://") {
            Some(("nats", rest)) => (false, rest),
            Some(("tls", rest)) => (true, rest),
            _ => return Err(format!("only nats:// and tls://: give a URL {EXAMPLE}")),
        };
        let (hosts, stream) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_token(stream) {
            return Err(format!("the name of a stream follows the servers: give a URL {EXAMPLE}"));
        }
        let scheme = if tls { "tls" } else { "nats" };
        let mut servers = Vec::new();
        for host in hosts.split(',') {
            if host.contains('@') {
                return Err(
                    "no user and no password, which every user of this machine could read: \
                            they stand in the file of nats_credentials"
                        .into(),
                );
            }
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) if !port.contains(']') => (name, port.parse().ok()),
                _ => (host, Some(4222_u16)),
            };
            let Some(port) = port.filter(|_| !name.is_empty() && !host.contains(['?', '#', ' ']))
            else {
                return Err(format!("{host:?} is no server: give a URL {EXAMPLE}"));
            };
            if !tls && loopback(name).flatten().is_none() {
                return Err(format!(
                    "nats:// only on this machine: events would go to {name} in the clear, and \
                     anybody could take its place; give tls://"
                ));
            }
            servers.push(format!("{scheme}://{name}:{port}"));
        }
        Ok(StreamUrl { servers, stream: stream.to_owned(), tls })
    }
}

/// The beginning of all subjects of a fleet: `PREFIX.candidate`, `PREFIX.finding`, `PREFIX.alert` and
/// `PREFIX.canary`, each with one token more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectPrefix(String);

impl fmt::Display for SubjectPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SubjectPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split('.').all(is_token) {
            true => Ok(SubjectPrefix(text.to_owned())),
            false => Err("letters, digits, - and _ between dots, such as orgwatch".into()),
        }
    }
}

fn is_token(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_a_stream() {
        let url: StreamUrl = "nats://127.0.0.1/CANDIDATES".parse().unwrap();
        assert_eq!(url.to_string(), "nats://127.0.0.1:4222/CANDIDATES");
        let url: StreamUrl = "tls://a.example.com:1,b.example.com/S-1".parse().unwrap();
        assert_eq!(url.servers(), ["tls://a.example.com:1", "tls://b.example.com:4222"]);
        assert!(url.tls() && url.stream() == "S-1");
        assert!("nats://[::1]:4222/S".parse::<StreamUrl>().is_ok());
        for (text, part) in [
            ("http://127.0.0.1/S", "only nats"),
            ("127.0.0.1:4222", "only nats"),
            ("nats://127.0.0.1", "name of a stream"),
            ("nats://127.0.0.1/a.b", "name of a stream"),
            ("nats://nats.example.com/S", "give tls://"),
            ("nats://10.0.0.1:4222/S", "give tls://"),
            ("tls://user:word@nats.example.com/S", "no password"),
            ("tls://nats.example.com:none/S", "is no server"),
            ("tls://:4222/S", "is no server"),
        ] {
            let err = text.parse::<StreamUrl>().unwrap_err();
            assert!(err.contains(part), "{text}: {err}");
        }
    }

    #[test]
    fn subjects_have_no_wildcards() {
        assert!("orgwatch".parse::<SubjectPrefix>().is_ok());
        assert!("security.org-watch".parse::<SubjectPrefix>().is_ok());
        for text in ["", "a..b", "a.*", ">", "a b"] {
            assert!(text.parse::<SubjectPrefix>().is_err(), "{text}");
        }
    }
}
