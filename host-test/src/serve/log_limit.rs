//! Rate limit for log lines: one in 10 s, with the number suppressed since.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One log line in ten seconds.
#[derive(Debug, Default)]
pub(super) struct LogLimit(Mutex<(Option<Instant>, u64)>);

const PAUSE: Duration = Duration::from_secs(10);

impl LogLimit {
    /// Whether to log now; then, the number of lines suppressed before.
    pub(super) fn pass(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, suppressed) = &mut *state;
        if last.is_some_and(|last| last.elapsed() < PAUSE) {
            *suppressed += 1;
            return None;
        }
        *last = Some(Instant::now());
        Some(std::mem::take(suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_and_the_others_are_counted() {
        let limit = LogLimit::default();
        assert_eq!(limit.pass(), Some(0));
        assert_eq!((limit.pass(), limit.pass()), (None, None));
        limit.0.lock().unwrap().0 = Instant::now().checked_sub(PAUSE);
        assert_eq!(limit.pass(), Some(2));
    }
}
