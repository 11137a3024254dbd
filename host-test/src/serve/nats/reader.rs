//! From the stream to the detector.

use std::convert::Infallible;
use std::hash::Hasher as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::Context;
use async_nats::jetstream::stream::Info;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::sync::oneshot;
use tokio::time::{interval, sleep};
use tracing::{error, info, warn};
use twox_hash::XxHash64;

use super::notes::{Canaries, Note};
use super::publisher::context;
use super::status::Status;
use crate::output::escape;
use crate::serve::batch::{Retry, Sink};
use crate::serve::order::Failure;
use crate::serve::progress::Progress;
use crate::serve::routes::App;
use crate::serve::stream_options::FromStream;
use crate::state::StreamPosition;

/// So many messages are asked for at once, and are in memory.
const BATCH: usize = 256;

/// So many bytes of them are examined together.
const PART: usize = 4 << 20;

/// Between one attempt and the next.
const PAUSE: Duration = Duration::from_secs(1);

/// A server that says nothing for two of these is taken for gone.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The server forgets a reader that is gone for so long.
const INACTIVE: Duration = Duration::from_secs(60);

/// Reads a stream.
#[derive(Debug)]
pub(in crate::serve) struct Reader {
    pub(in crate::serve) client: Client,
    pub(in crate::serve) from: FromStream,
    pub(in crate::serve) app: Arc<App>,
    pub(in crate::serve) progress: Arc<Progress>,
    pub(in crate::serve) status: Arc<Status>,
}

/// Why a stream has to be opened again.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("{0}")]
    Stream(String),
    #[error("a message was lost on the way")]
    Gap,
    #[error("the detector was replaced by one with the memory saved last")]
    Rewound,
}

impl ReadError {
    fn of(err: &dyn std::error::Error) -> Self {
        ReadError::Stream(super::text(err))
    }
}

/// Messages that are examined together.
#[derive(Default)]
struct Part {
    lines: BytesMut,
    notes: Vec<Note>,
    messages: u64,
    /// The number of the last one.
    last: u64,
    /// So many come after it.
    pending: u64,
}

impl Reader {
    /// Reads until the other end of the channel is dropped, and opens the stream again after every error.
    pub(in crate::serve) async fn run(self, mut stop: oneshot::Receiver<()>) {
        let canaries = Canaries::new(self.from.canary, &self.from.edges);
        tokio::select! {
            _ = &mut stop => {}
            () = self.again_and_again(&canaries) => {}
            () = check(&canaries, &self.status) => {}
        }
        self.status.reading(false);
    }

    async fn again_and_again(&self, canaries: &Canaries) {
        let jetstream = context(self.client.clone());
        loop {
            let Err(err) = self.read(&jetstream, canaries).await;
            self.status.reading(false);
            self.status.reopened.inc();
            if let Some(before) = self.status.failed.pass() {
                warn!(
                    reason = %err,
                    stream = self.from.url.stream(),
                    suppressed = before,
                    "the stream cannot be read: it is tried again, from where it was left"
                );
            }
            sleep(PAUSE).await;
        }
    }

