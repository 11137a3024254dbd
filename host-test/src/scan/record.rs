//! The record that a finding was found in, as it was read.

use std::borrow::Cow;

use orgwatch::envelope::{self, Content, Reach, TapePool};

use crate::native;

/// The record of this number, from 0, inside a line: of an object of a bucket, say, or the one in a
/// router's envelope. The line itself, where there is no such record.
pub(super) fn extract(line: &[u8], number: u32) -> Cow<'_, [u8]> {
    let parsed = native::parse(line, || {
        let mut found = None;
        let mut at = 0;
        let visit = &mut |_: &mut TapePool, content: Content<'_>| {
            if let Content::Record(located) = content
                && at == number
            {
                found = Some(located.source.raw().as_bytes().to_vec());
            }
            at += 1;
        };
        envelope::contents(line, &Reach::everywhere(), &mut TapePool::default(), visit);
        found
    });
    parsed.flatten().map_or(Cow::Borrowed(line.trim_ascii()), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_taken_out_of_what_it_is_wrapped_in() {
        let event = r#"{"eventName":"A","eventSource":"b"}"#;
        let text = serde_json::json!({ "message": event }).to_string();
        let object = format!(r#"{{"Records":[{{}},{event}]}}"#);
        for (line, number) in [(event, 0), (&text, 0), (&object, 1)] {
            assert_eq!(extract(line.as_bytes(), number), event.as_bytes(), "{line}");
        }
        let panics = [b"{\"a\":\"", native::PANICS, b"\"}"].concat();
        assert_eq!(extract(&panics, 0), &panics[..]);
        assert_eq!(extract(b" nonsense\n", 0), &b"nonsense"[..]);
        assert_eq!(extract(object.as_bytes(), 7), object.as_bytes());
    }
}
