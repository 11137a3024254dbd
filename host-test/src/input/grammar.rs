//! JSON, byte by byte: just enough to tell where values start and end.
//!
//! Not recursive, since depth is the sender's choice, and not a validator: what is inside strings,
//! numbers and literals is for the guest to judge. But a byte that cannot stand where it stands is
//! noticed at once, because what comes after it may well be readable.

/// The effect of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing at this level.
    Inside,
    /// It is the first of a value.
    Starts,
    /// It is the last of a value.
    Ends,
    /// A number or literal ended before it. The byte is not consumed.
    EndedBefore,
}

/// The container of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Object,
    Array,
    /// An array whose elements are events.
    List,
}

/// Deeper than any guest goes, and bounded.
const MAX_DEPTH: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Grammar {
    stack: Vec<Frame>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Top,
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    After,
    Scalar,
    String { key: bool },
    Escape { key: bool },
}

impl Grammar {
    pub(super) fn new() -> Self {
        Grammar { stack: Vec::new(), state: State::Top }
    }

    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    pub(super) fn top(&self) -> Option<Frame> {
        self.stack.last().copied()
    }

    /// The array that has just started is a list of events.
    pub(super) fn make_list(&mut self) {
        if let Some(top) = self.stack.last_mut() {
            *top = Frame::List;
        }
    }

    /// Whether the next byte is inside a string, where all but `"`, `\` and line breaks may be
    /// skipped; and whether that string is a key.
    pub(super) fn in_string(&self) -> Option<bool> {
        match self.state {
            State::String { key } => Some(key),
            _ => None,
        }
    }

    /// Takes the next byte, or says what was expected instead.
    pub(super) fn step(&mut self, byte: u8) -> Result<Step, &'static str> {
        let blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        match self.state {
            State::String { key } => match byte {
                b'"' if key => self.go(State::Colon),
                b'"' => return Ok(self.end()),
                b'\\' => self.go(State::Escape { key }),
                b'\n' => return Err("a line break inside a string"),
                _ => {}
            },
            State::Escape { .. } if byte == b'\n' => return Err("a line break inside a string"),
            State::Escape { key } => self.go(State::String { key }),
            State::Scalar if matches!(byte, b'+' | b'-' | b'.') => {}
            State::Scalar if byte.is_ascii_alphanumeric() => {}
            State::Scalar => {
                self.end();
                return Ok(Step::EndedBefore);
            }
            _ if blank => {}
            State::Top => match byte {
                b'{' | b'[' | b'"' => return self.start(byte),
                _ => return Err("not JSON"),
            },
            State::ValueOrEnd if byte == b']' => return Ok(self.pop()),
            State::Value | State::ValueOrEnd => return self.start(byte),
            State::KeyOrEnd if byte == b'}' => return Ok(self.pop()),
            State::Key | State::KeyOrEnd => match byte {
                b'"' => self.go(State::String { key: true }),
                _ => return Err("expected a key"),
            },
            State::Colon => match byte {
                b':' => self.go(State::Value),
                _ => return Err("expected a colon"),
            },
            State::After => match (self.top(), byte) {
                (Some(Frame::Object), b',') => self.go(State::Key),
                (Some(Frame::Object), b'}') => return Ok(self.pop()),
                (Some(Frame::Object), _) => return Err("expected a comma or a closing brace"),
                (_, b',') => self.go(State::Value),
                (_, b']') => return Ok(self.pop()),
                _ => return Err("expected a comma or a closing bracket"),
            },
        }
        Ok(Step::Inside)
    }

    fn go(&mut self, state: State) {
        self.state = state;
    }

    fn start(&mut self, byte: u8) -> Result<Step, &'static str> {
        let (frame, state) = match byte {
            b'{' => (Some(Frame::Object), State::KeyOrEnd),
            b'[' => (Some(Frame::Array), State::ValueOrEnd),
            b'"' => (None, State::String { key: false }),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => (None, State::Scalar),
            _ => return Err("expected a value"),
        };
        if self.stack.len() >= MAX_DEPTH {
            return Err("nested more than 1,048,576 deep");
        }
        self.stack.extend(frame);
        self.go(state);
        Ok(Step::Starts)
    }

    fn pop(&mut self) -> Step {
        self.stack.pop();
        self.end()
    }

    fn end(&mut self) -> Step {
        self.go(if self.stack.is_empty() { State::Top } else { State::After });
        Step::Ends
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The values at the top, or where it is broken.
    fn run(text: &[u8]) -> Result<usize, (usize, &'static str)> {
        let mut grammar = Grammar::new();
        let mut values = 0;
        let mut at = 0;
        while at < text.len() {
            match grammar.step(text[at]).map_err(|reason| (at, reason))? {
                Step::EndedBefore => continue,
                Step::Ends if grammar.depth() == 0 => values += 1,
                _ => {}
            }
            at += 1;
        }
        if grammar.depth() == 0 { Ok(values) } else { Err((at, "end")) }
    }

    #[test]
    fn values_are_told_apart() {
        assert_eq!(run(br#"{"a":[1,-2.5e+3,true,null,"x\"]\\"],"b":{}} [] [{}]"#), Ok(3));
        assert_eq!(run(b" \r\n\t"), Ok(0));
        assert_eq!(run(b"{}{}"), Ok(2));
    }

    #[test]
    fn what_cannot_stand_there_is_noticed_at_once() {
        assert_eq!(run(b"x"), Err((0, "not JSON")));
        assert_eq!(run(b"{]"), Err((1, "expected a key")));
        assert_eq!(run(b"{\"a\" 1}"), Err((5, "expected a colon")));
        assert_eq!(run(b"{\"a\":}"), Err((5, "expected a value")));
        assert_eq!(run(b"{\"a\":1,}"), Err((7, "expected a key")));
        assert_eq!(run(b"[1 2]"), Err((3, "expected a comma or a closing bracket")));
        assert_eq!(run(b"[1}"), Err((2, "expected a comma or a closing bracket")));
        assert_eq!(run(b"{\"a\":1]"), Err((6, "expected a comma or a closing brace")));
        assert_eq!(run(b"[\"a\nb\"]"), Err((3, "a line break inside a string")));
        assert_eq!(run(b"[\"a\\\nb\"]"), Err((4, "a line break inside a string")));
    }

    #[test]
    fn depth_is_bounded_and_takes_no_stack() {
        assert_eq!(run(&vec![b'['; 10_000]), Err((10_000, "end")));
        assert_eq!(run(&vec![b'['; MAX_DEPTH + 1]).unwrap_err().0, MAX_DEPTH);
    }

    proptest! {
        #[test]
        fn every_document_of_serde_is_one_value(text in "\\PC{0,8}", numbers: Vec<f64>) {
            let value = serde_json::json!({ &text: [text, numbers, { "a": null, "b": [] }] });
            prop_assert_eq!(run(value.to_string().as_bytes()), Ok(1));
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(run(pretty.as_bytes()), Ok(1));
        }
    }
}
