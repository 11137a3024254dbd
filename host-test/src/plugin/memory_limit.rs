//! The bound on what a guest may allocate.

use wasmtime::{ResourceLimiter, Result, StoreLimits, StoreLimitsBuilder};

/// The limits of one guest. They tell whether it wanted more memory: a guest that is refused it traps
/// some other way, which names no reason.
pub(super) struct MemoryLimit {
    limits: StoreLimits,
    /// Whether it asked for more in vain.
    refused: bool,
}

impl MemoryLimit {
    pub(super) fn new(max_memory: usize) -> Self {
        let limits = StoreLimitsBuilder::new()
            .memory_size(max_memory)
            .memories(1)
            .instances(16)
            .tables(16)
            .table_elements(1 << 20)
            .build();
        MemoryLimit { limits, refused: false }
    }

    /// Whether memory was refused since this was asked last.
    pub(super) fn take_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        let allowed = self.limits.memory_growing(current, desired, maximum)?;
        if !allowed {
            self.refused = true;
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}
