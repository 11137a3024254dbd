//! The keys that lead to a value.

use std::borrow::Cow;

use crate::text::shortened;

/// How many keys of a place are told, the innermost of them, and how much of each: every record below has them.
const MAX_KEYS: usize = 16;
const MAX_KEY: usize = 100;

/// The keys that a search has passed, each with the one before it.
#[derive(Default)]
pub(super) struct Steps<'a>(Vec<(u32, Cow<'a, str>)>);

impl<'a> Steps<'a> {
    /// Adds a key behind a step. The number of the new step, from 1; 0 is the top.
    pub(super) fn push(&mut self, before: u32, key: Cow<'a, str>) -> u32 {
        self.0.push((before, key));
        u32::try_from(self.0.len()).unwrap_or(0)
    }

    /// The step before this one, and the key between.
    pub(super) fn get(&self, step: u32) -> Option<&(u32, Cow<'a, str>)> {
        (step as usize).checked_sub(1).and_then(|at| self.0.get(at))
    }

    /// The keys that lead to a step, behind those that lead to the top.
    pub(super) fn keys(&self, outer: &[String], mut step: u32) -> Vec<String> {
        let mut own = Vec::new();
        while let Some((before, key)) = self.get(step)
            && own.len() < MAX_KEYS
        {
            own.push(shortened(key, MAX_KEY).into_owned());
            step = *before;
        }
        let left = MAX_KEYS.saturating_sub(own.len());
        let more = outer.len().saturating_sub(left);
        outer.iter().skip(more).cloned().chain(own.into_iter().rev()).collect()
    }
}
