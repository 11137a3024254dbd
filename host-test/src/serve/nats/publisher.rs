//! Messages of a detector: findings, alerts, and candidates that came to it by HTTP.
//!
//! Every message has an id that follows from what it is about, so that replicas, replays and versions agree, and
//! the stream takes the first of them:
//!
//! | subject | id | |
//! | --- | --- | --- |
//! | `PREFIX.finding.<severity>` | the finding's id, and a digest of its parts | each finding |
//! | `PREFIX.alert.<severity>` | the incident and the severity | a finding with the status `new` |
//! | `PREFIX.alert.aside` | the digest of the event | an event that was too large for the stream |
//! | `PREFIX.candidate.<digest>` | SHA-256 of the event | an event that any rule could match |
//! | `PREFIX.canary.<edge>` | none | a canary that came through |

use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::context::{Context, ContextBuilder, PublishAckFuture};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use orgwatch::digest::Digest128;
use orgwatch::finding::{Finding, Status as FindingStatus};
use sha2::{Digest as _, Sha256};

use super::status::Status;
use crate::plugin::Located;
use crate::serve::http_sink::SinkError;
use crate::serve::stream_options::SubjectPrefix;

/// How long the stream may take to have a message on its disks.
const ACKNOWLEDGED: Duration = Duration::from_secs(10);

/// So many messages are on their way at once.
const IN_FLIGHT: usize = 256;

/// Publishes into the streams of a fleet.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Publisher {
    jetstream: Context,
    prefix: SubjectPrefix,
    status: Arc<Status>,
}

/// One message.
pub(super) struct Message {
    pub(super) kind: &'static str,
    /// The last token of the subject.
    pub(super) token: String,
    pub(super) id: Option<String>,
    pub(super) payload: Bytes,
}

impl Publisher {
    pub(in crate::serve) fn new(
        client: Client,
        prefix: SubjectPrefix,
        status: Arc<Status>,
    ) -> Self {
        let jetstream = context(client);
        Publisher { jetstream, prefix, status }
    }

    /// Publishes findings, and returns when the stream has all of them.
    pub(in crate::serve) async fn findings(&self, found: &[Located]) -> Result<(), SinkError> {
        let mut all = Vec::new();
        for one in found {
            all.extend(messages(&one.finding));
        }
        self.send(all).await
    }

    /// Publishes messages in their order, and returns when the streams have all of them.
    pub(super) async fn send(&self, messages: Vec<Message>) -> Result<(), SinkError> {
        // Otherwise it would wait in the client, and each attempt again.
        if self.jetstream.client().connection_state() != State::Connected {
            return Err(SinkError::Unreachable("there is no connection to NATS".into()));
        }
        let mut sent = Vec::new();
        for Message { kind, token, id, payload } in messages {
            let subject = format!("{}.{kind}.{token}", self.prefix);
            let mut message = PublishMessage::build().payload(payload);
            if let Some(id) = id {
                message = message.message_id(id);
            }
            let sending = self.jetstream.send_publish(subject, message).await;
            sent.push((kind, sending.map_err(|err| SinkError::Unreachable(super::text(&err)))?));
            if sent.len() >= IN_FLIGHT {
                self.acknowledged(std::mem::take(&mut sent)).await?;
            }
        }
        self.acknowledged(sent).await
    }

    async fn acknowledged(
        &self,
        sent: Vec<(&'static str, PublishAckFuture)>,
    ) -> Result<(), SinkError> {
        for (kind, acknowledgement) in sent {
            let acknowledged = acknowledgement.await;
            let acknowledged = acknowledged.map_err(|err| SinkError::Broken(super::text(&err)))?;
            self.status.published(kind, acknowledged.duplicate);
        }
        Ok(())
    }

    /// The longest message that the servers take.
    pub(super) fn longest(&self) -> usize {
        // Before the first connection nothing is known, and 1 MiB is the servers' default.
        match self.jetstream.client().server_info().max_payload {
            0 => 1 << 20,
            bytes => bytes,
        }
    }
}

/// JetStream over a connection, with the time that it may take.
pub(super) fn context(client: Client) -> Context {
    ContextBuilder::new().timeout(ACKNOWLEDGED).ack_timeout(ACKNOWLEDGED).build(client)
}

/// A finding, and its alert if it is one.
fn messages(finding: &Finding) -> impl Iterator<Item = Message> {
    // A finding has no key that is not text.
    let payload = Bytes::from(serde_json::to_vec(finding).unwrap_or_default());
    let severity = finding.severity.to_string();
    let alert = (finding.status == FindingStatus::New).then(|| Message {
        kind: "alert",
        token: severity.clone(),
        id: Some(alert_id(finding)),
        payload: payload.clone(),
    });
    let finding =
        Message { kind: "finding", token: severity, id: Some(finding_id(finding)), payload };
    [Some(finding), alert].into_iter().flatten()
}

/// The id of an alert: replicas that saw another finding of the incident first say the same.
fn alert_id(finding: &Finding) -> String {
    format!("alert-{}-{}", finding.incident, finding.severity)
}

/// The id of a finding, and a revision: a chain that was completed by other parts is another message.
fn finding_id(finding: &Finding) -> String {
    let mut parts: Vec<&str> = finding.parts.iter().map(String::as_str).collect();
    parts.sort_unstable();
    format!("finding-{}-{}", finding.id, Digest128::of(&parts).hex())
}

/// The id of a candidate, the same at every edge.
pub(super) fn candidate_id(event: &[u8]) -> String {
    Sha256::digest(event).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use orgwatch::finding::Severity;

    use super::*;

    fn finding(status: FindingStatus, parts: &[&str]) -> Finding {
        Finding {
            id: "00".into(),
            incident: "11".into(),
            severity: Severity::High,
            status,
            parts: parts.iter().map(|&part| part.to_owned()).collect(),
            ..Finding::default()
        }
    }

    #[test]
    fn what_replicas_see_first_changes_no_id() {
        let ids = |finding: &Finding| -> Vec<_> {
            messages(finding).map(|message| (message.kind, message.id.unwrap())).collect()
        };
        let new = finding(FindingStatus::New, &["a", "b"]);
        let later = finding(FindingStatus::FollowUp, &["b", "a"]);
        assert_eq!(ids(&new)[0], ids(&later)[0]);
        assert_eq!((ids(&new).len(), ids(&later).len()), (2, 1));
        assert_eq!(ids(&new)[1], ("alert", "alert-11-high".to_owned()));
        let more = finding(FindingStatus::New, &["a", "b", "c"]);
        assert_ne!(ids(&new)[0], ids(&more)[0]);
        let other = Finding { id: "22".into(), ..new.clone() };
        assert_eq!(ids(&new)[1], ids(&other)[1]);
    }

    #[test]
    fn the_id_of_a_candidate_is_of_its_bytes() {
        assert!(candidate_id(b"{}").starts_with("44136fa355b3678a1146ad16f7e8649e"));
    }
}
