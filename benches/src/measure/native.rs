//! The core in this process.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use orgwatch::detector::Detector;
use orgwatch::finding::Finding;
use orgwatch_sigma::Pack;

use super::Shape;

/// The native core, with the default settings.
#[derive(Debug)]
pub struct Native {
    pack: Arc<Pack>,
    detector: Detector,
}

impl Native {
    /// With a pack.
    pub fn new(pack: Arc<Pack>) -> Result<Self> {
        Ok(Native { detector: open(&pack)?, pack })
    }
}

impl Shape for Native {
    fn reopen(&mut self) -> Result<()> {
        self.detector = open(&self.pack)?;
        Ok(())
    }

    fn batch(&mut self, events: &[u8]) -> Result<(u64, Vec<Finding>)> {
        let batch = self.detector.detect_batch(events);
        let findings = batch.findings.into_iter().map(|located| located.finding).collect();
        Ok((batch.counts.events, findings))
    }
}

fn open(pack: &Arc<Pack>) -> Result<Detector> {
    Detector::with_pack(Arc::clone(pack), "{}").map_err(|problems| anyhow!("{problems:?}"))
}
