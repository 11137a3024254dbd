//! Options of the service.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use hyper::Uri;

use super::stream_options::{FromStream, SubjectPrefix};
use super::token::Token;

/// Options of the service, with its bounds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// The address to listen on: 127.0.0.1:6003.
    pub listen: Listen,
    /// The stream that candidates come from, in place of batches; none by default.
    pub from: Option<FromStream>,
    /// The destination of findings: standard output.
    pub deliver: Deliver,
    /// The token that senders must present; none by default.
    pub token: Option<Token>,
    /// The longest body, as it comes and decompressed, in bytes: 64 MiB.
    pub max_body: usize,
    /// The number of batches that are worked on at once: 8. Others wait; so many bodies of the greatest length
    /// are in memory at the most, and one more.
    pub max_in_flight: u32,
    /// The time from the first byte of a batch to its answer: 30 s at the most.
    pub timeout: Duration,
    /// The time between two saves of the memory: 5 s.
    pub save_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: Listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 6003))),
            from: None,
            deliver: Deliver::Stdout,
            token: None,
            max_body: 64 << 20,
            max_in_flight: 8,
            timeout: Duration::from_secs(30),
            save_interval: Duration::from_secs(5),
        }
    }
}

/// The destination of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deliver {
    /// Every event is forwarded, with its findings.
    Annotated(ForwardUrl),
    /// Findings alone are forwarded, each as an event.
    Findings(ForwardUrl),
    /// Findings are appended to a file, one a line.
    File(PathBuf),
    /// Findings are written to standard output, one a line.
    Stdout,
    /// Findings and alerts are published into a stream of NATS, under these subjects; needs
    /// [`from`](Options::from).
    Stream(SubjectPrefix),
}

/// An address that only this machine can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen(SocketAddr);

impl Listen {
    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.0
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').ok_or_else(|| not_an_address(text))?;
        let port: u16 = port.parse().map_err(|_| not_an_address(text))?;
        match loopback(host).ok_or_else(|| not_an_address(text))? {
            Some(ip) => Ok(Listen(SocketAddr::from((ip, port)))),
            None => Err("only a loopback address: what comes here is neither encrypted nor known \
                         to come from Vector, so nobody but this machine may send it; run \
                         orgwatch beside each Vector, and give 127.0.0.1 and a port"
                .into()),
        }
    }
}

fn not_an_address(text: &str) -> String {
    format!("{text:?} is no address: give a loopback address and a port, such as 127.0.0.1:6003")
}

/// The address that batches are forwarded to: plain HTTP on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardUrl(Uri);

impl ForwardUrl {
    pub(super) fn uri(&self) -> Uri {
        self.0.clone()
    }

    /// Whether batches would come back to who listens there.
    pub fn leads_to(&self, listen: &Listen) -> bool {
        self.0.authority().is_some_and(|authority| *authority == *listen.to_string())
    }
}

impl fmt::Display for ForwardUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ForwardUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXAMPLE: &str = "such as http://127.0.0.1:6002/, where Vector's http_server listens";
        let uri: Uri = text.parse().map_err(|err| format!("no URL ({err}): give one {EXAMPLE}"))?;
        if uri.scheme_str() != Some("http") {
            return Err(format!(
                "only http://: it does not leave this machine, and Vector encrypts what does; give \
                 a URL {EXAMPLE}"
            ));
        }
        let authority = uri.authority().map(|known| known.as_str()).unwrap_or_default();
        if authority.contains('@') {
            return Err(format!("no user and password: give a URL {EXAMPLE}"));
        }
        let ip = loopback(uri.host().unwrap_or_default()).flatten().ok_or_else(|| {
            format!(
                "only a loopback address: events would leave this machine in the clear, and \
                 anybody's 200 would count as delivered; forward to the Vector beside it, {EXAMPLE}"
            )
        })?;
        // An address instead of a name, which could come to mean another.
        let address = SocketAddr::from((ip, uri.port_u16().unwrap_or(80)));
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let uri = format!("http://{address}{path}").parse();
        uri.map(ForwardUrl).map_err(|err| format!("no URL ({err}): give one {EXAMPLE}"))
    }
}

/// A host, if it is an address or `localhost`; and the address, if it is loopback.
pub(super) fn loopback(host: &str) -> Option<Option<IpAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        return Some(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }
    let plain = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let ip: IpAddr = plain.parse().ok()?;
    Some(Some(ip).filter(IpAddr::is_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_can_reach_it() {
        for (text, address) in [
            ("127.0.0.1:6003", "127.0.0.1:6003"),
            ("127.9.9.9:1", "127.9.9.9:1"),
            ("[::1]:6003", "[::1]:6003"),
            ("localhost:0", "127.0.0.1:0"),
        ] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), address);
        }
        for text in ["0.0.0.0:6003", "[::]:6003", "192.0.2.1:6003", "[::ffff:127.0.0.1]:1"] {
            let err = text.parse::<Listen>().unwrap_err();
            assert!(err.contains("beside each Vector"), "{err}");
        }
        for text in ["", "6003", ":6003", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "host:1"] {
            let err = text.parse::<Listen>().unwrap_err();
            assert!(err.contains("is no address"), "{err}");
        }
    }

    #[test]
    fn events_do_not_leave_the_machine() {
        for (text, url) in [
            ("http://127.0.0.1:6002/", "http://127.0.0.1:6002/"),
            ("http://localhost:6002", "http://127.0.0.1:6002/"),
            ("http://[::1]:80/a?b", "http://[::1]:80/a?b"),
            ("http://127.0.0.1", "http://127.0.0.1:80/"),
        ] {
            assert_eq!(text.parse::<ForwardUrl>().unwrap().to_string(), url);
        }
        for (text, part) in [
            ("https://127.0.0.1:6002/", "only http://"),
            ("127.0.0.1:6002", "only http://"),
            ("http://192.0.2.1/", "only a loopback"),
            ("http://example.com/", "only a loopback"),
            ("http://user:word@127.0.0.1/", "no user"),
            ("", "no URL"),
        ] {
            let err = text.parse::<ForwardUrl>().unwrap_err();
            assert!(err.contains(part), "{text}: {err}");
        }
    }
}
