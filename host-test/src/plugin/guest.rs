//! One living guest. After an error that [`Error::needs_new_instance`] it must not be called again.

use std::time::Duration;

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::bindings::exports::orgwatch::detector::detection as wit;
use super::memory_limit::MemoryLimit;
use super::{Error, Options, Plugin, bindings, convert, ticker};

/// A component instance without a detector.
pub(super) struct Guest {
    store: Store<MemoryLimit>,
    bindings: bindings::Plugin,
    open_deadline: Duration,
    max_memory: usize,
    max_findings: usize,
}

/// An instance, and the detector opened in it.
pub(super) struct OpenGuest {
    guest: Guest,
    detector: ResourceAny,
}

impl Guest {
    pub(super) fn instantiate(plugin: &Plugin) -> Result<Self, Error> {
        let Options { open_deadline, max_memory, max_findings, .. } = plugin.options;
        let mut store = Store::new(&plugin.engine, MemoryLimit::new(max_memory));
        store.limiter(|limit| limit);
        // What one answer may take on our side. A guest can name the same bytes many times over,
        // so its own memory is no bound for this.
        store.set_hostcall_fuel(max_memory);
        store.set_epoch_deadline(ticker::ticks(open_deadline));
        let bindings = plugin.pre.instantiate(&mut store);
        let bindings =
            bindings.map_err(|err| failure(&mut store, err, open_deadline, max_memory))?;
        Ok(Guest { store, bindings, open_deadline, max_memory, max_findings })
    }

    pub(super) fn open(mut self, settings: &str, packs: &[Vec<u8>]) -> Result<OpenGuest, Error> {
        let deadline = self.open_deadline;
        let opened =
            self.within(deadline, |wit, store| wit.detector().call_open(store, settings, packs))?;
        match opened {
            Ok(detector) => Ok(OpenGuest { guest: self, detector }),
            Err(problems) => {
                Err(Error::Settings(problems.into_iter().map(convert::problem).collect()))
            }
        }
    }

    pub(super) fn describe(&mut self) -> Result<wit::Description, Error> {
        self.within(self.open_deadline, |wit, store| wit.call_describe(store))
    }

    fn within<T>(
        &mut self,
        deadline: Duration,
        call: impl FnOnce(&wit::Guest, &mut Store<MemoryLimit>) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        self.store.set_epoch_deadline(ticker::ticks(deadline));
        call(self.bindings.orgwatch_detector_detection(), &mut self.store)
            .map_err(|err| failure(&mut self.store, err, deadline, self.max_memory))
    }

    /// Refuses an answer of more findings than one may have.
    fn within_bounds<T>(&self, findings: &[T]) -> Result<(), Error> {
        if findings.len() > self.max_findings {
            return Err(Error::TooManyFindings(self.max_findings));
        }
        Ok(())
    }
}

/// A call that failed. A guest that was refused memory seldom says so.
fn failure(
    store: &mut Store<MemoryLimit>,
    err: wasmtime::Error,
    deadline: Duration,
    max_memory: usize,
) -> Error {
    match Error::from_call(err, deadline) {
        Error::Trapped(_, cause) if store.data_mut().take_refused() => {
            Error::Memory(max_memory, cause)
        }
        err => err,
    }
}

impl OpenGuest {
    pub(super) fn detect(
        &mut self,
        event: &[u8],
        deadline: Duration,
    ) -> Result<Vec<convert::WitFinding>, Error> {
        let found = self
            .within(deadline, |wit, store, this| wit.detector().call_detect(store, this, event))?
            .map_err(Error::Refused)?;
        self.guest.within_bounds(&found)?;
        Ok(found)
    }

    pub(super) fn detect_batch(
        &mut self,
        events: &[u8],
        deadline: Duration,
    ) -> Result<wit::Batch, Error> {
        let batch = self.within(deadline, |wit, store, this| {
            wit.detector().call_detect_batch(store, this, events)
        })?;
        self.guest.within_bounds(&batch.findings)?;
        Ok(batch)
    }

    pub(super) fn screen(
        &mut self,
        events: &[u8],
        deadline: Duration,
    ) -> Result<wit::Screened, Error> {
        self.within(deadline, |wit, store, this| wit.detector().call_screen(store, this, events))
    }

    pub(super) fn save_state(&mut self) -> Result<Vec<u8>, Error> {
        self.within(self.guest.open_deadline, |wit, store, this| {
            wit.detector().call_save_state(store, this)
        })
    }

    pub(super) fn merge_state(&mut self, state: &[u8]) -> Result<Vec<convert::WitFinding>, Error> {
        let completed = self
            .within(self.guest.open_deadline, |wit, store, this| {
                wit.detector().call_merge_state(store, this, state)
            })?
            .map_err(Error::Refused)?;
        self.guest.within_bounds(&completed)?;
        Ok(completed)
    }

    pub(super) fn rules(&mut self) -> Result<Vec<wit::Rule>, Error> {
        self.within(self.guest.open_deadline, |wit, store, this| {
            wit.detector().call_rules(store, this)
        })
    }

    pub(super) fn counters(&mut self) -> Result<Vec<wit::Counter>, Error> {
        self.within(self.guest.open_deadline, |wit, store, this| {
            wit.detector().call_counters(store, this)
        })
    }

    fn within<T>(
        &mut self,
        deadline: Duration,
        call: impl FnOnce(&wit::Guest, &mut Store<MemoryLimit>, ResourceAny) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        let this = self.detector;
        self.guest.within(deadline, |wit, store| call(wit, store, this))
    }
}
