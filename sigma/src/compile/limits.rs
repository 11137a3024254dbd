//! Bounds on YAML, checked before a library reads it into a tree.
//!
//! Deep nesting takes these libraries a time that grows with its square, and aliases can stand for more
//! than any memory holds. The scanner here goes through the text once and stops at a bound.

use saphyr_parser::{Event, Parser};

/// The bound on the length of a file, in bytes.
pub const MAX_FILE: usize = 1 << 20;

/// The bound on mappings and lists in one another.
pub const MAX_NESTING: usize = 32;

/// The bound on what a file holds once its aliases are written out, in bytes; a value counts for as many
/// more as [`VALUE`] says.
pub const MAX_EXPANDED: usize = 4 << 20;

/// The bytes that a value counts for, whatever it holds.
pub(super) const VALUE: usize = 16;

/// The bound on rules and correlations, of all files together.
pub const MAX_RULES: usize = 10_000;

/// The bound on values in the condition of one rule, each counted as often as the condition asks for it.
pub const MAX_VALUES: usize = 20_000;

/// The bound on the text of a condition, in bytes.
pub const MAX_CONDITION: usize = 16 << 10;

/// The problem of a text that a bound refuses: line, column and text.
pub(super) type Exceeded = (usize, usize, String);

/// Refuses a text that is too long, too deep or too large.
pub(super) fn check(yaml: &str) -> Result<(), Exceeded> {
    if yaml.len() > MAX_FILE {
        return Err((1, 1, format!("the file is longer than {MAX_FILE} bytes")));
    }
    let mut size = Sizes::default();
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event.map_err(|error| {
            let at = error.marker();
            // The scanner has a bound of its own on brackets in brackets.
            let problem = match error.info() {
                deep if deep.contains("recursion limit") => too_deep(),
                problem => problem.to_owned(),
            };
            (at.line(), at.col().saturating_add(1), problem)
        })?;
        size.add(&event)
            .map_err(|problem| (span.start.line(), span.start.col().saturating_add(1), problem))?;
    }
    Ok(())
}

fn too_deep() -> String {
    format!("more than {MAX_NESTING} mappings and lists stand in one another")
}

/// The sizes of the values that are open and of those that have a name.
#[derive(Default)]
struct Sizes {
    /// Name and size of each container that is open, from the outermost.
    open: Vec<(usize, usize)>,
    named: std::collections::BTreeMap<usize, usize>,
    total: usize,
}

impl Sizes {
    fn add(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, _, name, _) => {
                self.value(*name, text.len().saturating_add(VALUE))?;
            }
            Event::Alias(name) => {
                // One inside what it names has no size yet; the reader refuses it.
                let size = self.named.get(name).copied().unwrap_or(VALUE);
                self.value(0, size)?;
            }
            Event::SequenceStart(name, _) | Event::MappingStart(name, _) => {
                if self.open.len() >= MAX_NESTING {
                    return Err(too_deep());
                }
                self.open.push((*name, VALUE));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((name, size)) = self.open.pop() {
                    self.value(name, size)?;
                }
            }
            Event::DocumentEnd => self.named.clear(),
            _ => {}
        }
        Ok(())
    }

    /// Takes up a value that has ended.
    fn value(&mut self, name: usize, size: usize) -> Result<(), String> {
        if name != 0 {
            self.named.insert(name, size);
        }
        let total = match self.open.last_mut() {
            Some((_, outer)) => {
                *outer = outer.saturating_add(size);
                *outer
            }
            None => {
                self.total = self.total.saturating_add(size);
                self.total
            }
        };
        if total > MAX_EXPANDED {
            return Err(format!(
                "with its aliases written out, the file is larger than {MAX_EXPANDED} bytes"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_is_too_deep_too_long_or_too_large_is_refused_at_once() {
        let long = |part: &str| part.repeat(MAX_FILE / part.len());
        let mut bomb = "a: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..30 {
            bomb.push_str(&format!(
                "a{n}: &a{n} [{}]\n",
                vec![format!("*a{}", n - 1); 9].join(",")
            ));
        }
        let texts = [
            (long("["), "more than 32"),
            (long("{a: "), "more than 32"),
            (long("- "), "more than 32"),
            (long("? "), "more than 32"),
            (long("[{"), "more than 32"),
            (format!("a: {}", long("a")), "longer than"),
            (bomb, "larger than"),
        ];
        for (text, expected) in texts {
            let begun = Instant::now();
            let (.., problem) = check(&text).unwrap_err();
            assert!(problem.contains(expected), "{problem} should say {expected}");
            assert!(begun.elapsed() < Duration::from_secs(2), "{:?} {expected}", begun.elapsed());
        }
    }

    #[test]
    fn what_is_within_the_bounds_is_taken_in_linear_time() {
        for part in ["- a\n", "a, ", "\"\\n", "# x\n", "---\n", "&a ", "!a ", "'' ", "a: b\n", "\n"]
        {
            let begun = Instant::now();
            let _ = check(&part.repeat(MAX_FILE / part.len()));
            assert!(begun.elapsed() < Duration::from_secs(5), "{:?} {part:?}", begun.elapsed());
        }
        assert_eq!(check("a: &b [1, 2]\nc: *b\n"), Ok(()));
    }
}
