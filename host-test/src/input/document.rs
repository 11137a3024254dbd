//! Documents of which nothing can match: they are not taken apart.

use memchr::{memchr_iter, memmem};

use super::{MAX_LINE, Screen};

/// Longer ones are taken apart while they are read.
pub(super) const MAX_DOCUMENT: usize = 8 << 20;

/// A text that was rejected as a whole.
pub(super) struct Document {
    /// How many events it has, by the guest's count.
    pub(super) events: u64,
    /// How many bytes.
    pub(super) length: usize,
    /// How many line breaks.
    pub(super) lines: u64,
}

impl Document {
    /// Rejects a text if it is one document, and nothing in it can match.
    ///
    /// That it is well-formed is not looked at any closer than in events that stand on one line.
    pub(super) fn reject(text: &[u8], screen: &mut Screen<'_>) -> Option<Self> {
        let lines = memchr_iter(b'\n', text).count();
        let events = match lines {
            _ if !is_document(text) => None,
            0 => screen(text),
            _ => {
                // Line breaks are blanks: there are none in strings.
                let blanks = |byte: &u8| if *byte == b'\n' { b' ' } else { *byte };
                screen(&text.iter().map(blanks).collect::<Vec<u8>>())
            }
        }?;
        // A single event as long as this is told to be too long.
        let length = text.len();
        (events > 1 || length <= MAX_LINE).then_some(Document {
            events,
            length,
            lines: lines as u64,
        })
    }
}

/// Whether a text looks like one document with events in it. Another one begins at a line's start:
/// then the first may have broken off, which is to be told.
fn is_document(text: &[u8]) -> bool {
    let inner = text.trim_ascii();
    let framed = matches!(
        (inner.first(), inner.last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    );
    framed
        && memmem::find(inner, b"eventName").is_some()
        && memmem::find(inner, b"\n{").is_none()
        && memmem::find(inner, b"\n[").is_none()
        && memmem::find(inner, b"}{").is_none()
        && std::str::from_utf8(inner).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(text: &str) -> Option<(u64, usize, u64)> {
        let mut seen = Vec::new();
        let mut screen = |json: &[u8]| {
            seen.push(String::from_utf8(json.to_owned()).unwrap());
            Some(7)
        };
        let whole = Document::reject(text.as_bytes(), &mut screen);
        assert!(seen.iter().all(|json| *json == text.replace('\n', " ")));
        whole.map(|whole| (whole.events, whole.length, whole.lines))
    }

    #[test]
    fn one_document_is_looked_at_as_a_whole() {
        for text in ["{\n \"eventName\": 1\n}\n", "[{\"eventName\":1},\n {\"eventName\":2}]"] {
            let lines = text.matches('\n').count() as u64;
            assert_eq!(rejected(text), Some((7, text.len(), lines)));
        }
    }

    #[test]
    fn what_may_be_more_or_less_is_taken_apart() {
        for text in [
            "{\"eventName\":1}\n{\"eventName\":2}",
            "{\"eventName\":1}{\"eventName\":2}",
            "{\"eventName\":1",
            "eventName",
            "{\"foreign\":1}",
            "",
        ] {
            assert_eq!(rejected(text), None, "{text}");
        }
        assert!(Document::reject(b"{\"eventName\":\"\xff\"}", &mut |_| Some(1)).is_none());
        assert!(Document::reject(b"{\"eventName\":1}", &mut |_| None).is_none());
    }

    #[test]
    fn one_event_may_not_be_as_long_as_a_list() {
        let text = format!("{{\"eventName\":\"{}\"}}", "x".repeat(MAX_LINE));
        assert!(Document::reject(text.as_bytes(), &mut |_| Some(1)).is_none());
        assert!(Document::reject(text.as_bytes(), &mut |_| Some(2)).is_some());
    }
}
