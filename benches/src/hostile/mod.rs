//! Input that somebody has made to take long: whoever writes into the logs that pass can.
//!
//! Each case is of any size, and somewhere in it, mostly at the end, an account leaves: however long
//! it takes, this must be found.

use std::fmt::Write as _;

/// A worst case: its name, and what makes it of about so many bytes.
pub type Case = (&'static str, fn(usize) -> String);

/// Every worst case.
pub const CASES: &[Case] = &[
    ("wrappers in wrappers, two keys each", wrappers),
    ("texts in texts", texts),
    ("an array of arrays of wrappers", arrays),
    ("no eventID: values in a list", |size| without_id(&list("\"x\"", size))),
    ("no eventID: keys of an object", |size| without_id(&keys(size))),
    ("no eventID: objects in a list", |size| without_id(&list(r#"{"a":{"b":"x"}}"#, size))),
    ("no eventID: keys of the record", |size| {
        record(&format!(r#","eventID":null,{}"#, keys(size).trim_matches(['{', '}'])))
    }),
    ("keys of the record", |size| record(&format!(",{}", keys(size).trim_matches(['{', '}'])))),
    ("keys of a container", |size| record(&format!(r#","userIdentity":{}"#, keys(size)))),
    ("keys with escapes", |size| {
        let keys = list(r#""\u0061ccountI":1"#, size);
        record(&format!(r#","userIdentity":{{{}}}"#, keys.trim_matches(['[', ']'])))
    }),
    ("one key again and again", |size| {
        let keys = list(r#""type":"x""#, size);
        record(&format!(r#","userIdentity":{{{}}}"#, keys.trim_matches(['[', ']'])))
    }),
    ("a long text with escapes", |size| record(&text("userAgent", &r"\u0061".repeat(size / 6)))),
    ("a long error message", |size| denied(&text("errorMessage", &"w".repeat(size)))),
    ("a list for a text", |size| record(&format!(r#","userAgent":{}"#, list("\"x\"", size)))),
    ("a long number", |size| record(&format!(r#","x":1.{}"#, "1".repeat(size)))),
    ("a policy of many statements", |size| {
        policy(&list(r#"{"Effect":"Allow","Action":"o*a*o*a*o*a*o*a*z"}"#, size))
    }),
    ("a policy of one long pattern", |size| {
        policy(&format!(r#"{{"Effect":"Allow","Action":"{}"}}"#, "*?".repeat(size / 2)))
    }),
    ("a policy, percent-encoded", |size| {
        granted(&format!("%7B%22Statement%22%3A%5B%22{}%22%5D%7D", "%61".repeat(size / 3)))
    }),
    ("a trust policy of many accounts", |size| {
        let accounts = list("\"444455556666\"", size);
        policy(&format!(r#"{{"Effect":"Allow","Principal":{{"AWS":{accounts}}}}}"#))
    }),
    ("findings", |size| list(&record(""), size)),
    ("records without a time", |size| list(&record(&text("eventTime", "?")), size)),
    ("texts that are no JSON", |size| {
        format!("[{},{}]", record(""), inner(r#"{"log":"{"}"#, size))
    }),
    ("log events", |size| {
        let events =
            format!(r#"{},{{"message":{:?}}}"#, inner(r#"{"message":"x"}"#, size), record(""));
        format!(r#"{{"logEvents":[{events}]}}"#)
    }),
    ("empty lines", |size| format!("{}{}", "\n".repeat(size), record(""))),
    ("short lines", |size| format!("{}{}", "{}\n".repeat(size / 3), record(""))),
    ("lines that look interesting", |size| {
        let line = "{\"eventName\":\"LeaveOrganization\"}\n";
        format!("{}{}", line.repeat(size / line.len()), record(""))
    }),
    ("the key without a name", |size| record(&text("x", &"eventName".repeat(size / 9)))),
    ("its rarest letter", |size| record(&text("x", &"N".repeat(size)))),
    ("backslashes", |size| record(&text("x", &r"\\".repeat(size / 2)))),
    ("escaped letters", |size| record(&text("x", &r"\u004e".repeat(size / 6)))),
    ("brackets", |size| format!("{}\n{}", "[".repeat(size), record(""))),
];

/// An account leaves; and more, behind which the same keys count.
fn record(more: &str) -> String {
    event("LeaveOrganization", "organizations", more)
}

fn denied(more: &str) -> String {
    record(&format!(r#","errorCode":"AccessDenied"{more}"#))
}

fn event(name: &str, source: &str, more: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","userName":"a"}},"eventTime":"2026-06-01T12:00:00Z","eventSource":"{source}.amazonaws.com","eventName":"{name}","eventID":"1","recipientAccountId":"444455556666"{more}}}"#
    )
}

fn without_id(parameters: &str) -> String {
    record(&format!(r#","eventID":null,"requestParameters":{parameters}"#))
}

fn text(key: &str, json: &str) -> String {
    format!(r#","{key}":"{json}""#)
}

/// A list of this and nothing else, of so many bytes.
fn list(item: &str, size: usize) -> String {
    format!("[{}]", inner(item, size))
}

fn inner(item: &str, size: usize) -> String {
    vec![item; size / (item.len() + 1) + 1].join(",")
}

/// An object of many keys, which look the same to a hash that looks at a few letters.
fn keys(size: usize) -> String {
    let mut keys = String::from("{\"k\":0");
    for n in 0.. {
        if keys.len() >= size {
            break;
        }
        // Writing to a string does not fail.
        let _ = write!(keys, ",\"k{n:x}k\":1");
    }
    keys + "}"
}

fn wrappers(size: usize) -> String {
    let depth = (size >> 13).clamp(1, 490);
    // What tells that it is a record stands at its end.
    let inner = record("").replacen('{', &format!(r#"{{"x":"{}","#, "x".repeat(size)), 1);
    let (open, close) = (r#"{"log":{"x":1},"detail":"#.repeat(depth), "}".repeat(depth));
    format!("{open}{inner}{close}")
}

fn texts(size: usize) -> String {
    let mut text = record(&self::text("x", &"x".repeat(size)));
    for _ in 0..6 {
        text = format!(r#"{{"message":{text:?},"log":"{{}}"}}"#);
    }
    text
}

fn arrays(size: usize) -> String {
    let item =
        format!("{}{}{}", "[".repeat(100), r#"{"detail":{},"log":"[[{}]]"}"#, "]".repeat(100));
    format!("[{},{}]", inner(&item, size), record(""))
}

/// A policy that grants and one that trusts, with these statements, and then an account leaves.
fn policy(statements: &str) -> String {
    granted(&format!("{{\"Statement\":{statements}}}").replace('"', "\\\""))
}

fn granted(document: &str) -> String {
    let parameters = |key: &str| format!(r#","requestParameters":{{"{key}":"{document}"}}"#);
    [
        event("PutUserPolicy", "iam", &parameters("policyDocument")),
        event("CreateRole", "iam", &parameters("assumeRolePolicyDocument")),
        record(""),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests;
