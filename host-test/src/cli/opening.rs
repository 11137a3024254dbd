//! The opening of a detector for a command: its settings, its state and its component.

use std::path::Path;

use orgwatch_host::plugin::{Detector, Error, Plugin};
use orgwatch_host::state::StateFile;

use super::settings::{Document, Refused};

/// Settings, a locked state and a component, from which a detector is opened.
pub(super) struct Opening {
    pub(super) settings: Document,
    pub(super) state: Option<StateFile>,
    pub(super) plugin: Plugin,
}

impl Opening {
    /// Locks the state before the component is loaded, which takes time: another run may have it.
    pub(super) fn new(
        settings: Document,
        state: Option<&Path>,
        load: impl FnOnce() -> anyhow::Result<Plugin>,
    ) -> anyhow::Result<Self> {
        let state = state.map(StateFile::open).transpose()?;
        Ok(Opening { settings, state, plugin: load()? })
    }

    /// Opens the detector. Fails with [`Refused`] if it refuses the settings.
    pub(super) fn detector(&self) -> anyhow::Result<Detector> {
        self.open(&self.settings.json())
    }

    /// Opens a detector of files, which looks for records under any key.
    pub(super) fn detector_of_files(&self) -> anyhow::Result<Detector> {
        self.open(&self.settings.for_files())
    }

    fn open(&self, settings: &str) -> anyhow::Result<Detector> {
        self.plugin.open(settings).map_err(|err| refused(&self.settings, err))
    }
}

/// Settings from a file, or the defaults.
pub(super) fn settings(file: Option<&Path>) -> anyhow::Result<Document> {
    file.map_or_else(|| Ok(Document::empty()), Document::read)
}

/// The error of a detector, as [`Refused`] if it is about the settings or the rules.
pub(super) fn refused(settings: &Document, err: Error) -> anyhow::Error {
    let Error::Settings(problems) = err else { return err.into() };
    // A pack stands in no file of settings.
    let (packs, problems): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.path.starts_with("packs"));
    let mut lines: Vec<String> =
        packs.iter().map(|problem| format!("the rules: {problem}")).collect();
    lines.extend(Refused::of(&settings.refused(&problems)).0);
    Refused(lines).into()
}
