//! Screening in native code: the core that this program is linked with, for a component that is compiled
//! from the same sources.
//!
//! It is opened with the settings and the packs of the guest, so that it knows the same rules. It is only
//! asked what no rule can match, and remembers nothing.

use std::sync::{Arc, OnceLock};

use orgwatch::detector::Detector as Core;

#[cfg(feature = "scan")]
use super::Detector;
use super::detector::check_length;
use super::{Error, Plugin, Screened, convert, recovery};
use crate::native;

/// The core, shared by the threads that screen, and opened when one of them first asks it: that takes as long as
/// the guest took.
#[derive(Clone)]
pub(crate) struct Linked(Arc<Lazy>);

struct Lazy {
    settings: String,
    packs: Arc<[Vec<u8>]>,
    /// None if it refused what the guest took.
    core: OnceLock<Option<Core>>,
}

impl Linked {
    /// None if the component is of other sources: then the guest screens.
    pub(super) fn new(plugin: &Plugin, settings: &str) -> Option<Self> {
        let (settings, packs) = (settings.to_owned(), Arc::clone(&plugin.packs));
        let lazy = || Linked(Arc::new(Lazy { settings, packs, core: OnceLock::new() }));
        plugin.is_linked().then(lazy)
    }

    /// The lines that any rule could match: every line if the core panics, as if a guest had trapped. None where
    /// the guest has to screen.
    pub(super) fn screen(&self, events: &[u8]) -> Option<Result<Screened, Error>> {
        let Lazy { settings, packs, core } = &*self.0;
        let core = core.get_or_init(|| Core::open_with(settings, packs).ok()).as_ref()?;
        Some(check_length(events).map(|()| match native::parse(events, || core.screen(events)) {
            Some(screened) => convert::linked(screened),
            None => recovery::every_line(events),
        }))
    }
}

/// The screening of batches beside a detector, in another thread.
#[cfg(feature = "scan")]
pub(crate) struct Screener {
    pub(super) linked: Option<Linked>,
    pub(super) plugin: Plugin,
    pub(super) settings: String,
    /// A guest for screening alone, opened when it is needed.
    pub(super) detector: Option<Detector>,
}

#[cfg(feature = "scan")]
impl Screener {
    /// As [`Detector::screen`].
    pub(crate) fn screen(&mut self, events: &[u8]) -> Result<Screened, Error> {
        if let Some(screened) = self.linked.as_ref().and_then(|linked| linked.screen(events)) {
            return screened;
        }
        let detector = match self.detector.take() {
            Some(detector) => detector,
            None => self.plugin.open(&self.settings)?,
        };
        self.detector.insert(detector).screen(events)
    }

    /// Gives back the memory that a long event took: a guest keeps what it once needed.
    pub(crate) fn renew(&mut self) {
        self.detector = None;
    }
}
