//! The ATT&CK ids that rules may name.

use std::collections::BTreeMap;

use super::Problem;

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

    /// Whether the list has a tag, without its `attack.`.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.ids.contains_key(name)
    }

    /// The id that a tag stands for: `attack.t1666`, `attack.impact`, `attack.initial_access`. The list has
    /// those that our own rules name; a technique has its id in its tag.
    fn id(&self, tag: &str) -> Option<String> {
        let name = tag.to_lowercase();
        let name = name.strip_prefix("attack.")?;
        let known = self.ids.get(name).or_else(|| self.ids.get(&name.replace('_', "-")));
        known.cloned().or_else(|| is_technique(name).then(|| name.to_uppercase()))
    }

    /// The ids that a rule's tags stand for, and the tags that stand for none.
    pub(super) fn split(&self, tags: &[String]) -> (Vec<String>, Vec<String>) {
        let (mut ids, mut rest) = (Vec::new(), Vec::new());
        for tag in tags {
            match self.id(tag) {
                Some(id) => ids.push(id),
                None => rest.push(tag.clone()),
            }
        }
        (ids, rest)
    }
}

/// Whether a tag's name is a technique's or sub-technique's id: `t1666`, `t1098.001`.
fn is_technique(name: &str) -> bool {
    let digits =
        |text: &str, length| text.len() == length && text.bytes().all(|c| c.is_ascii_digit());
    let Some(number) = name.strip_prefix('t') else { return false };
    match number.split_once('.') {
        None => digits(number, 4),
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
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
    fn a_tag_is_an_id_or_is_kept() {
        let known = Attack::known();
        let tags = ["attack.t1666", "attack.T1098.001", "attack.g0016", "cve.2021-1", "attack.tx"];
        let (ids, rest) = known.split(&tags.map(str::to_owned));
        assert_eq!(ids, ["T1666", "T1098.001"]);
        assert_eq!(rest, ["attack.g0016", "cve.2021-1", "attack.tx"]);
    }

    #[test]
    fn a_line_that_is_none_is_refused_with_its_number() {
        let refusal = Attack::parse("# version 1\nT1 technique").unwrap_err();
        assert_eq!(refusal.to_string(), "attack.txt:2:1: not id, tag and name");
    }
}
