//! Line of each setting in a YAML file.
//!
//! `saphyr-parser` reads the YAML; only the paths are ours. `saphyr::MarkedYaml`, a tree with a place in
//! each node, refuses a file with a key that is there twice, and says neither the key nor the line of
//! the first one. It takes 90 ms for a list of 100,000 accounts, the events here 49 ms. The compiler of
//! rules walks the same events with columns and with paths that are lists: the settings' paths are the
//! texts of their problems, and a path there twice is an error here alone.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// Lines by path: `approvals[0].until` is on line 7.
///
/// Only a help: a path that is not here stands where the one above it does.
#[derive(Debug, Default)]
pub(super) struct Places {
    lines: BTreeMap<String, usize>,
    /// The first path that is there twice, its line, and its line the second time.
    pub(super) twice: Option<(String, usize, usize)>,
}

/// A list or a mapping that has begun.
enum Open {
    List { path: String, next: usize },
    Mapping { path: String, key: Option<String> },
}

impl Places {
    /// Reads as far as the text is YAML.
    pub(super) fn of(text: &str) -> Self {
        let mut places = Places::default();
        let mut open: Vec<Open> = Vec::new();
        for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
            let line = span.start.line();
            match event {
                Event::Scalar(value, ..) => {
                    if let Some(Open::Mapping { path, key: key @ None }) = open.last_mut() {
                        places.add(&below(path, &value), line);
                        *key = Some(value.into_owned());
                    } else {
                        places.value(&mut open, line);
                    }
                }
                // What it stands for stands elsewhere, and may stand for several.
                Event::Alias(_) => drop(places.value(&mut open, line)),
                Event::SequenceStart(..) => {
                    let path = places.value(&mut open, line);
                    open.push(Open::List { path, next: 0 });
                }
                Event::MappingStart(..) => {
                    let path = places.value(&mut open, line);
                    open.push(Open::Mapping { path, key: None });
                }
                Event::SequenceEnd | Event::MappingEnd => drop(open.pop()),
                _ => {}
            }
        }
        places
    }

    /// The line, from 1, of a path; or of the nearest above it that is there.
    pub(super) fn line(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    /// A value begins: notes its line, and gives its path.
    fn value(&mut self, open: &mut [Open], line: usize) -> String {
        match open.last_mut() {
            None => String::new(),
            Some(Open::List { path, next }) => {
                let path = format!("{path}[{next}]");
                *next += 1;
                self.add(&path, line);
                path
            }
            Some(Open::Mapping { path, key }) => below(path, &key.take().unwrap_or_default()),
        }
    }

    fn add(&mut self, path: &str, line: usize) {
        match self.lines.get(path) {
            Some(first) if self.twice.is_none() => {
                self.twice = Some((path.to_owned(), *first, line));
            }
            Some(_) => {}
            None => drop(self.lines.insert(path.to_owned(), line)),
        }
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = "\
# ours
management_account: 111122223333
trusted_organizations: [o-a,
  o-b]
approvals:
  - reason: >-
      several
      lines
    principals:
      - a
      - b
  - &again {reason: x, until: y}
  - *again
rules:
  account-created: { mode: off }
  \"quoted\": on
";

    #[test]
    fn every_setting_has_its_line() {
        let places = Places::of(SETTINGS);
        for (path, line) in [
            ("management_account", 2),
            ("trusted_organizations", 3),
            ("trusted_organizations[0]", 3),
            ("trusted_organizations[1]", 4),
            ("approvals", 5),
            ("approvals[0]", 6),
            ("approvals[0].reason", 6),
            ("approvals[0].principals", 9),
            ("approvals[0].principals[1]", 11),
            ("approvals[1].until", 12),
            ("approvals[2]", 13),
            ("rules.account-created", 15),
            ("rules.account-created.mode", 15),
            ("rules.quoted", 16),
        ] {
            assert_eq!(places.line(path), Some(line), "{path}");
        }
    }

    #[test]
    fn what_is_missing_stands_where_it_should() {
        let places = Places::of(SETTINGS);
        assert_eq!(places.line("approvals[0].until"), Some(6));
        assert_eq!(places.line("approvals[2].until"), Some(13));
        assert_eq!(places.line("memory"), None);
        assert_eq!(places.line(""), None);
    }

    #[test]
    fn json_and_broken_yaml_have_lines_too() {
        assert_eq!(Places::of("{\n\"late\":\n1}").line("late"), Some(2));
        assert_eq!(Places::of("late: 1\nmemory: [").line("late"), Some(1));
        assert_eq!(Places::of("").line("late"), None);
        assert_eq!(Places::of("? [a, b]\n: {c: 1}\nlate: 1\n").line("late"), Some(3));
        Places::of(&"[".repeat(100_000));
    }
}
