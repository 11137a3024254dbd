//! The connection to the servers.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use async_nats::{Client, ConnectOptions, Event};
use tracing::{info, warn};

use super::status::Status;
use crate::serve::Error;
use crate::serve::stream_options::FromStream;

/// Connects, now or whenever a server is there; and again whenever the connection is lost.
pub(in crate::serve) async fn connect(
    from: &FromStream,
    status: &Arc<Status>,
) -> Result<Client, Error> {
    let events = Arc::clone(status);
    let options = with_files(from)?
        .name(format!("orgwatch {}", env!("CARGO_PKG_VERSION")))
        .require_tls(from.url.tls())
        .retry_on_initial_connect()
        .max_reconnects(None)
        // Servers that others name would not be those that were asked for.
        .ignore_discovered_servers()
        .event_callback(move |event| {
            let status = Arc::clone(&events);
            async move { noted(&event, &status) }
        });
    let failed = |err: async_nats::ConnectError| Error::Stream(super::text(&err));
    options.connect(from.url.servers()).await.map_err(failed)
}

/// Credentials and certificates. They are read before there is a connection: one that is refused for want of a file
/// would be tried for ever.
pub(in crate::serve) fn with_files(from: &FromStream) -> Result<ConnectOptions, Error> {
    let unusable = |path: &Path, source| Error::Credentials { path: path.to_owned(), source };
    let read = |path: &Path| fs::read_to_string(path).map_err(|err| unusable(path, err));
    let pem = |path: &Path, of: &str| match read(path)?.contains(of) {
        true => Ok(()),
        false => {
            let reason = format!("there is no {of} in it, in the form of PEM");
            Err(unusable(path, io::Error::new(io::ErrorKind::InvalidData, reason)))
        }
    };
    let mut options = ConnectOptions::new();
    if let Some(path) = &from.credentials {
        options = with_credentials(options, &read(path)?).map_err(|err| unusable(path, err))?;
    }
    if let Some(path) = &from.authorities {
        pem(path, "CERTIFICATE")?;
        options = options.add_root_certificates(path.clone());
    }
    if let Some((certificate, key)) = &from.certificate {
        pem(certificate, "CERTIFICATE")?;
        pem(key, "PRIVATE KEY")?;
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(options)
}

/// A `.creds` file, the seed of an nkey, or a user and a password.
fn with_credentials(options: ConnectOptions, text: &str) -> io::Result<ConnectOptions> {
    if text.contains("-----BEGIN NATS USER JWT-----") {
        return options.credentials(text);
    }
    let line = text.trim();
    match line.split_once(':') {
        Some((user, password)) if !line.contains('\n') => {
            Ok(options.user_and_password(user.to_owned(), password.to_owned()))
        }
        None if line.starts_with("SU") && !line.contains(char::is_whitespace) => {
            Ok(options.nkey(line.to_owned()))
        }
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is neither a .creds file, nor the seed of an nkey, nor one line user:password",
        )),
    }
}

fn noted(event: &Event, status: &Status) {
    match event {
        Event::Connected => {
            status.connected(true);
            info!("connected to NATS");
        }
        Event::Disconnected | Event::Closed => {
            status.connected(false);
            warn!("the connection to NATS is lost: it is tried again");
        }
        Event::ClientError(err) => failed(&err.to_string(), status),
        Event::ServerError(err) => failed(&err.to_string(), status),
        Event::SlowConsumer(_) => warn!("messages of NATS came faster than they were read"),
        Event::LameDuckMode | Event::Draining => info!("a server of NATS is going to stop"),
    }
}

fn failed(reason: &str, status: &Status) {
    if let Some(before) = status.unreachable.pass() {
        warn!(reason, suppressed = before, "NATS cannot be used: it is tried again");
    }
}
