//! The record that gave a finding, on lines of their own.

use crate::scan::Found;

/// The most bytes of one record that a page keeps.
const MOST: usize = 32 << 10;

/// The deepest that a record is indented; what is deeper stands on the same line.
const DEEPEST: usize = 24;

/// A line, and the key that it starts with, if it does.
pub(super) struct Line<'a> {
    pub(super) indent: &'a str,
    pub(super) key: &'a str,
    pub(super) rest: &'a str,
}

/// A record, laid out, or as much of it as a page keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    /// The file that it was read from, and the line.
    pub(super) place: String,
    /// Its lines. Bytes that are not UTF-8 were replaced.
    pub(super) text: String,
    /// The length of the record in bytes, if that is more than is shown.
    pub(super) cut: Option<usize>,
}

impl Raw {
    pub(super) fn of(found: &Found<'_>) -> Self {
        let raw = found.raw();
        let shown = String::from_utf8_lossy(&raw[..raw.len().min(MOST)]);
        Raw {
            place: format!("{}:{}", found.source, found.line),
            text: lay_out(&shown),
            cut: (raw.len() > MOST).then_some(raw.len()),
        }
    }

    /// Line by line.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.text.lines().map(|line| {
            let text = line.trim_start_matches(' ');
            let (indent, text) = line.split_at(line.len() - text.len());
            let key = text.find("\": ").filter(|_| text.starts_with('"')).map_or(0, |end| end + 1);
            let (key, rest) = text.split_at(key);
            Line { indent, key, rest }
        })
    }
}

/// Puts every value of a JSON text on a line of its own and changes nothing else, not even what is
/// no JSON.
fn lay_out(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth: usize = 0;
    let mut quoted = false;
    let mut escaped = false;
    let mut rest = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(DEEPEST)));
    };
    while let Some(char) = rest.next() {
        if quoted {
            out.push(char);
            quoted = escaped || char != '"';
            escaped = !escaped && char == '\\';
            continue;
        }
        while !matches!(char, '"') && rest.next_if(|next| next.is_ascii_whitespace()).is_some() {}
        match char {
            ' ' | '\t' | '\n' | '\r' => {}
            '"' => {
                quoted = true;
                out.push(char);
            }
            '{' | '[' => {
                depth += 1;
                out.push(char);
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => {
                        depth -= 1;
                        out.push(end);
                    }
                    None if depth <= DEEPEST => line(&mut out, depth),
                    None => {}
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if depth < DEEPEST {
                    line(&mut out, depth);
                }
                out.push(char);
            }
            ',' => {
                out.push(char);
                if depth <= DEEPEST { line(&mut out, depth) } else { out.push(' ') }
            }
            ':' => out.push_str(": "),
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_on_lines_of_their_own() {
        let json = "{\"a\" : [1,\t2, {}],\r\n \"b{\\\"\": \"c, [d]\\\\\", \"e\":[ ]}";
        let expected = "{\n  \"a\": [\n    1,\n    2,\n    {}\n  ],\n  \"b{\\\"\": \
                        \"c, [d]\\\\\",\n  \"e\": []\n}";
        assert_eq!(lay_out(json), expected);
        assert_eq!(lay_out(expected), expected);
    }

    #[test]
    fn what_is_no_json_stays() {
        for text in ["", "not JSON", "\"open", "]]}}", "{{{{"] {
            let out = lay_out(text);
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(bare(&out), bare(text));
        }
    }

    #[test]
    fn depth_costs_no_more_than_length() {
        assert!(lay_out(&"[".repeat(MOST)).len() < 2 * MOST);
        let wide = "[".repeat(DEEPEST) + &"1,".repeat(1000);
        assert!(lay_out(&wide).len() < wide.len() * DEEPEST * 2);
    }
}
