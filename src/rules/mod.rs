//! The pack, and whether a rule matches a record.

mod context;
mod evaluate;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

pub use context::Context;
pub use orgwatch_sigma::{Correlation, Pack, Rule, RuleMetadata, Witness, holds};

use crate::digest::{Digest128, Table};
use crate::prefilter::Texts;

/// The pack that this artifact carries, compiled from `rules/` by the build script: for where a detector is
/// opened with no other.
#[expect(clippy::expect_used, reason = "the build script wrote the bytes, and a test reads them")]
pub fn builtin_pack() -> Arc<Pack> {
    static PACK: LazyLock<Arc<Pack>> = LazyLock::new(|| {
        let pack = Pack::from_bytes(include_bytes!(concat!(env!("OUT_DIR"), "/pack.bin")))
            .expect("the build script wrote it, and a test reads it");
        Arc::new(pack)
    });
    Arc::clone(&PACK)
}

/// Whether a rule matches a record, new terms aside.
pub fn matches(rule: &Rule, context: &Context<'_>) -> bool {
    let required =
        || rule.derived_condition.as_ref().is_none_or(|requires| holds(requires, context));
    holds(&rule.condition, context) && required()
}

/// The rules of a pack by their witnesses in the events that they may match.
#[derive(Debug)]
pub struct Index {
    pack: Arc<Pack>,
    by_name: Table<String, Vec<IndexedRule>>,
    /// Rules that may match any event; they are among those of each name too.
    any: Vec<IndexedRule>,
    /// The texts of rules that name no event, and the rules of each.
    texts: Texts,
    by_text: Vec<Vec<IndexedRule>>,
}

/// A rule of the index, in the order of the pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexedRule {
    /// Its number in the pack.
    number: usize,
    /// Its key in the memory.
    pub key: Digest128,
}

impl Index {
    /// An index of those rules of a pack that are wanted.
    pub fn new(pack: Arc<Pack>, wanted: impl Fn(&Rule) -> bool) -> Self {
        let (mut by_name, mut any): (Table<_, Vec<IndexedRule>>, Vec<_>) = Default::default();
        let mut by_text: BTreeMap<&str, Vec<IndexedRule>> = BTreeMap::new();
        for (number, rule) in pack.rules.iter().enumerate().filter(|(_, rule)| wanted(rule)) {
            let indexed = IndexedRule { number, key: Digest128::of(&[&rule.about.id]) };
            match rule.witness() {
                Witness::Names(names) => {
                    for name in names {
                        by_name.entry(name.clone()).or_insert_with(|| any.clone()).push(indexed);
                    }
                }
                Witness::Texts(texts) | Witness::Wide(texts) => {
                    texts.iter().for_each(|text| by_text.entry(text).or_default().push(indexed));
                }
                Witness::None => {
                    by_name.values_mut().for_each(|rules| rules.push(indexed));
                    any.push(indexed);
                }
            }
        }
        let (texts, by_text): (Vec<_>, Vec<_>) = by_text.into_iter().unzip();
        let texts = Texts::new(texts);
        Index { pack, by_name, any, texts, by_text }
    }

    /// The pack.
    pub fn pack(&self) -> &Pack {
        &self.pack
    }

    /// The rules that an event of this name may match, which is read from this JSON; in the order of their slugs.
    pub fn of(&self, event_name: &str, json: &str) -> Cow<'_, [IndexedRule]> {
        let named = self.by_name.get(event_name.to_lowercase().as_str()).unwrap_or(&self.any);
        let mut rules = Cow::Borrowed(named.as_slice());
        if !self.texts.is_empty() {
            self.texts.visit(json.as_bytes(), &mut |text| {
                rules.to_mut().extend(self.by_text.get(text).into_iter().flatten());
            });
        }
        if let Cow::Owned(rules) = &mut rules {
            rules.sort_unstable();
            rules.dedup();
        }
        rules
    }

    /// A rule of the index; there is one for each that [`of`](Self::of) gave.
    pub fn rule(&self, indexed: IndexedRule) -> Option<&Rule> {
        self.pack.rules.get(indexed.number)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_pack_that_was_built_can_be_read() {
        assert!(!super::builtin_pack().rules.is_empty());
    }
}
