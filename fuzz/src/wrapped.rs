//! A record inside what routers and people put around it.

use libfuzzer_sys::arbitrary::{Result, Unstructured};

/// The record's `eventID`.
pub const ID: &str = "11112222-3333-4444-5555-666677778888";

const RECORD: &str = r#"{"eventVersion":"1.11","userIdentity":{"type":"Root"},"eventTime":"2026-11-17T19:06:31Z","eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization","eventID":"11112222-3333-4444-5555-666677778888","recipientAccountId":"444455556666"}"#;

/// Keys of known envelopes, each with what stands in front of the value and behind it.
const KNOWN: &[(&str, &str)] = &[
    (r#"{"message":"#, "}"),
    (r#"{"time":1,"event":"#, r#","host":"a"}"#),
    (r#"{"detail-type":"x","detail":"#, "}"),
    (r#"{"Records":["#, "]}"),
    (r#"{"Records":[{"messageId":"1","body":"#, "}]}"),
    (r#"{"Type":"Notification","Message":"#, r#","x":[]}"#),
    (r#"{"logEvents":[{"id":"1","message":"#, r#"},{"id":"2","message":"no"}]}"#),
    (r#"{"hits":{"hits":[{"_source":{"event":{"original":"#, "}}}]}}"),
    (r#"{"data":"#, "}"),
    ("[", "]"),
    (r#"[{"x":1},"#, r#",{"y":"\u0000"}]"#),
];

/// Other keys.
const OTHER: &[(&str, &str)] = &[
    (r#"{"a":"#, "}"),
    (r#"{"payload":{"inner":["#, r#"]},"eventName":5}"#),
    (r#"{"d\u0061ta":{"x":"#, "}}"),
];

/// A line with a record in it.
#[derive(Debug)]
pub struct Wrapped {
    /// The line.
    pub text: String,
    /// Whether only what a router looks into is around it.
    pub known: bool,
    /// Whether all of it is JSON.
    json: bool,
}

impl Wrapped {
    /// Puts things around a record as the bytes say.
    pub fn new(choices: &mut Unstructured<'_>) -> Result<Wrapped> {
        let mut wrapped = Wrapped { text: RECORD.to_owned(), known: true, json: true };
        let mut texts = 0;
        for _ in 0..choices.int_in_range(0..=8)? {
            let choice: u8 = choices.arbitrary()?;
            match choice % 6 {
                // Behind prose a text is no JSON.
                0 if wrapped.text.starts_with(r#"{""#) || wrapped.text.starts_with("[{") => {
                    wrapped.text = format!("{}{}", prose(choices, true)?, wrapped.text);
                    wrapped.json = false;
                }
                1 => {
                    wrapped.text.push_str(&prose(choices, false)?);
                    wrapped.json = false;
                }
                2 if texts < 4 => {
                    texts += 1;
                    wrapped.quote();
                }
                3 | 4 if wrapped.json || texts < 4 => {
                    if !wrapped.json {
                        texts += 1;
                        wrapped.quote();
                    }
                    let other = choice % 6 == 4;
                    let (before, after) = choices.choose(if other { OTHER } else { KNOWN })?;
                    wrapped.text = format!("{before}{}{after}", wrapped.text);
                    wrapped.known &= !other;
                }
                // Cut off behind the record.
                5 if wrapped.json => {
                    let closing =
                        wrapped.text.len() - wrapped.text.trim_end_matches(['}', ']']).len();
                    // The first may be the record's.
                    let cut = choices.int_in_range(0..=closing.saturating_sub(1))?;
                    wrapped.text.truncate(wrapped.text.len() - cut);
                    wrapped.json = cut == 0;
                }
                _ => {}
            }
        }
        Ok(wrapped)
    }

    fn quote(&mut self) {
        self.text = serde_json::to_string(&self.text).expect("any text is JSON");
        self.json = true;
    }
}

/// Some prose. With quotes in it nobody could say where the record begins.
fn prose(choices: &mut Unstructured<'_>, before: bool) -> Result<String> {
    const PARTS: &[&str] = &[
        "<134>Nov 17 19:06:31 host app[1]: ",
        "@cee: ",
        "1:Wazuh-AWS:",
        " {",
        "[",
        "[{",
        "}],",
        "\u{feff}",
        "\0\0",
        "\u{1e}",
        "\n",
        "a=1 ",
        "}{",
        "[x] ",
        "\u{e9}\u{1f600}",
        "-1e",
    ];
    let mut text = String::new();
    for _ in 0..choices.int_in_range(0..=6)? {
        text.push_str(choices.choose(PARTS)?);
    }
    // Not glued to a number or a word.
    if !before {
        text.insert(0, ' ');
    }
    Ok(text)
}
