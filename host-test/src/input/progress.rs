//! Progress of reading, for a progress bar.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts what is read. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct ReadProgress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl ReadProgress {
    /// Files opened.
    pub fn files(&self) -> u64 {
        self.0.files.load(Relaxed)
    }

    /// Bytes read, as they are on the disk: compressed ones, if they are compressed.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Relaxed)
    }

    pub(super) fn add_file(&self) {
        self.0.files.fetch_add(1, Relaxed);
    }

    pub(super) fn add_bytes(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Relaxed);
    }
}
