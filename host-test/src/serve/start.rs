//! The start of a service: the state that it takes up, and the destination of its findings.

use std::sync::Arc;

use tracing::{info, warn};

use super::Error;
use super::batch::Sink;
use super::deliveries::Deliveries;
use super::file_sink::FileSink;
use super::http_sink::HttpSink;
#[cfg(feature = "nats")]
use super::nats::Fleet;
use super::options::Deliver;
use super::pending;
use super::progress::Progress;
use crate::plugin;
use crate::state::journal::Journal;
use crate::state::{Pending, Position, Resumed, StateFile};

/// Takes up a state.
pub(super) fn resume(state: &StateFile, detector: &mut plugin::Detector) -> Result<Resumed, Error> {
    let resumed = state.resume(detector)?;
    let name = state.name().display();
    if !resumed.found {
        info!(state = %name, "no state yet: starting empty");
    }
    for remark in &resumed.remarks {
        warn!(state = %name, "{remark}");
    }
    if resumed.replayed > 0 {
        info!(entries = resumed.replayed, "the journal was replayed: the last run was not stopped");
    }
    Ok(resumed)
}

/// The memory that a service starts with.
#[derive(Default)]
pub(super) struct Found {
    pub(super) deliveries: Arc<Deliveries>,
    pub(super) pending: Vec<Pending>,
    pub(super) journal: Option<Journal>,
    pub(super) memory: Vec<u8>,
    pub(super) position: Option<Position>,
    pub(super) progress: Arc<Progress>,
    pub(super) dirty: bool,
}

pub(super) fn found(resumed: Option<Resumed>) -> Found {
    let Some(resumed) = resumed else { return Found::default() };
    let deliveries = Deliveries::new(resumed.undelivered);
    deliveries.take_up_loose(&resumed.completed);
    let mut pending = pending::loose(deliveries.loose());
    pending.extend(resumed.pending);
    Found {
        deliveries: Arc::new(deliveries),
        pending,
        journal: Some(resumed.journal),
        memory: resumed.memory,
        position: resumed.position,
        progress: Arc::new(Progress::new(resumed.stream)),
        dirty: resumed.replayed > 0,
    }
}

pub(super) fn delivery(
    deliver: &Deliver,
    #[cfg(feature = "nats")] fleet: Option<&Fleet>,
) -> Result<Sink, Error> {
    Ok(match deliver {
        #[cfg(feature = "nats")]
        Deliver::Stream(_) => Sink::Stream(
            fleet.and_then(Fleet::publisher).ok_or_else(|| Error::Stream("no stream".into()))?,
        ),
        #[cfg(not(feature = "nats"))]
        Deliver::Stream(_) => return Err(Error::NoNats),
        Deliver::Annotated(url) => Sink::Annotated(HttpSink::new(url.clone())),
        Deliver::Findings(url) => Sink::Findings(HttpSink::new(url.clone())),
        Deliver::Stdout => {
            let failed = |source| Error::Output { path: "standard output".into(), source };
            Sink::Written(FileSink::stdout().map_err(failed)?)
        }
        Deliver::File(path) => {
            let failed = |source| Error::Output { path: path.clone(), source };
            Sink::Written(FileSink::file(path).map_err(failed)?)
        }
    })
}
