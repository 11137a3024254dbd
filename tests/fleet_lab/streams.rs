//! The messages of a stream, as anybody reads them.

use std::path::PathBuf;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use futures_util::StreamExt as _;
use serde_json::Value;

/// The messages of a stream, by kind.
#[derive(Debug, Default)]
pub struct Messages {
    /// The ids of all messages.
    pub ids: Vec<String>,
    /// The subjects of all messages.
    pub subjects: Vec<String>,
    pub findings: Vec<Value>,
    pub alerts: Vec<Value>,
    pub canaries: Vec<Value>,
}

/// All messages of a stream; none, if the server is not there.
pub fn messages(url: &str, stream: &str, secure: Option<PathBuf>) -> Messages {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(read(url, stream, secure)).unwrap_or_default()
}

async fn read(
    url: &str,
    stream: &str,
    secure: Option<PathBuf>,
) -> Result<Messages, async_nats::Error> {
    let mut options = async_nats::ConnectOptions::new();
    if let Some(folder) = secure {
        options = options.add_root_certificates(folder.join("ca.pem")).require_tls(true);
        options = options.user_and_password("admin".into(), "admin".into());
    }
    let client = options.connect(url).await?;
    let stream = jetstream::new(client).get_stream(stream).await?;
    let config = pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() };
    let consumer = stream.create_consumer(config).await?;
    let mut left = consumer.cached_info().num_pending;
    let mut all = Messages::default();
    while left > 0 {
        let mut batch = consumer.fetch().max_messages(1000).messages().await?;
        while let Some(message) = batch.next().await {
            let message = message?;
            left = message.info()?.pending;
            let id = message.headers.as_ref().and_then(|headers| headers.get("Nats-Msg-Id"));
            all.ids.extend(id.map(|id| id.as_str().to_owned()));
            let value = serde_json::from_slice(&message.payload)?;
            match message.subject.split('.').nth(1) {
                Some("finding") => all.findings.push(value),
                Some("alert") => all.alerts.push(value),
                Some("canary") => all.canaries.push(value),
                _ => {}
            }
            all.subjects.push(message.subject.to_string());
        }
    }
    Ok(all)
}
