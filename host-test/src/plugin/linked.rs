//! Screening in native code: the core that this program is linked with, for a component that is compiled
//! from the same sources.
//!
//! It is opened with the settings and the packs of the guest, so that it knows the same rules. It is only
//! asked what no rule can match, and remembers nothing.

use std::sync::Arc;

use orgwatch::detector::Detector as Core;

#[cfg(feature = "scan")]
use super::Detector;
use super::detector::check_length;
use super::{Error, Plugin, Screened, convert, recovery};
use crate::native;

/// The core, shared by the threads that screen.
#[derive(Clone)]
pub(crate) struct Linked(Arc<Core>);

impl Linked {
    /// None if the component is of other sources. Then, or should the core refuse what the guest takes, the
    /// guest screens.
    pub(super) fn open(plugin: &Plugin, settings: &str) -> Option<Self> {
        if !plugin.is_linked() {
            return None;
        }
        Core::open_with(settings, &plugin.packs).ok().map(|core| Linked(Arc::new(core)))
    }

    /// The lines that any rule could match: every line if the core panics, as if a guest had trapped.
    pub(super) fn screen(&self, events: &[u8]) -> Result<Screened, Error> {
        check_length(events)?;
        Ok(match native::parse(events, || self.0.screen(events)) {
            Some(screened) => convert::linked(screened),
            None => recovery::every_line(events),
        })
    }
}

/// The screening of batches beside a detector, in another thread.
#[cfg(feature = "scan")]
pub(crate) enum Screener {
    Native(Linked),
    Guest(Box<GuestScreener>),
}

/// A guest for screening alone, opened when it is needed.
#[cfg(feature = "scan")]
pub(crate) struct GuestScreener {
    pub(super) plugin: Plugin,
    pub(super) settings: String,
    pub(super) detector: Option<Detector>,
}

#[cfg(feature = "scan")]
impl Screener {
    /// As [`Detector::screen`].
    pub(crate) fn screen(&mut self, events: &[u8]) -> Result<Screened, Error> {
        match self {
            Screener::Native(linked) => linked.screen(events),
            Screener::Guest(guest) => {
                let detector = match guest.detector.take() {
                    Some(detector) => detector,
                    None => guest.plugin.open(&guest.settings)?,
                };
                guest.detector.insert(detector).screen(events)
            }
        }
    }

    /// Gives back the memory that a long event took: a guest keeps what it once needed.
    pub(crate) fn renew(&mut self) {
        if let Screener::Guest(guest) = self {
            guest.detector = None;
        }
    }
}
