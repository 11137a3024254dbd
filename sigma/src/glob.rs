//! Text patterns.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A text pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glob {
    /// The pieces that stand one after the other. Literals are in lower case unless `cased`.
    pub tokens: Vec<Token>,
    /// Whether case counts.
    pub cased: bool,
}

/// A piece of a [`Glob`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Token {
    /// This text.
    Literal(String),
    /// Any one character.
    One,
    /// Any text, or none.
    Many,
    /// A dash of any kind, or the slash that stands for one in Windows: `-`, `/`, `–`, `—` and `―`.
    Dash,
}

/// The characters that [`Token::Dash`] stands for.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

impl Glob {
    /// A pattern in which `*` stands for any text and `?` for one character, and case counts.
    pub fn wildcard(text: &str) -> Glob {
        let mut tokens = Vec::new();
        for c in text.chars() {
            match (c, tokens.last_mut()) {
                ('*', Some(Token::Many)) => {}
                ('*', _) => tokens.push(Token::Many),
                ('?', _) => tokens.push(Token::One),
                (c, Some(Token::Literal(text))) => text.push(c),
                (c, _) => tokens.push(Token::Literal(c.into())),
            }
        }
        Glob { tokens, cased: true }
    }

    /// The least length of a text that fits, in bytes and in the case that the pattern is in.
    pub fn shortest(&self) -> usize {
        let shortest = |token: &Token| match token {
            Token::Literal(text) => text.len(),
            Token::One | Token::Dash => 1,
            Token::Many => 0,
        };
        self.tokens.iter().map(shortest).sum()
    }

    /// The one text that fits, if there is only one.
    pub fn literal(&self) -> Option<&str> {
        match self.tokens.as_slice() {
            [] => Some(""),
            [Token::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether a text fits. The last [`Token::Many`] that was passed is where another attempt begins,
    /// so that the worst case is the product of the two lengths, and no stack is used.
    pub fn matches(&self, text: &str) -> bool {
        let ascii = text.is_ascii();
        if let Some(literal) = self.literal()
            && (ascii || self.cased)
        {
            return if self.cased { text == literal } else { text.eq_ignore_ascii_case(literal) };
        }
        // Nearly all are shorter or have it; to be sure takes a copy in lower case.
        if ascii && text.len() < self.shortest() {
            return false;
        }
        let text: Cow<'_, str> = match self.cased {
            true => text.into(),
            false if ascii => text.to_ascii_lowercase().into(),
            false => text.to_lowercase().into(),
        };
        let (mut tokens, mut rest) = (self.tokens.as_slice(), &*text);
        let mut retry: Option<(&[Token], &str)> = None;
        loop {
            let after = match tokens.split_first() {
                Some((Token::Many, behind)) => {
                    retry = Some((behind, rest));
                    tokens = behind;
                    continue;
                }
                Some((Token::Literal(literal), behind)) => {
                    rest.strip_prefix(literal.as_str()).map(|rest| (behind, rest))
                }
                Some((Token::One, behind)) => without_first(rest).map(|rest| (behind, rest)),
                Some((Token::Dash, behind)) => rest.strip_prefix(DASHES).map(|rest| (behind, rest)),
                None if rest.is_empty() => return true,
                None => None,
            };
            if let Some(after) = after {
                (tokens, rest) = after;
                continue;
            }
            let Some((behind, from)) = retry else {
                return false;
            };
            // The tokens behind the last `Many` are tried one character on, or where their text next
            // stands.
            let Some(next) = without_first(from) else { return behind.is_empty() };
            let from = match behind.first() {
                None => return true,
                Some(Token::Literal(literal)) => match find(next, literal) {
                    Some(found) => found,
                    None => return false,
                },
                Some(_) => next,
            };
            retry = Some((behind, from));
            (tokens, rest) = (behind, from);
        }
    }
}

/// The text behind its first character.
fn without_first(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next().map(|_| characters.as_str())
}

/// The text from where a literal first stands in it. Both are short here, and the searches that are made
/// for long texts spend more on preparation than this one does on the whole.
fn find<'a>(text: &'a str, literal: &str) -> Option<&'a str> {
    let Some(&first) = literal.as_bytes().first() else { return Some(text) };
    let candidates = memchr::memchr_iter(first, text.as_bytes());
    candidates.filter_map(|at| text.get(at..)).find(|rest| rest.starts_with(literal))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn glob(pattern: &str) -> Glob {
        Glob { cased: false, ..Glob::wildcard(pattern) }
    }

    #[test]
    fn patterns_match_as_sigma_means_them() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("*", "anything", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbcd", false),
            ("*a*b", "xaxxaxb", true),
            ("*ab", "aab", true),
            ("?b", "äb", true),
            ("a?", "a", false),
            ("leave*", "LeaveOrganization", true),
            ("*ab*ab", "ab", false),
            ("*?b*", "bb", true),
            ("**b", "ab", true),
        ] {
            assert_eq!(glob(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn case_counts_where_the_pattern_says_so() {
        let cased = Glob::wildcard("Leave*");
        assert!(cased.matches("LeaveOrganization"));
        assert!(!cased.matches("leaveOrganization"));
        assert!(glob("ä*").matches("Äb") && glob("ä").matches("Ä"));
    }

    #[test]
    fn a_dash_is_any_of_its_kind() {
        let tokens = vec![Token::Many, Token::Dash, Token::Literal("f".into())];
        let dash = Glob { tokens, cased: false };
        for text in ["-f", "x /F", "\u{2013}f", "a\u{2014}\u{2015}f"] {
            assert!(dash.matches(text), "{text}");
        }
        assert!(!dash.matches("_f") && !dash.matches("f") && !dash.matches("-"));
        assert_eq!(dash.literal(), None);
    }

    #[test]
    fn a_literal_is_the_only_text_that_fits() {
        assert_eq!(Glob::wildcard("abc").literal(), Some("abc"));
        assert_eq!(Glob::wildcard("").literal(), Some(""));
        assert_eq!(Glob::wildcard("ab?").literal(), None);
        assert_eq!(Glob::wildcard("a*c?").shortest(), 3);
    }

    /// The definition, by recursion.
    fn fits(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', pattern @ ..], _) => {
                fits(pattern, text)
                    || text.split_first().is_some_and(|(_, t)| {
                        fits(&['*'].iter().chain(pattern).copied().collect::<Vec<_>>(), t)
                    })
            }
            (['?', pattern @ ..], [_, text @ ..]) => fits(pattern, text),
            ([p, pattern @ ..], [t, text @ ..]) => p == t && fits(pattern, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_means_what_its_definition_says(pattern in "[abä*?]{0,6}", text in "[abä]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            let expected = fits(&chars(&pattern), &chars(&text));
            prop_assert_eq!(Glob::wildcard(&pattern).matches(&text), expected);
        }

        #[test]
        fn a_literal_is_found_where_the_library_finds_it(text in "[aé]{0,30}", literal in "[aé]{0,4}") {
            prop_assert_eq!(find(&text, &literal), text.find(&literal).map(|at| &text[at..]));
        }
    }
}
