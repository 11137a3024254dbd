//! The component in wasmtime, in this process.

use std::path::Path;

use anyhow::Result;
use orgwatch::finding::Finding;
use orgwatch_host::plugin::{Artifact, CacheDir, Detector, Options, Plugin};

use super::Shape;

/// The component, with the default settings.
#[derive(Debug)]
pub struct Wasm {
    plugin: Plugin,
    detector: Detector,
}

impl Wasm {
    /// The component in a file, or else where the command looks for it.
    pub fn new(component: Option<&Path>) -> Result<Self> {
        let artifact = Artifact::find(component)?;
        let options = Options { cache: CacheDir::find().ok(), ..Options::default() };
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
        let batch = self.detector.detect_batch(events)?;
        let findings = batch.findings.into_iter().map(|located| located.finding).collect();
        Ok((batch.counts.events, findings))
    }
}
