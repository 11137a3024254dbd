//! The component in wasmtime, in this process.

use std::path::Path;

use anyhow::Result;
use orgwatch::finding::Finding;
use orgwatch_host::plugin::{Artifact, CacheDir, Detector, Options, Plugin};

use super::Shape;

/// The component, with the default settings, used as `scan` and `serve` use one of other sources: it
/// screens a batch, and examines what may match.
#[derive(Debug)]
pub struct Wasm {
    plugin: Plugin,
    detector: Detector,
}

impl Wasm {
    /// The component in a file, or else where the command looks for it.
    pub fn new(component: Option<&Path>) -> Result<Self> {
        let artifact = Artifact::find(component)?;
        let mut options = Options::default();
        options.cache = CacheDir::find().ok();
        // The component is measured, beside native code.
        options.native_screening = false;
        let plugin = Plugin::load(artifact.bytes(), &options)?;
        let detector = plugin.open("{}")?;
        Ok(Wasm { plugin, detector })
    }
}

impl Shape for Wasm {
    fn reopen(&mut self) -> Result<()> {
        self.detector = self.plugin.open("{}")?;
        Ok(())
    }

    fn batch(&mut self, events: &[u8]) -> Result<(u64, Vec<Finding>)> {
        let screened = self.detector.screen(events)?;
        let mut count = screened.counts.events;
        let mut findings = Vec::new();
        if !screened.spans.is_empty() {
            let batch = self.detector.detect_batch(&screened.candidates(events))?;
            count += batch.counts.events;
            findings.extend(batch.findings.into_iter().map(|located| located.finding));
        }
        Ok((count, findings))
    }
}
