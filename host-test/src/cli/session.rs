//! The session of scan and learn: a detector opened with settings, and its memory in a file.

use std::fs::Metadata;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Context as _;
use orgwatch::finding::Finding;
use orgwatch::memory::ALERTS;
use orgwatch_host::output::number;
use orgwatch_host::plugin::{Detector, Plugin};
use orgwatch_host::scan::Options;
use orgwatch_host::state::{Resumed, StateFile};

use super::common::CommonFlags;
use super::opening::{self, Opening};
use super::settings::{Document, Refused};
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
    /// Opens it. Fails with [`Refused`] if the settings are refused.
    pub(super) fn open(
        flags: &CommonFlags,
        paths: &[PathBuf],
        state: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let settings = opening::settings(flags.settings.as_deref())?;
        let rules = flags.own_rules.load(&settings, flags.quiet)?;
        let load = || Ok(rules.plugin(component::load(flags.component.as_deref(), &flags.limits)?));
        let mut opening = Opening::new(settings, state, load)?;
        let mut detector = match opening.detector_of_files() {
            // Ours alone are not refused, but by a component that has its own baked in.
            Err(err) if flags.settings.is_none() && err.is::<Refused>() => {
                opening.settings = Document::of_component();
                opening.detector_of_files()?
            }
            detector => detector?,
        };
        let Opening { settings, state, plugin } = opening;
        let mut resumed = None;
        if let Some(state) = state {
            let taken_up = state.resume(&mut detector)?;
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
        options.threads = flags.threads.unwrap_or_else(|| threads(paths));
        Ok(Session { detector, options, plugin, settings, state: resumed })
    }

    /// Findings that loading the memory completed and no run has given yet.
    pub(super) fn completed(&mut self) -> Vec<Finding> {
        let resumed = self.state.as_mut().map(|(_, resumed)| resumed);
        resumed.map(|resumed| std::mem::take(&mut resumed.completed)).unwrap_or_default()
    }

    /// The accounts that fell silent by all that was read: files come in the order of their names, and not
    /// every event looks for them. A memory is looked through when another is merged, even an empty one.
    pub(super) fn fell_silent(&mut self) -> anyhow::Result<Vec<Finding>> {
        match self.settings.may_tell_silence() {
            true => Ok(self.detector.merge_state(&orgwatch::state::encode(&[]))?),
            false => Ok(Vec::new()),
        }
    }

    /// Saves the memory, if it is one that stays. Findings that loading it completed and that
    /// nobody took are left to a service.
    pub(super) fn save(&mut self) -> anyhow::Result<()> {
        self.save_as(Ok)
    }

    /// The alerts that the memory holds.
    pub(super) fn alerts(&mut self) -> anyhow::Result<Vec<u8>> {
        let memory = self.detector.save_state()?;
        let sections = orgwatch::state::decode(&memory)?;
        let alerts = sections.iter().find(|(name, _)| *name == ALERTS);
        Ok(alerts.map(|(_, bytes)| bytes.to_vec()).unwrap_or_default())
    }

    /// Saves the memory with these alerts in place of its own, which nobody was given.
    pub(super) fn save_with_alerts(&mut self, alerts: &[u8]) -> anyhow::Result<()> {
        self.save_as(|memory| {
            let mut sections = orgwatch::state::decode(&memory)?;
            sections.retain(|(name, _)| *name != ALERTS);
            if !alerts.is_empty() {
                sections.push((ALERTS, alerts));
            }
            Ok(orgwatch::state::encode(&sections))
        })
    }

    fn save_as(
        &mut self,
        change: impl FnOnce(Vec<u8>) -> anyhow::Result<Vec<u8>>,
    ) -> anyhow::Result<()> {
        if let Some((state, resumed)) = &mut self.state {
            let memory = self
                .detector
                .save_state()
                .with_context(|| format!("cannot save the state {}", state.name().display()))?;
            let memory = change(memory)?;
            resumed.leave_completed();
            state.save_resumed(memory, resumed)?;
        }
        Ok(())
    }

    /// The number of entries that the detector had to forget, as a row of a summary; none if it is 0.
    pub(super) fn forgotten(&mut self) -> anyhow::Result<Option<(&'static str, String)>> {
        let evicted = self.counter("memory_evicted")?;
        let row = || format!("the oldest {} entries, for want of room", number(evicted));
        Ok((evicted > 0).then(|| ("forgotten", row())))
    }

    /// A counter of the detector; 0 if it has none of that name.
    pub(super) fn counter(&mut self, name: &str) -> anyhow::Result<u64> {
        let counters = self.detector.counters()?;
        Ok(counters.iter().find(|counter| counter.name == name).map_or(0, |counter| counter.value))
    }
}

/// As many threads as there are cores for them, and one for files that are read before others are started.
fn threads(paths: &[PathBuf]) -> NonZeroUsize {
    const SOON_READ: u64 = 64 << 10;
    let length =
        |path: &PathBuf| path.metadata().ok().filter(Metadata::is_file).map(|file| file.len());
    let add = |sum, path| length(path).map(|length| sum + length).filter(|sum| *sum <= SOON_READ);
    match paths.iter().try_fold(0, add) {
        Some(_) => NonZeroUsize::MIN,
        None => thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    }
}
