//! Regular expressions: the engine takes time that is linear in the text, whatever the pattern.

use std::cell::Cell;

use regex_lite::RegexBuilder;
use serde::{Deserialize, Serialize};

/// The bound on one compiled expression, in bytes: time is this times the length of the text.
pub const MAX_SIZE: usize = 64 << 10;

/// The bound on all expressions that one pack brings, in bytes.
pub const MAX_TOTAL: usize = 16 << 20;

/// The sizes that an expression is tried in. The first that it fits is what it counts for.
const SIZES: [usize; 3] = [4 << 10, 16 << 10, MAX_SIZE];

/// The bound on groups in one another: the parser's call depth.
const MAX_NEST: u32 = 24;

thread_local! {
    /// The bytes left for the expressions of the pack that is being read. A short pack could name many
    /// that are large.
    static LEFT: Cell<usize> = const { Cell::new(MAX_TOTAL) };
}

/// Flags of a regular expression: Sigma's `i`, `m` and `s`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegexFlags {
    /// Case does not count.
    pub ignore_case: bool,
    /// `^` and `$` also match at the ends of lines.
    pub multiline: bool,
    /// `.` also matches the end of a line.
    pub dotall: bool,
}

/// A regular expression, compiled when a pack is compiled or read. A pack holds its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Source", into = "Source")]
pub struct Regex {
    source: Source,
    compiled: regex_lite::Regex,
    size: usize,
}

/// The form of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    pattern: String,
    flags: RegexFlags,
}

impl Regex {
    /// Compiles a pattern. One that is wrong or too large is refused.
    pub fn new(pattern: &str, flags: RegexFlags) -> Result<Regex, String> {
        Source { pattern: pattern.to_owned(), flags }.compile()
    }

    /// The pattern as the rule has it.
    pub fn pattern(&self) -> &str {
        &self.source.pattern
    }

    /// Its flags.
    pub fn flags(&self) -> RegexFlags {
        self.source.flags
    }

    /// The bytes that it counts for among those of its pack.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether it matches somewhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }
}

impl Source {
    fn compile(self) -> Result<Regex, String> {
        let build = |size| {
            RegexBuilder::new(&self.pattern)
                .case_insensitive(self.flags.ignore_case)
                .multi_line(self.flags.multiline)
                .dot_matches_new_line(self.flags.dotall)
                .nest_limit(MAX_NEST)
                .size_limit(size)
                .build()
                .map(|compiled| (compiled, size))
        };
        let (compiled, size) = build(SIZES[0])
            .or_else(|_| build(SIZES[1]))
            .or_else(|_| build(SIZES[2]))
            .map_err(|error| format!("{:?} as a regular expression: {error}", self.pattern))?;
        Ok(Regex { source: self, compiled, size })
    }
}

/// Allows the next pack that this thread reads all that a pack may have.
pub(crate) fn begin_pack() {
    LEFT.set(MAX_TOTAL);
}

impl TryFrom<Source> for Regex {
    type Error = String;

    fn try_from(source: Source) -> Result<Self, String> {
        let regex = source.compile()?;
        let left = LEFT.get().checked_sub(regex.size).ok_or("too many regular expressions")?;
        LEFT.set(left);
        Ok(regex)
    }
}

impl From<Regex> for Source {
    fn from(regex: Regex) -> Self {
        regex.source
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flagged(pattern: &str, flags: &str) -> Regex {
        let has = |flag| flags.contains(flag);
        let flags = RegexFlags { ignore_case: has('i'), multiline: has('m'), dotall: has('s') };
        Regex::new(pattern, flags).unwrap()
    }

    #[test]
    fn flags_do_what_their_letters_say() {
        for (pattern, flags, text, expected) in [
            ("^a.c$", "", "abc", true),
            ("b", "", "abc", true),
            ("B", "", "abc", false),
            ("B", "i", "abc", true),
            ("^b$", "", "a\nb", false),
            ("^b$", "m", "a\nb", true),
            ("a.b", "", "a\nb", false),
            ("a.b", "s", "a\nb", true),
        ] {
            let regex = flagged(pattern, flags);
            assert_eq!(regex.is_match(text), expected, "{pattern} {flags}");
        }
    }

    #[test]
    fn what_is_too_large_too_deep_or_wrong_is_refused() {
        let deep = format!("{}a{}", "(".repeat(30), ")".repeat(30));
        let patterns =
            ["(", "a{9999}{9999}", "(?:){4294967295}", "(a{255}){255}", r"(?=a)", r"\p{L}", &deep];
        for pattern in patterns {
            assert!(Regex::new(pattern, RegexFlags::default()).is_err(), "{pattern}");
        }
        assert!(Regex::new("(a|b){1,50}", RegexFlags::default()).is_ok());
    }

    #[test]
    fn time_is_linear_in_the_text() {
        let regex = flagged("(a*)*(a*)*b", "");
        assert!(!regex.is_match(&"a".repeat(100_000)));
    }

    #[test]
    fn a_pack_is_refused_that_names_more_than_it_may_have() {
        let large = Source { pattern: "[a-z]{500}".into(), flags: RegexFlags::default() };
        let list = vec![large; 2 * MAX_TOTAL / MAX_SIZE * SIZES.len()];
        let bytes = postcard::to_allocvec(&list).unwrap();
        begin_pack();
        assert!(postcard::from_bytes::<Vec<Regex>>(&bytes).is_err());
        begin_pack();
        let few = postcard::to_allocvec(&list[..2]).unwrap();
        assert_eq!(postcard::from_bytes::<Vec<Regex>>(&few).unwrap().len(), 2);
    }
}
