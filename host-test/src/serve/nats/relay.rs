//! Events that came to a detector by HTTP go into the stream, as those of an edge do: every detector sees
//! them, in the one order.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::task::spawn_blocking;
use tracing::error;

use super::notes::Note;
use super::publisher::{Message, Publisher, candidate_id};
use super::status::Status;
use crate::input::unpacked_lines;
use crate::plugin::{self, Detector, Plugin};
use crate::serve::http_sink::SinkError;
use crate::serve::log_limit::LogLimit;

/// The way into the stream, and what is known of it. Cheap to clone.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Stream {
    pub(in crate::serve) status: Arc<Status>,
    relay: Option<Arc<Relay>>,
}

#[derive(Debug)]
struct Relay {
    plugin: Plugin,
    /// Screens, and has no memory.
    screener: Mutex<Detector>,
    publisher: Publisher,
    too_large: LogLimit,
}

/// Why events have to be sent again.
#[derive(Debug, thiserror::Error)]
pub(in crate::serve) enum RelayError {
    #[error(
        "this detector reads a stream and writes to none: send events to an edge, or give --publish"
    )]
    NoSubjects,
    #[error("the events cannot be screened: {0}")]
    Screen(String),
    #[error("the stream {0}")]
    Stream(#[from] SinkError),
}

impl Stream {
    pub(super) fn new(
        status: Arc<Status>,
        plugin: &Plugin,
        settings: &str,
        publisher: Option<Publisher>,
    ) -> Result<Self, plugin::Error> {
        let relay = publisher.map(|publisher| {
            let screener = Mutex::new(plugin.open(settings)?);
            let plugin = plugin.clone();
            Ok(Arc::new(Relay { plugin, screener, publisher, too_large: LogLimit::default() }))
        });
        Ok(Stream { status, relay: relay.transpose()? })
    }

    /// Goes on with other settings and rules.
    pub(in crate::serve) fn reload(
        &self,
        settings: &str,
        packs: &[Vec<u8>],
    ) -> Result<(), plugin::Error> {
        let Some(relay) = &self.relay else { return Ok(()) };
        let screener = relay.plugin.clone().with_packs(packs.to_vec()).open(settings)?;
        *relay.screener.lock().unwrap_or_else(PoisonError::into_inner) = screener;
        Ok(())
    }

    /// Publishes those of newline-delimited events that any rule could match, and returns when the stream has
    /// them.
    pub(in crate::serve) async fn send(&self, events: Bytes) -> Result<(), RelayError> {
        let relay = self.relay.clone().ok_or(RelayError::NoSubjects)?;
        let screens = self.status.screens().unwrap_or_else(|| "unknown".into());
        let screened = spawn_blocking({
            let relay = Arc::clone(&relay);
            move || relay.candidates(&events)
        });
        let screened = screened.await.map_err(|err| RelayError::Screen(err.to_string()))?;
        let candidates = screened.map_err(|err| RelayError::Screen(super::text(&err)))?;
        let longest = relay.publisher.longest().saturating_sub(1 << 10);
        let messages = candidates.into_iter().map(|event| {
            let id = candidate_id(&event);
            if event.len() <= longest {
                return Message {
                    kind: "candidate",
                    token: screens.clone(),
                    id: Some(id),
                    payload: event,
                };
            }
            if let Some(before) = relay.too_large.pass() {
                error!(
                    bytes = event.len(),
                    id,
                    suppressed = before,
                    "an event is too large for the stream"
                );
            }
            Note::aside("orgwatch-serve", event.len(), id).message(&screens)
        });
        let messages = messages.collect();
        Ok(relay.publisher.send(messages).await?)
    }
}

impl Relay {
    fn candidates(&self, events: &Bytes) -> Result<Vec<Bytes>, plugin::Error> {
        let unpacked = unpacked_lines(events).map(Bytes::from);
        let bytes = unpacked.as_ref().unwrap_or(events);
        let screened =
            self.screener.lock().unwrap_or_else(PoisonError::into_inner).screen(bytes)?;
        let lines = screened.spans.iter().map(|span| {
            let end = (span.offset + span.length).min(bytes.len());
            bytes[span.offset.min(end)..end].trim_ascii()
        });
        // Notes are no events, so no rule asks for them.
        let others = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let notes = others.filter(|line| Note::of(line).is_some());
        let all = lines.chain(notes).filter(|line| !line.is_empty());
        Ok(all.map(|line| bytes.slice_ref(line)).collect())
    }
}
