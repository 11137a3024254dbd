//! The session of scan and learn: a detector opened with settings, and its memory in a file.

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use anyhow::{Context as _, anyhow};
use orgwatch::finding::Finding;
use orgwatch_host::output::number;
use orgwatch_host::plugin::{Detector, Error, Plugin};
use orgwatch_host::scan::Options;
use orgwatch_host::state::{ResumeError, Resumed, StateFile};

use super::common::CommonFlags;
use super::settings::Document;
use super::{component, warn};

/// A detector for one run.
pub(super) struct Session {
    pub(super) detector: Detector,
    pub(super) options: Options,
    pub(super) plugin: Plugin,
    pub(super) settings: Document,
    /// The state, and what a service keeps in it: that is saved again as it was.
    state: Option<(StateFile, Resumed)>,
}

impl Session {
    /// Opens it; none if the settings were refused, which has been said then.
    pub(super) fn open(flags: &CommonFlags, state: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let mut settings = match &flags.settings {
            Some(file) => Document::read(file)?,
            None => Document::empty(),
        };
        // Before anything that takes time: another run may have it.
        let state = state.map(StateFile::open).transpose()?;
        let plugin = component::load(flags.component.as_deref())?;
        let mut detector = match plugin.open(&settings.for_files()) {
            // Ours alone are not refused, but by a component that has its own baked in.
            Err(Error::Settings(_)) if flags.settings.is_none() => {
                settings = Document::of_component();
                plugin.open(&settings.for_files())?
            }
            Err(Error::Settings(problems)) => {
                for wrong in settings.refused(&problems) {
                    warn(&wrong.to_string());
                }
                return Ok(None);
            }
            detector => detector?,
        };
        let mut resumed = None;
        if let Some(state) = state {
            let taken_up = resume(&mut detector, &state)?;
            if !taken_up.found && !flags.quiet {
                warn(&format!("no state {} yet: starting empty", state.name().display()));
            }
            for remark in &taken_up.remarks {
                warn(&format!("{}: {remark}", state.name().display()));
            }
            resumed = Some((state, taken_up));
        }
        let mut options = Options::default();
        options.limits.max_decompressed = flags.max_decompressed.0;
        options.filter = flags.filter.filter()?;
        options.threads = flags.threads.unwrap_or_else(threads);
        Ok(Some(Session { detector, options, plugin, settings, state: resumed }))
    }

    /// Findings that loading the memory completed and no run has given yet.
    pub(super) fn completed(&mut self) -> Vec<Finding> {
        let resumed = self.state.as_mut().map(|(_, resumed)| resumed);
        resumed.map(|resumed| std::mem::take(&mut resumed.completed)).unwrap_or_default()
    }

    /// Saves the memory, if it is one that stays. What loading it completed and nobody took is left
    /// to a service.
    pub(super) fn save(&mut self) -> anyhow::Result<()> {
        if let Some((state, resumed)) = &mut self.state {
            let failed = || format!("cannot save the state {}", state.name().display());
            let memory = self.detector.save_state().with_context(failed)?;
            resumed.leave_completed();
            state.save_resumed(memory, resumed).map_err(|err| match err {
                // It says so itself.
                ResumeError::File(err) => anyhow!(err),
                err => anyhow!(err).context(failed()),
            })?;
        }
        Ok(())
    }

    /// How much the detector had to forget, as a row of a summary; none if nothing.
    pub(super) fn forgotten(&mut self) -> anyhow::Result<Option<(&'static str, String)>> {
        let evicted = self.counter("memory_evicted")?;
        let told = || format!("the oldest {} entries, for want of room", number(evicted));
        Ok((evicted > 0).then(|| ("forgotten", told())))
    }

    /// A counter of the detector; 0 if it has none of that name.
    pub(super) fn counter(&mut self, name: &str) -> anyhow::Result<u64> {
        let counters = self.detector.counters()?;
        Ok(counters.iter().find(|counter| counter.name == name).map_or(0, |counter| counter.value))
    }
}

/// As many threads as there are cores for them.
fn threads() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn resume(detector: &mut Detector, state: &StateFile) -> anyhow::Result<Resumed> {
    let name = state.name().display();
    state.resume(detector).map_err(|err| match err {
        ResumeError::File(err) => anyhow!(err),
        ResumeError::Journal(err) => anyhow!(err),
        // Not ours to mend, and may be worth something to whoever can read it.
        ResumeError::Saved(_) | ResumeError::Detector(Error::Refused(_)) => {
            anyhow!("cannot use the state {name}, which is left as it is: {err}")
        }
        err => anyhow!(err).context(format!("cannot use the state {name}")),
    })
}
