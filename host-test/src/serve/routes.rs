//! Requests and their answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::timeout_at;
use tracing::{error, warn};

use super::admission::Admission;
use super::batch::Batches;
use super::body::{self, BodyError, Encoding};
use super::log_limit::LogLimit;
#[cfg(feature = "nats")]
use super::nats::Stream;
use super::request_checks::{Rejection, check_content, check_origin, check_token};
use super::token::Token;
use crate::output::escape;

pub(super) type Answer = Response<Full<Bytes>>;

/// The service that answers requests.
#[derive(Debug)]
pub(super) struct App {
    pub(super) batches: Arc<Batches>,
    pub(super) token: RwLock<Option<Token>>,
    pub(super) admission: Arc<Admission>,
    pub(super) max_body: usize,
    pub(super) timeout: Duration,
    /// SHA-256 of the component.
    pub(super) digest: String,
    /// Whether new batches are taken.
    pub(super) ready: AtomicBool,
    pub(super) refused: LogLimit,
    pub(super) dropped: LogLimit,
    /// Where events come from, for a detector of a fleet.
    #[cfg(feature = "nats")]
    pub(super) stream: Option<Stream>,
}

impl App {
    /// Answers a request.
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        match self.route(request).await {
            Ok(answer) => answer,
            Err(rejection) => self.refuse(rejection),
        }
    }

    async fn route(self: &Arc<Self>, request: Request<Incoming>) -> Result<Answer, Rejection> {
        check_origin(request.uri(), request.headers())?;
        let path = request.uri().path().to_owned();
        let read = matches!(*request.method(), Method::GET | Method::HEAD);
        match &*path {
            "/health" | "/health/ready" if read => return Ok(self.health()),
            "/health/live" if read => return Ok(text(StatusCode::OK, "live")),
            _ => {}
        }
        let token = self.token.read().unwrap_or_else(PoisonError::into_inner).clone();
        check_token(request.headers(), token.as_ref())?;
        match &*path {
            // Vector's health check, which wants exactly 200.
            "/" if request.method() == Method::HEAD => Ok(self.health()),
            "/" if request.method() == Method::POST => self.take(request).await,
            "/metrics" if read => Ok(self.metrics().await),
            "/" => Ok(allow("HEAD, POST")),
            "/metrics" | "/health" | "/health/ready" | "/health/live" => Ok(allow("GET, HEAD")),
            _ => Ok(text(
                StatusCode::NOT_FOUND,
                "events go to /, and there are /health and /metrics",
            )),
        }
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Whether all of the stream is examined, where events come from one.
    #[cfg(feature = "nats")]
    fn has_caught_up(&self) -> bool {
        self.stream.as_ref().is_none_or(|stream| stream.status.is_ready())
    }

    #[cfg(not(feature = "nats"))]
    fn has_caught_up(&self) -> bool {
        true
    }

    fn health(&self) -> Answer {
        let ready = self.is_ready() && self.has_caught_up();
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        #[cfg_attr(not(feature = "nats"), allow(unused_mut))]
        let mut health = serde_json::json!({
            "live": true,
            "ready": ready,
            "version": env!("CARGO_PKG_VERSION"),
            "component": self.digest,
        });
        #[cfg(feature = "nats")]
        if let Some(stream) = &self.stream {
            health["stream"] = stream.status.health();
        }
        let mut answer = text(status, format!("{health}\n"));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        answer
    }

    async fn metrics(&self) -> Answer {
        let metrics = &self.batches.metrics;
        // A detector that is busy for so long has figures that are as old.
        let counters = self.batches.worker.counters();
        let counters = tokio::time::timeout(Duration::from_secs(1), counters).await;
        let counters = counters.ok().and_then(Result::ok).unwrap_or_default();
        metrics.hold(&counters, self.batches.deliveries.sizes());
        let mut answer = text(StatusCode::OK, metrics.text());
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        answer
    }

    /// Takes a batch.
    async fn take(self: &Arc<Self>, request: Request<Incoming>) -> Result<Answer, Rejection> {
        let start = Instant::now();
        let deadline = start + self.timeout;
        check_content(request.headers())?;
        let encoding = Encoding::of(request.headers()).map_err(|_| Rejection {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            why: "content-encoding",
            hint: "send gzip, zstd or plain: in Vector, compression: none",
        })?;
        if !self.is_ready() {
            return Ok(self.retry("stopping", start));
        }
        let (head, mut body) = request.into_parts();
        let mut room = self.admission.room();
        let received =
            body::receive(&head.headers, &mut body, self.max_body, deadline, &mut room).await;
        let body = match received {
            Ok(received) => received,
            Err(BodyError::NoRoom) => return Ok(self.retry("busy", start)),
            Err(err) => return Ok(self.drop_body(&err, body, deadline).await),
        };
        // Only now: a sender that is slow keeps nobody waiting.
        let Ok(Some(in_flight)) = timeout_at(deadline.into(), room.start()).await else {
            return Ok(self.retry("busy", start));
        };
        let events = match body::lines(body, encoding, self.max_body).await {
            Ok(events) => events,
            Err(err) => return Ok(self.drop_batch(&err)),
        };
        // On a task of its own: a sender that gives up does not undo what is on its way.
        #[cfg(feature = "nats")]
        if let Some(stream) = self.stream.clone() {
            // As an edge does: all detectors see it, in the one order.
            let sent = tokio::spawn(async move {
                let _in_flight = in_flight;
                timeout_at(deadline.into(), stream.send(events)).await
            });
            return Ok(match sent.await {
                Ok(Ok(Ok(()))) => {
                    self.batches.metrics.answered("ok", start.elapsed());
                    text(StatusCode::OK, "")
                }
                Ok(Ok(Err(err))) => self.retry(&err.to_string(), start),
                _ => self.retry("the stream took no event in time", start),
            });
        }
        let (batches, timeout) = (Arc::clone(&self.batches), self.timeout);
        let work =
            tokio::spawn(
                async move { batches.work_until(events, in_flight, deadline, timeout).await },
            );
        match work.await {
            Ok(Ok(())) => {
                self.batches.metrics.answered("ok", start.elapsed());
                Ok(text(StatusCode::OK, ""))
            }
            Ok(Err(retry)) => Ok(self.retry(&retry.to_string(), start)),
            Err(_) => Ok(self.retry("the batch was given up", start)),
        }
    }

    /// An answer on which Vector retries.
    fn retry(&self, why: &str, start: Instant) -> Answer {
        self.batches.metrics.answered("retry", start.elapsed());
        let mut answer = text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"));
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        answer
    }

    /// A body that gives no batch, of which more may come.
    async fn drop_body(&self, err: &BodyError, body: Incoming, deadline: Instant) -> Answer {
        if let BodyError::TooLong(_) = err {
            // Who still sends does not listen yet.
            let _ = timeout_at(deadline.into(), discard(body)).await;
        }
        self.drop_batch(err)
    }

    /// An answer on which Vector drops the batch, so it is logged as an error.
    fn drop_batch(&self, err: &BodyError) -> Answer {
        let (status, why, hint) = match err {
            BodyError::TooLong(_) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-long",
                "raise --max-body above the batches of the sender, or lower those (in Vector, \
                 batch.max_bytes)",
            ),
            BodyError::Encoding(_) => (
                StatusCode::BAD_REQUEST,
                "body-encoding",
                "it is not compressed as its Content-Encoding says: send it without compression \
                 (in Vector, compression: none), or find what changes it on the way",
            ),
            BodyError::NotALog(_) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "body-not-a-log",
                "find what sends it: a source that reads objects must decode them first (scan reads \
                 Parquet)",
            ),
            BodyError::Cut(_) => return text(StatusCode::BAD_REQUEST, "the body ended early"),
            BodyError::Slow | BodyError::NoRoom => {
                return text(StatusCode::REQUEST_TIMEOUT, err.to_string());
            }
        };
        self.batches.metrics.refused(why);
        if let Some(before) = self.dropped.pass() {
            error!(
                reason = %escape(&err.to_string(), 200),
                hint,
                suppressed = before,
                "A BATCH WAS REFUSED THAT ITS SENDER WILL NOT SEND AGAIN"
            );
        }
        text(status, format!("{err}\n"))
    }

    fn refuse(&self, rejection: Rejection) -> Answer {
        let Rejection { status, why, hint } = rejection;
        self.batches.metrics.refused(why);
        if let Some(before) = self.refused.pass() {
            warn!(
                why,
                hint,
                status = status.as_u16(),
                suppressed = before,
                "a request was refused"
            );
        }
        let mut answer = text(status, format!("{hint}\n"));
        if status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

async fn discard(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn allow(methods: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, format!("{methods}\n"));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}
