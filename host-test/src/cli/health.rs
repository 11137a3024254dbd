//! `orgwatch health`.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use orgwatch_host::output::Escaped;
use orgwatch_host::serve::Listen;

use super::Status;

const EXAMPLES: &str = "\
Examples:
  orgwatch health
  orgwatch health --live 127.0.0.1:6003

Exit codes:
  0  the service is ready, or with --live running
  2  it is not";

/// The time for each step: connecting, asking, and each read of the answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest answer that is read: more than the service sends.
const LONGEST: u64 = 64 << 10;

/// Ask the service on this machine whether it is ready
///
/// For the probes of a container that holds nothing else, and for scripts. The service listens on loopback
/// alone, where a probe over the network does not reach it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(super) struct HealthFlags {
    /// The address of its setting `listen`
    #[arg(value_name = "ADDRESS", default_value = "127.0.0.1:6003")]
    address: Listen,

    /// Ask only whether it is running: it may be stopping
    #[arg(long)]
    live: bool,
}

/// Runs it.
pub(super) fn run(flags: &HealthFlags) -> anyhow::Result<Status> {
    let path = if flags.live { "/health/live" } else { "/health/ready" };
    let answer = ask(&flags.address, path)
        .with_context(|| format!("the service at {} does not answer", flags.address))?;
    let status = answer.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("the service at {} answers: {}", flags.address, Escaped(status));
    }
    Ok(Status::Done)
}

fn ask(listen: &Listen, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&listen.address(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(LONGEST).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
