//! Findings on their way to standard output.
//!
//! With several threads, one of them prints: where events in plenty give findings, a fifth of the
//! time would go there. What it prints, and in which order, is the same.

use std::io::{self, IsTerminal as _};
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use orgwatch::finding::Finding;
use orgwatch_host::output::{Format, Stories, Text};

use super::progress::Progress;
use super::stdout;

/// How findings are printed: each when it is found, or, as text, all of an incident together.
pub(super) enum Prints {
    Each(Box<dyn Format + Send>),
    Stories(Text, Stories),
}

impl Prints {
    fn take(&mut self, finding: &Finding) -> io::Result<()> {
        match self {
            Prints::Each(format) => print(|to| format.write(finding, to)),
            // Mostly nothing is written.
            Prints::Stories(how, stories) => print(|to| stories.take(finding, *how, to)),
        }
    }

    fn tell(&mut self) -> io::Result<()> {
        match self {
            Prints::Each(_) => Ok(()),
            Prints::Stories(how, stories) => print(|to| stories.tell(*how, to)),
        }
    }
}

fn print(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
    // Raw, not locked and buffered by lines: one call is one write.
    write(&mut stdout::lock())?;
    io::Write::flush(&mut stdout::lock())
}

/// Prints findings, in the order in which they are given.
pub(super) enum Delivery {
    /// In the calling thread.
    Here(Prints),
    /// In a thread of its own, which is given at once what a batch of events gave.
    Thread { batch: Vec<Finding>, thread: Sender<Order>, failed: Arc<AtomicBool>, settled: bool },
}

/// What the thread is to do.
pub(super) enum Order {
    Print(Vec<Finding>),
    /// Says whether all was printed; also what was kept to be told at the end, if it is the end.
    Settle {
        end: bool,
        printed: Sender<io::Result<()>>,
    },
}

impl Delivery {
    /// On a terminal, and with one thread, the calling one prints.
    pub(super) fn new(prints: Prints, threads: NonZeroUsize) -> io::Result<Self> {
        if io::stdout().is_terminal() || threads == NonZeroUsize::MIN {
            return Ok(Delivery::Here(prints));
        }
        // One batch waits while another is printed.
        let (thread, orders) = bounded(1);
        let failed = Arc::<AtomicBool>::default();
        let fails = Arc::clone(&failed);
        thread::Builder::new()
            .name("orgwatch-print".into())
            .spawn(move || obey(prints, &orders, &fails))?;
        Ok(Delivery::Thread { batch: Vec::new(), thread, failed, settled: true })
    }

    /// Takes a finding. Fails where one before it could not be printed.
    pub(super) fn take(&mut self, finding: Finding, progress: &Progress) -> io::Result<()> {
        match self {
            Delivery::Here(prints) => progress.aside_of_findings(|| prints.take(&finding)),
            Delivery::Thread { batch, failed, settled, .. } => {
                *settled = false;
                batch.push(finding);
                if failed.load(Relaxed) { self.settle() } else { Ok(()) }
            }
        }
    }

    /// Has what was taken printed, without waiting for it.
    pub(super) fn send(&mut self) {
        if let Delivery::Thread { batch, thread, .. } = self
            && !batch.is_empty()
        {
            // Where it is gone, settling says so.
            let _ = thread.send(Order::Print(mem::take(batch)));
        }
    }

    /// Waits until all that was taken is printed, or, as text, kept until the end.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        match self {
            Delivery::Thread { settled: false, .. } => self.order(false),
            _ => Ok(()),
        }
    }

    /// Prints what is left.
    pub(super) fn end(&mut self, progress: &Progress) -> io::Result<()> {
        match self {
            Delivery::Here(prints) => progress.aside_of_findings(|| prints.tell()),
            Delivery::Thread { .. } => self.order(true),
        }
    }

    fn order(&mut self, end: bool) -> io::Result<()> {
        self.send();
        let Delivery::Thread { thread, settled, .. } = self else { return Ok(()) };
        *settled = true;
        let (printed, answer) = bounded(1);
        let gone = || io::Error::other("the thread that prints findings has failed");
        thread.send(Order::Settle { end, printed }).map_err(|_| gone())?;
        answer.recv().unwrap_or_else(|_| Err(gone()))
    }
}

/// The work of the thread. It prints no more once it cannot.
fn obey(mut prints: Prints, orders: &Receiver<Order>, failed: &AtomicBool) {
    let mut unprinted = None;
    for order in orders {
        match order {
            Order::Print(findings) if unprinted.is_none() => {
                unprinted = findings.iter().try_for_each(|finding| prints.take(finding)).err();
                failed.store(unprinted.is_some(), Relaxed);
            }
            Order::Print(_) => {}
            Order::Settle { end, printed } => {
                if end && unprinted.is_none() {
                    unprinted = prints.tell().err();
                }
                // Who asks waits for it.
                let _ = printed.send(unprinted.take().map_or(Ok(()), Err));
            }
        }
    }
}
