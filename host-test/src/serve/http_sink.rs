//! Downstream over HTTP: one POST for a batch; only 200 acknowledges it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::options::ForwardUrl;
use crate::input::chain;

/// A client of one address, which keeps its connections.
#[derive(Debug, Clone)]
pub(super) struct HttpSink {
    url: ForwardUrl,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Why downstream did not acknowledge a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SinkError {
    /// Nobody answers there.
    #[error("cannot be reached: {0}")]
    Unreachable(String),

    /// The connection broke before there was an answer.
    #[error("gave no answer: {0}")]
    Broken(String),

    /// An answer other than 200.
    #[error("answered {status}: {text}")]
    Status { status: u16, text: String },

    /// The reader of standard output is gone, for good.
    #[error("is gone: standard output is closed")]
    Closed,

    /// Findings could not be written.
    #[error("cannot be written: {0}")]
    Write(String),
}

impl SinkError {
    /// As a label of a metric.
    pub(super) fn label(&self) -> &'static str {
        match self {
            SinkError::Unreachable(_) => "unreachable",
            SinkError::Broken(_) => "broken",
            SinkError::Status { status: 400..500, .. } => "answered-4xx",
            SinkError::Status { status: 500.., .. } => "answered-5xx",
            SinkError::Status { .. } => "answered-other",
            SinkError::Closed | SinkError::Write(_) => "write",
        }
    }
}

/// As much of an answer is read so that the connection can be used again.
const MAX_ANSWER: usize = 64 << 10;

impl HttpSink {
    pub(super) fn new(url: ForwardUrl) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        HttpSink { url, client }
    }

    /// Sends newline-delimited events.
    pub(super) async fn send(&self, events: Bytes) -> Result<(), SinkError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.url.uri())
            .header(CONTENT_TYPE, "application/x-ndjson")
            .body(Full::new(events))
            .map_err(|err| SinkError::Unreachable(err.to_string()))?;
        let response =
            self.client.request(request).await.map_err(|err| match err.is_connect() {
                true => SinkError::Unreachable(chain(&err)),
                false => SinkError::Broken(chain(&err)),
            })?;
        let status = response.status();
        // An answer that breaks off is none, even if it began with 200.
        let body = match Limited::new(response.into_body(), MAX_ANSWER).collect().await {
            Ok(body) => body.to_bytes(),
            Err(err) if err.is::<LengthLimitError>() => Bytes::new(),
            Err(err) => return Err(SinkError::Broken(err.to_string())),
        };
        if status == StatusCode::OK {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&body);
        let text = crate::output::escape(text.trim(), 200);
        Err(SinkError::Status { status: status.as_u16(), text })
    }
}
