//! Values that someone else chose, in HTML.

use std::fmt::{self, Write};

use askama::filters;

use crate::output::Escaped;

/// The escaper of every value in a template: characters that cannot be seen, or change the order of
/// text, are shown as they are on a terminal, and markup becomes text. Line breaks are not seen either:
/// where a template wants several lines it writes several values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Html;

impl filters::Escaper for Html {
    fn write_escaped_str<W: Write>(&self, to: W, text: &str) -> fmt::Result {
        write!(Markup(to), "{}", Escaped(text))
    }
}

struct Markup<W>(W);

impl<W: Write> Write for Markup<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        filters::Escaper::write_escaped_str(&filters::Html, &mut self.0, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut to = String::new();
        filters::Escaper::write_escaped_str(&Html, &mut to, text).unwrap();
        to
    }

    #[test]
    fn markup_becomes_text() {
        let text = escaped("<script>alert('1')</script>\"&amp;");
        assert!(!text.contains(['<', '>', '"', '\'']), "{text}");
        assert_eq!(text.matches('&').count(), text.matches(';').count() - 1, "{text}");
        assert!(text.ends_with("&#34;&#38;amp;"), "{text}");
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(
            escaped("a\0b\u{202e}c\u{200b}\r\nd\u{feff}"),
            "a\\u{0}b\\u{202e}c\\u{200b}\\u{d}\\u{a}d\\u{feff}"
        );
    }

    #[test]
    fn other_text_stays() {
        assert_eq!(escaped("Zoë 数据 हिन्दी {x} `$`"), "Zoë 数据 हिन्दी {x} `$`");
    }
}
