//! Values that someone else chose, on a terminal.
//!
//! A user agent, a session name or an e-mail address may hold anything: sequences that recolour or
//! clear the screen, that retitle the window, or that make text read backwards.

use std::fmt;

/// Shows text with everything that is not plainly visible as `\u{…}`.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<T>(pub T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        write!(Filter(f), "{}", self.0)
    }
}

/// The same, as a string of at most about so many characters.
pub fn escape(text: &str, most: usize) -> String {
    let mut escaped: String = Escaped(text.chars().take(most).collect::<String>()).to_string();
    if text.chars().nth(most).is_some() {
        escaped.push('…');
    }
    escaped
}

struct Filter<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Filter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, char) in text.char_indices() {
            if !is_visible(char) {
                self.0.write_str(&text[plain..at])?;
                write!(self.0, "{}", char.escape_unicode())?;
                plain = at + char.len_utf8();
            }
        }
        self.0.write_str(&text[plain..])
    }
}

fn is_visible(char: char) -> bool {
    match char {
        ' '..='~' => true,
        // Visible to Unicode, but not to the eye: joiners, fillers and variation selectors.
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' => {
            false
        }
        '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' => false,
        '\u{e0000}'..='\u{e0fff}' => false,
        // Debug's own judgement: no control and format characters, no separators, nothing private
        // or unassigned. A letter before it keeps accents, which it escapes where they come first.
        char => ['a', char].iter().collect::<String>().escape_debug().count() == 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let escaped = |text: &str| Escaped(text).to_string();
        assert_eq!(escaped("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(escaped("\u{1b}]0;title\u{7}"), "\\u{1b}]0;title\\u{7}");
        // The single-byte form of the same, and other controls.
        assert_eq!(escaped("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(escaped("a\r\n\tb\0\u{8}\u{7f}"), "a\\u{d}\\u{a}\\u{9}b\\u{0}\\u{8}\\u{7f}");
    }

    #[test]
    fn what_changes_the_order_of_text_is_shown() {
        for code in (0x202a..=0x202e).chain(0x2066..=0x2069).chain([0x200e, 0x200f, 0x61c]) {
            let char = char::from_u32(code).unwrap();
            assert_eq!(Escaped(char).to_string(), format!("\\u{{{code:x}}}"));
        }
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        for code in [
            0x200b, 0x200c, 0x200d, 0x2060, 0xfeff, 0xad, 0x34f, 0x115f, 0x3164, 0xa0, 0x3000,
            0x2028, 0x2029, 0xfe0f, 0xe0001, 0xe0041, 0xe0100, 0xe000, 0xffff, 0xfff9,
        ] {
            let char = char::from_u32(code).unwrap();
            assert_eq!(Escaped(char).to_string(), format!("\\u{{{code:x}}}"));
        }
    }

    #[test]
    fn text_in_any_script_stays() {
        for text in ["user@example.com", "Zoë", "e\u{301}", "数据", "हिन्दी", "Ünï-\\\"'`$", "→ ✓"]
        {
            assert_eq!(Escaped(text).to_string(), text);
        }
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(escape("abc", 3), "abc");
        assert_eq!(escape("abcd\u{1b}", 3), "abc…");
        assert_eq!(escape("\u{1b}\u{1b}", 1), "\\u{1b}…");
    }
}
