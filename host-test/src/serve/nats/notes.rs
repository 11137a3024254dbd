//! Messages of the stream that are no events: canaries, and notes of events that were too large for it.
//!
//! An edge sends a canary at an interval, by the way that events take. It has come back when it was examined in its
//! turn and the stream of findings has taken the answer. A process that runs proves nothing of that.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use serde::{Deserialize, Serialize};
use tracing::{debug, error, info};

use super::publisher::Message;
use super::status::Status;
use crate::output::escape;

/// So many edges are known; the names are the edges' own to give.
const MAX_EDGES: usize = 10_000;

/// Canaries that fail to come, before an edge counts as missing.
const MISSED: u32 = 3;

/// A message that is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    Canary(Canary),
    Aside(Aside),
}

/// A sign of life of an edge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Canary {
    edge: String,
    /// RFC 3339.
    time: String,
}

/// An event that an edge kept, since the stream takes none as large.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Aside {
    edge: String,
    bytes: u64,
    /// A digest of the event.
    id: String,
    #[serde(default, rename = "eventName")]
    event_name: Option<String>,
}

/// Nothing else may stand in the message: such a key inside an event is the event's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "orgwatch.canary")]
    canary: Option<Canary>,
    #[serde(rename = "orgwatch.aside")]
    aside: Option<Aside>,
}

impl Note {
    /// The note that a message is; none if it is an event, or whatever else.
    pub(super) fn of(payload: &[u8]) -> Option<Note> {
        if !payload.starts_with(b"{\"orgwatch.") {
            return None;
        }
        match serde_json::from_slice(payload).ok()? {
            Line { canary: Some(canary), aside: None } => Some(Note::Canary(canary)),
            Line { canary: None, aside: Some(aside) } => Some(Note::Aside(aside)),
            Line { .. } => None,
        }
    }

    /// A note of an event that is too large.
    pub(super) fn aside(edge: &str, bytes: usize, id: String) -> Note {
        Note::Aside(Aside { edge: edge.into(), bytes: bytes as u64, id, event_name: None })
    }

    /// The note as a candidate.
    pub(super) fn message(&self, screens: &str) -> Message {
        let payload = match self {
            Note::Canary(canary) => serde_json::json!({ "orgwatch.canary": canary }),
            Note::Aside(aside) => serde_json::json!({ "orgwatch.aside": aside }),
        };
        let (kind, token) = ("candidate", screens.to_owned());
        Message { kind, token, id: None, payload: payload.to_string().into() }
    }

    /// The answer into the stream of findings.
    pub(super) fn answer(&self) -> Message {
        let payload = |value: serde_json::Value| Bytes::from(value.to_string());
        match self {
            Note::Canary(Canary { edge, time }) => Message {
                kind: "canary",
                token: token(edge),
                id: Some(format!("canary-{}-{}", token(edge), escape(time, 40))),
                payload: payload(serde_json::json!({ "edge": edge, "time": time })),
            },
            Note::Aside(Aside { edge, bytes, id, event_name }) => Message {
                kind: "alert",
                token: "aside".into(),
                id: Some(format!("aside-{}", token(id))),
                payload: payload(serde_json::json!({
                    "title": "An event was too large for the stream, and no detector has seen it",
                    "edge": edge,
                    "bytes": bytes,
                    "id": id,
                    "event_name": event_name,
                })),
            },
        }
    }
}

/// The edges that are known, and when the last canary of each came back.
#[derive(Debug)]
pub(super) struct Canaries {
    interval: Duration,
    edges: Mutex<HashMap<String, Edge>>,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    last: Instant,
    missing: bool,
}

impl Canaries {
    /// Canaries that come at this interval, of these edges and of those that make themselves known.
    pub(super) fn new(interval: Duration, edges: &[String]) -> Self {
        let now = Edge { last: Instant::now(), missing: false };
        let edges = edges.iter().map(|edge| (edge.clone(), now)).collect();
        Canaries { interval, edges: Mutex::new(edges) }
    }

