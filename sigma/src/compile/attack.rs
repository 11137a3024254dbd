//! The ATT&CK ids that rules may name.

use std::collections::BTreeMap;

use super::Problem;
use super::problem::{Node, all};

/// The ATT&CK ids that tags may name, with the version they are of.
#[derive(Debug, Clone, Default)]
pub struct Attack {
    version: String,
    /// Sigma tag without `attack.`, to id.
    ids: BTreeMap<String, String>,
}

impl Attack {
    /// The list that comes with this crate, `attack.txt`: the ids that the pack's rules name.
    #[expect(clippy::expect_used, reason = "the list is part of this crate, and a test reads it")]
    pub fn known() -> Attack {
        Attack::parse(include_str!("../../attack.txt")).expect("a test reads it")
    }

    /// Reads the list: `#` comments, one of which says `version N`, then lines of id, Sigma tag name
    /// (`technique` for techniques, whose tag is the id) and name, separated by tabs.
    pub fn parse(list: &str) -> Result<Attack, Problem> {
        let mut attack = Attack::default();
        for (number, line) in (1..).zip(list.lines()) {
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
                    return Err(Problem {
                        file: "attack.txt".into(),
                        line: number,
                        column: 1,
                        text: "not id, tag and name".into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_that_comes_with_the_crate_can_be_read() {
        let known = Attack::known();
        assert_eq!(known.version(), "19");
        assert_eq!(known.ids.get("t1666").map(String::as_str), Some("T1666"));
    }

    #[test]
    fn a_line_that_is_none_is_refused_with_its_number() {
        let refusal = Attack::parse("# version 1\nT1 technique").unwrap_err();
        assert_eq!(refusal.to_string(), "attack.txt:2:1: not id, tag and name");
    }
}
