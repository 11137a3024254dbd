//! The one detector, on a thread of its own: what it does is all computing, and it does one thing
//! at a time, in the order of the batches.

use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

use super::ledger::Ledger;
use crate::plugin::{self, Counter, Counts, Detector, Located, Place, Plugin, Span, Unreadable};
use crate::state::Saved;

/// How many may wait for it; what waits is a pointer to a body that is there anyway.
const QUEUE: usize = 64;

/// A handle on the thread. Cheap to clone; the thread ends with the last.
#[derive(Debug, Clone)]
pub(super) struct Worker(mpsc::Sender<Command>);

enum Command {
    Examine(Bytes, oneshot::Sender<Option<Examined>>),
    Save { always: bool, reply: oneshot::Sender<Option<Saved>> },
    Reload(String, oneshot::Sender<Result<(), plugin::Error>>),
    Counters(oneshot::Sender<Vec<Counter>>),
}

/// What a batch gave.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// What is to be delivered, in the order of the lines.
    pub(super) found: Vec<Located>,
    /// How many were left out: delivered before.
    pub(super) repeats: u64,
    /// The lines that may hold findings, in order.
    pub(super) spans: Vec<Span>,
    pub(super) counts: Counts,
    /// The first that could not be read.
    pub(super) unreadable: Vec<Unreadable>,
}

/// The thread is gone: no working detector could be made any more.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the detector is gone")]
pub(super) struct Gone;

impl Worker {
    /// Starts the thread. The other end of the channel it returns closes when the thread ends.
    pub(super) fn start(
        plugin: Plugin,
        settings: String,
        detector: Detector,
        memory: Vec<u8>,
        ledger: Arc<Ledger>,
    ) -> std::io::Result<(Worker, oneshot::Receiver<()>)> {
        let (commands, inbox) = mpsc::channel(QUEUE);
        let (alive, gone) = oneshot::channel();
        let saved_version = ledger.version();
        let state =
            State { plugin, settings, detector, memory, ledger, dirty: false, saved_version };
        thread::Builder::new().name("orgwatch-detector".into()).spawn(move || {
            state.run(inbox);
            drop(alive);
        })?;
        Ok((Worker(commands), gone))
    }

    /// Examines newline-delimited events, and owes what it finds. `None` if the detector failed on
    /// them as a whole; it has been replaced then, and they are to be sent again.
    pub(super) async fn examine(&self, events: Bytes) -> Result<Option<Examined>, Gone> {
        self.ask(|reply| Command::Examine(events, reply)).await
    }

    /// The memory and what is owed of it; `None` if neither has changed since, unless `always`.
    pub(super) async fn save(&self, always: bool) -> Result<Option<Saved>, Gone> {
        self.ask(|reply| Command::Save { always, reply }).await
    }

    /// Goes on with other settings and the same memory. If they are refused all stays as it was.
    pub(super) async fn reload(&self, settings: String) -> Result<Result<(), plugin::Error>, Gone> {
        self.ask(|reply| Command::Reload(settings, reply)).await
    }

    /// What the detector holds and has dropped.
    pub(super) async fn counters(&self) -> Result<Vec<Counter>, Gone> {
        self.ask(Command::Counters).await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        self.0.send(command(reply)).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}

struct State {
    plugin: Plugin,
    settings: String,
    detector: Detector,
    /// As it was saved last: what a detector that cannot go on is replaced from.
    memory: Vec<u8>,
    ledger: Arc<Ledger>,
    /// Whether the memory may have changed since.
    dirty: bool,
    saved_version: u64,
}

impl State {
    fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        // Whoever asked and does not wait any more gets no answer; what was found stays owed.
        while let Some(command) = inbox.blocking_recv() {
            match command {
                Command::Examine(events, reply) => {
                    let examined = match self.examine(&events) {
                        Ok(examined) => Some(examined),
                        Err(err) => {
                            if !self.replace(&err) {
                                return;
                            }
                            None
                        }
                    };
                    let _ = reply.send(examined);
                }
                Command::Save { always, reply } => match self.save(always) {
                    Ok(saved) => drop(reply.send(saved)),
                    Err(err) if self.replace(&err) => drop(reply.send(None)),
                    Err(_) => return,
                },
                Command::Reload(settings, reply) => drop(reply.send(self.reload(settings))),
                Command::Counters(reply) => {
                    let _ = reply.send(self.detector.counters().unwrap_or_default());
                }
            }
        }
    }

    fn examine(&mut self, events: &[u8]) -> Result<Examined, plugin::Error> {
        let screened = self.detector.screen(events)?;
        let candidates = screened.candidates(events);
        let mut examined = Examined {
            counts: screened.counts,
            unreadable: screened.unreadable,
            ..Examined::default()
        };
        let spans = screened.spans;
        if spans.is_empty() {
            return Ok(examined);
        }
        let batch = self.detector.detect_batch(&candidates)?;
        self.dirty |= batch.counts.evaluated > 0;
        let place = |place: Place| {
            let nth = usize::try_from(place.line).unwrap_or(1).clamp(1, spans.len());
            Place { line: spans[nth - 1].line, ..place }
        };
        let counts = Counts { lines: 0, ..batch.counts };
        examined.counts += counts;
        examined.unreadable.extend(
            batch.unreadable.into_iter().map(|one| Unreadable { place: place(one.place), ..one }),
        );
        let found: Vec<_> = batch
            .findings
            .into_iter()
            .map(|one| Located { place: place(one.place), ..one })
            .collect();
        let all = found.len();
        examined.found = self.ledger.owe(found);
        examined.found.sort_by_key(|one| one.place);
        examined.repeats = (all - examined.found.len()) as u64;
        examined.spans = spans;
        Ok(examined)
    }

    fn save(&mut self, always: bool) -> Result<Option<Saved>, plugin::Error> {
        let (owed, version) = self.ledger.save();
        if !always && !self.dirty && version == self.saved_version {
            return Ok(None);
        }
        if self.dirty || self.memory.is_empty() {
            self.memory = self.detector.save_state()?;
        }
        (self.dirty, self.saved_version) = (false, version);
        Ok(Some(Saved { memory: self.memory.clone(), owed }))
    }

    fn reload(&mut self, settings: String) -> Result<(), plugin::Error> {
        let mut detector = self.plugin.open(&settings)?;
        let memory = self.detector.save_state()?;
        complain(detector.merge_state(&memory)?.len());
        (self.detector, self.memory, self.settings) = (detector, memory, settings);
        self.dirty = true;
        Ok(())
    }

    /// After an error that the detector itself cannot recover from: another one, with the memory
    /// saved last. What was delivered since is not asked for again, and what was not is found anew.
    fn replace(&mut self, err: &plugin::Error) -> bool {
        error!(error = %chain(err), "the detector failed and is replaced by one with the memory saved last");
        let again = self.plugin.open(&self.settings).and_then(|mut detector| {
            if !self.memory.is_empty() {
                detector.merge_state(&self.memory)?;
            }
            Ok(detector)
        });
        match again {
            Ok(detector) => {
                (self.detector, self.dirty) = (detector, true);
                true
            }
            Err(err) => {
                error!(error = %chain(&err), "no detector can be opened any more");
                false
            }
        }
    }
}

/// Merging into an empty memory completes nothing that was not complete before; if it did, no event
/// would carry it.
pub(super) fn complain(completed: usize) {
    if completed > 0 {
        warn!(completed, "loading the memory completed chains that no event carries");
    }
}

/// An error with its causes.
pub(super) fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text += &format!(": {err}");
        cause = err.source();
    }
    text
}