    /// A note was answered.
    pub(super) fn answered(&self, note: &Note, status: &Status) {
        match note {
            Note::Canary(canary) => self.came_back(canary, status),
            Note::Aside(aside) => {
                status.aside.inc();
                error!(
                    edge = %escape(&aside.edge, 100),
                    bytes = aside.bytes,
                    id = %escape(&aside.id, 100),
                    event = %escape(aside.event_name.as_deref().unwrap_or_default(), 100),
                    "AN EVENT WAS TOO LARGE FOR THE STREAM: it is with its edge, and no detector has seen it"
                );
            }
        }
    }

    fn came_back(&self, canary: &Canary, status: &Status) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let Some(sent) = orgwatch::time::parse(&canary.time) else { return };
        let delay = now - sent as f64;
        let mut edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner);
        if edges.len() >= MAX_EDGES && !edges.contains_key(&canary.edge) {
            return;
        }
        // One of long ago, which a replay brings, is no sign of life.
        if delay > self.patience().as_secs_f64() {
            return;
        }
        status.canary(&canary.edge, now, delay);
        let back = Edge { last: Instant::now(), missing: false };
        let before = edges.insert(canary.edge.clone(), back);
        let edge = escape(&canary.edge, 100);
        match before {
            Some(Edge { missing: true, .. }) => info!(%edge, delay, "the canary is back"),
            None => info!(%edge, delay, "the first canary of an edge came back"),
            _ => debug!(%edge, delay, "a canary came back"),
        }
    }

    fn patience(&self) -> Duration {
        self.interval * MISSED
    }

    /// Says of each edge once that its canary does not come back.
    pub(super) fn check(&self, status: &Status) {
        let mut edges = self.edges.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, edge) in edges.iter_mut().filter(|(_, edge)| !edge.missing) {
            let since = edge.last.elapsed();
            if since > self.patience() {
                edge.missing = true;
                status.no_canary(name);
                error!(
                    edge = %escape(name, 100),
                    seconds = since.as_secs(),
                    "THE CANARY OF AN EDGE DOES NOT COME BACK: no event of it may be examined. Look at its \
                     router, at the stream, and at the lag of this detector"
                );
            }
        }
    }

    /// The time between two checks.
    pub(super) fn pause(&self) -> Duration {
        (self.interval / 2).max(Duration::from_millis(100))
    }
}

/// A token of a subject: what stands for more is left out.
pub(super) fn token(text: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_".contains(*letter);
    let token: String = text.chars().filter(plain).take(64).collect();
    if token.is_empty() { "unnamed".into() } else { token }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_else_stands_in_a_note() {
        let canary = br#"{"orgwatch.canary":{"edge":"a","time":"2026-06-01T12:00:00Z"}}"#;
        let Some(Note::Canary(canary)) = Note::of(canary) else { panic!() };
        assert_eq!((&*canary.edge, &*canary.time), ("a", "2026-06-01T12:00:00Z"));
        assert!(matches!(
            Note::of(br#"{"orgwatch.aside":{"edge":"a","bytes":9,"id":"00","eventName":null}}"#),
            Some(Note::Aside(_))
        ));
        for event in [
            &br#"{"orgwatch.canary":{"edge":"a","time":"t"},"eventName":"LeaveOrganization"}"#[..],
            br#"{"orgwatch.canary":{"edge":"a","time":"t","eventName":"LeaveOrganization"}}"#,
            br#"{"orgwatch.heartbeat":{"account":"111122223333","time":"2026-06-01T12:00:00Z"}}"#,
            br#"{"orgwatch.canary":1}"#,
            br#"{"eventName":"LeaveOrganization"}"#,
        ] {
            assert_eq!(Note::of(event), None);
        }
    }

    #[test]
    fn a_name_is_one_token() {
        assert_eq!(token("edge-1.example.com > *"), "edge-1examplecom");
        assert_eq!(token("*.>"), "unnamed");
    }
}
