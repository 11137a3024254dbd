//! The ATT&CK ids that rules may name.

use std::collections::BTreeMap;

use super::Refusal;
use super::problem::{Node, all};

/// The ATT&CK ids that tags may name, with the version they are of.
#[derive(Debug, Clone, Default)]
pub struct Attack {
    version: String,
    /// Sigma tag without `attack.`, to id.
    ids: BTreeMap<String, String>,
}

impl Attack {
    /// Reads the list: `#` comments, one of which says `version N`, then lines of id, Sigma tag name
    /// (`technique` for techniques, whose tag is the id) and name, separated by tabs.
    pub fn parse(list: &str) -> Result<Attack, Refusal> {
        let mut attack = Attack::default();
        for (index, line) in list.lines().enumerate() {
            if let Some(comment) = line.strip_prefix('#') {
                if let Some((_, version)) = comment.split_once("version ")
                    && attack.version.is_empty()
                {
                    let digits = |c: &char| c.is_ascii_digit() || *c == '.';
                    attack.version = version.chars().take_while(digits).collect();
                }
                continue;
            }
            let columns: Vec<_> = line.split('\t').collect();
            let (tag, id) = match columns.as_slice() {
                [""] => continue,
                [id, "technique", _] => (id.to_lowercase(), *id),
                [id, tactic, _] => ((*tactic).to_owned(), *id),
                _ => {
                    return Err(Refusal {
                        file: "attack.txt".into(),
                        line: index + 1,
                        column: 1,
                        problem: "not id, tag and name".into(),
                    });
                }
            };
            attack.ids.insert(tag, id.to_owned());
        }
        Ok(attack)
    }

    /// The version of ATT&CK that the list is of.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The ids that a rule's `attack.` tags stand for: `attack.t1666`, `attack.impact`.
    pub(super) fn ids(&self, tags: &[String], at: &Node<'_>) -> Option<Vec<String>> {
        let named = tags.iter().enumerate();
        let named = named.filter_map(|(n, tag)| Some((n, tag.strip_prefix("attack.")?)));
        all(named.map(|(n, name)| {
            let unknown =
                || format!("tags: attack.{name} is not in the list of ATT&CK {} ids", self.version);
            at.at(n).accept(self.ids.get(name).cloned().ok_or_else(unknown))
        }))
    }
}
