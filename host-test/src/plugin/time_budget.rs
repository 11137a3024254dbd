//! The time that failing calls may take.
//!
//! Each call has a deadline, but a guest that fails on every event would take one for each, and its caller
//! would wait for hours. So what fails is paid from a budget that fills again as time goes by. While it is
//! used up, calls get a short deadline, and an input on which one fails is given up as a whole.

use std::time::{Duration, Instant};

/// The budget gains one part of so many of the time that passes.
const REFILL: u32 = 4;

/// A call has one part of so many of its deadline at the least.
const LEAST: u32 = 50;

#[derive(Debug)]
pub(super) struct TimeBudget {
    most: Duration,
    left: Duration,
    counted: Instant,
}

impl TimeBudget {
    pub(super) fn new(most: Duration) -> Self {
        TimeBudget { most, left: most, counted: Instant::now() }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.counted);
        self.left = self.left.saturating_add(passed / REFILL).min(self.most);
        self.counted = now;
    }

    /// The deadline of a call that may take `whole`.
    pub(super) fn deadline(&mut self, whole: Duration) -> Duration {
        self.refill(Instant::now());
        whole.min(self.left.max(whole / LEAST))
    }

    /// Pays for what failed since `start`.
    pub(super) fn pay(&mut self, start: Instant) {
        let now = Instant::now();
        // The time that is paid for fills nothing.
        self.counted = now;
        self.left = self.left.saturating_sub(now.saturating_duration_since(start));
    }

    /// Whether nothing is left.
    pub(super) fn is_used_up(&self) -> bool {
        self.left.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Duration = Duration::from_secs(10);

    #[test]
    fn a_budget_that_is_used_up_leaves_calls_a_little_and_fills_again() {
        let mut budget = TimeBudget::new(Duration::from_secs(25));
        assert_eq!(budget.deadline(CALL), CALL);
        let Some(start) = Instant::now().checked_sub(Duration::from_secs(30)) else { return };
        budget.pay(start);
        assert!(budget.is_used_up());
        let now = budget.counted;
        budget.refill(now + Duration::from_secs(20));
        assert_eq!(budget.left, Duration::from_secs(5));
        budget.refill(now + Duration::from_secs(2000));
        assert_eq!(budget.left, Duration::from_secs(25));
    }

    #[test]
    fn the_least_deadline_is_a_part_of_the_whole() {
        let mut budget = TimeBudget::new(Duration::ZERO);
        assert_eq!(budget.deadline(CALL), CALL / LEAST);
    }
}
