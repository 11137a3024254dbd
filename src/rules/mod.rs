//! The pack, and whether a rule matches a record.

mod context;
mod evaluate;
mod render;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use context::{Context, OBSERVED};
pub use orgwatch_sigma::{Correlation, Pack, Rule, RuleMetadata, holds};
pub use render::{correlation_finding, done, finding};

use crate::digest::Digest128;

/// The pack that this artifact carries, compiled from `rules/` by the build script.
pub fn pack() -> &'static Pack {
    static PACK: LazyLock<Pack> = LazyLock::new(|| {
        Pack::from_bytes(include_bytes!(concat!(env!("OUT_DIR"), "/pack.bin")))
            .expect("the build script wrote it, and a test reads it")
    });
    &PACK
}

/// Whether a rule matches a record, new terms aside.
pub fn matches(rule: &Rule, context: &Context<'_>) -> bool {
    let required =
        || rule.derived_condition.as_ref().is_none_or(|requires| holds(requires, context));
    holds(&rule.condition, context) && required()
}

/// Which rules want an event.
#[derive(Debug)]
pub struct Index {
    by_name: BTreeMap<&'static str, Vec<IndexedRule>>,
    /// Rules that want every event; they are among those of each name too.
    any: Vec<IndexedRule>,
}

/// A rule, and its key in the memory.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct IndexedRule {
    pub rule: &'static Rule,
    pub key: Digest128,
}

impl Index {
    /// An index of these rules, which are in the order of their slugs.
    pub fn new(rules: &[&'static Rule]) -> Self {
        let mut index = Index { by_name: BTreeMap::new(), any: Vec::new() };
        for &rule in rules {
            let known = IndexedRule { rule, key: Digest128::of(&[&rule.about.id]) };
            for name in &rule.event_names {
                index.by_name.entry(name).or_insert_with(|| index.any.clone()).push(known);
            }
            if rule.event_names.is_empty() {
                index.by_name.values_mut().for_each(|rules| rules.push(known));
                index.any.push(known);
            }
        }
        index
    }

    /// The rules that an event of this name may match, in the order of their slugs.
    pub fn wanting(&self, event_name: &str) -> &[IndexedRule] {
        self.by_name.get(event_name.to_lowercase().as_str()).unwrap_or(&self.any)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_pack_that_was_built_can_be_read() {
        assert!(!super::pack().rules.is_empty());
    }
}