    async fn read(
        &self,
        jetstream: &Context,
        canaries: &Canaries,
    ) -> Result<Infallible, ReadError> {
        let stream = jetstream.get_stream(self.from.url.stream()).await;
        let stream = stream.map_err(|err| ReadError::of(&err))?;
        let at = self.start(stream.cached_info());
        self.progress.advance(at);
        self.status.position(at.next);
        let config = pull::Config {
            description: Some("a detector of orgwatch".into()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: at.next },
            // The position is the detector's to keep.
            ack_policy: AckPolicy::None,
            inactive_threshold: INACTIVE,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(|err| ReadError::of(&err))?;
        self.status.lag(consumer.cached_info().num_pending);
        self.status.reading(true);
        info!(
            stream = self.from.url.stream(),
            next = at.next,
            lag = consumer.cached_info().num_pending,
            "reading the stream"
        );
        let messages = consumer.stream().max_messages_per_batch(BATCH).heartbeat(HEARTBEAT);
        let messages = messages.messages().await.map_err(|err| ReadError::of(&err))?;
        let mut chunks = messages.ready_chunks(BATCH);
        let mut received = 0;
        while let Some(chunk) = chunks.next().await {
            let mut part = Part::default();
            for message in chunk {
                let message = message.map_err(|err| ReadError::of(&err))?;
                self.take(&message, &mut received, &mut part)?;
                if part.lines.len() >= PART {
                    self.examine(std::mem::take(&mut part), at.id, canaries).await?;
                }
            }
            self.examine(part, at.id, canaries).await?;
        }
        Err(ReadError::Stream("the stream of messages ended".into()))
    }

    /// Where to read on.
    fn start(&self, stream: &Info) -> StreamPosition {
        let name = self.from.url.stream();
        let mut hash = XxHash64::with_seed(0);
        hash.write(stream.config.name.as_bytes());
        hash.write_i128(stream.created.unix_timestamp_nanos());
        let id = hash.finish();
        let state = &stream.state;
        let first = state.first_sequence.max(1);
        let next = match self.progress.now() {
            Some(known) if known.id == id => known.next.max(1),
            Some(_) => {
                warn!(
                    stream = name,
                    "the state is of another stream: this one is read from its beginning"
                );
                return StreamPosition { id, next: first };
            }
            None if first > 1 => {
                warn!(
                    stream = name,
                    first,
                    "a start without a state, and the stream holds no longer all it held: chains that \
                     began before are not known. Take the state of another detector"
                );
                return StreamPosition { id, next: first };
            }
            None => first,
        };
        if next > state.last_sequence.saturating_add(1) {
            error!(
                stream = name,
                next,
                last = state.last_sequence,
                "THE STREAM HOLDS LESS THAN WAS READ OF IT, as after a restore: it is read from its beginning"
            );
            return StreamPosition { id, next: first };
        }
        if next < first {
            self.status.missed.inc_by(first - next);
            error!(
                stream = name,
                messages = first - next,
                "THE STREAM DROPPED MESSAGES BEFORE THEY WERE READ: raise max_age or max_bytes, and scan the \
                 logs of this time"
            );
        }
        StreamPosition { id, next: next.max(first) }
    }

    /// Puts a message to those that are examined together.
    fn take(
        &self,
        message: &jetstream::Message,
        received: &mut u64,
        part: &mut Part,
    ) -> Result<(), ReadError> {
        let info = message.info().map_err(|err| ReadError::Stream(err.to_string()))?;
        *received += 1;
        if info.consumer_sequence != *received {
            return Err(ReadError::Gap);
        }
        (part.last, part.pending) = (info.stream_sequence, info.pending);
        part.messages += 1;
        let payload = message.payload.trim_ascii();
        match Note::of(payload) {
            Some(note) => part.notes.push(note),
            None => {
                self.compare_rules(&message.subject);
                part.lines.extend_from_slice(payload);
                part.lines.extend_from_slice(b"\n");
            }
        }
        Ok(())
    }

    /// The last token of a candidate's subject says for which rules its edge screens.
    fn compare_rules(&self, subject: &str) {
        let Some(ours) = self.status.screens() else { return };
        let theirs = subject.rsplit('.').next().unwrap_or_default();
        if theirs == ours {
            return;
        }
        self.status.other_rules.inc();
        if let Some(before) = self.status.unlike.pass() {
            error!(
                edge = %escape(theirs, 64),
                ours,
                suppressed = before,
                "AN EDGE SCREENS FOR OTHER RULES THAN THESE: events that only this detector's rules want may \
                 not come. Put what `orgwatch router vector` and `orgwatch router fleet` print into the edges"
            );
        }
    }

    /// Examines messages and delivers what is found, however often it has to be tried; then the position is
    /// behind them.
    async fn examine(&self, part: Part, id: u64, canaries: &Canaries) -> Result<(), ReadError> {
        if part.messages == 0 {
            return Ok(());
        }
        let lines = part.lines.freeze();
        while !lines.is_empty() {
            match self.work(lines.clone()).await {
                Ok(()) => break,
                Err(Retry::Failed(Failure::Replaced)) => return Err(ReadError::Rewound),
                // Said where it failed.
                Err(_) => {
                    self.status.lag(part.pending + part.messages);
                    sleep(PAUSE).await;
                }
            }
        }
        self.answer(&part.notes, canaries).await;
        self.status.messages.inc_by(part.messages);
        let position = StreamPosition { id, next: part.last + 1 };
        self.progress.advance(position);
        self.status.position(position.next);
        self.status.lag(part.pending);
        Ok(())
    }

    async fn work(&self, lines: Bytes) -> Result<(), Retry> {
        let timeout = self.app.timeout;
        let mut room = self.app.admission.room();
        room.grow(lines.len()).await;
        let Some(in_flight) = room.start().await else { return Err(Retry::Busy(timeout)) };
        let deadline = Instant::now() + timeout;
        self.app.batches.work_until(lines, in_flight, deadline, timeout).await
    }

    async fn answer(&self, notes: &[Note], canaries: &Canaries) {
        if notes.is_empty() {
            return;
        }
        while let Sink::Stream(publisher) = &self.app.batches.delivery {
            let sent = publisher.send(notes.iter().map(Note::answer).collect()).await;
            match sent {
                Ok(()) => break,
                Err(err) => {
                    if let Some(before) = self.status.failed.pass() {
                        warn!(reason = %err, suppressed = before, "the stream of findings takes no message");
                    }
                    sleep(PAUSE).await;
                }
            }
        }
        for note in notes {
            canaries.answered(note, &self.status);
        }
    }
}

async fn check(canaries: &Canaries, status: &Status) {
    let mut ticks = interval(canaries.pause());
    loop {
        ticks.tick().await;
        canaries.check(status);
    }
}
