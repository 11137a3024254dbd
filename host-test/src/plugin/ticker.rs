//! The clock behind deadlines.

use std::thread;
use std::time::Duration;

use wasmtime::Engine;

/// How often guests look at the clock: deadlines are this exact.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Moves the engine's epoch on, as long as there is an engine.
///
/// The thread holds the engine weakly and nobody joins it, so it keeps neither the engine nor the
/// process alive.
pub(super) fn start(engine: &Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new().name("orgwatch-ticker".into()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    })?;
    Ok(())
}

/// A deadline in ticks, rounded up: the tick under way when a call starts does not count.
pub(super) fn ticks(deadline: Duration) -> u64 {
    let ticks = deadline.as_millis().div_ceil(TICK.as_millis());
    u64::try_from(ticks).unwrap_or(u64::MAX - 1).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_round_up() {
        assert_eq!(ticks(Duration::ZERO), 1);
        assert_eq!(ticks(Duration::from_millis(1)), 2);
        assert_eq!(ticks(Duration::from_secs(1)), 101);
        assert_eq!(ticks(Duration::MAX), u64::MAX);
    }
}
