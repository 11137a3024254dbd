use proptest::prelude::*;

use super::*;

/// The least that a record has.
const KEYS: &str = r#""eventSource":"x.com","eventName":"GetX""#;

/// A document of records with these parts of JSON behind their keys, and where the records are in it.
fn document(parts: &[String]) -> (String, Vec<Range<usize>>) {
    let mut document = "{\"Records\":[".to_owned();
    let mut records = Vec::new();
    for part in parts {
        let start = document.len();
        document += &format!("{{{KEYS}{part}}}");
        records.push(start..document.len());
        document.push(',');
    }
    document.pop();
    document += "]}";
    (document, records)
}

#[test]
fn backslashes_and_brackets_stand_anywhere_in_a_block() {
    for before in 0..BLOCK + 2 {
        for slashes in 0..BLOCK + 3 {
            // An odd one escapes the quote behind it.
            let quote = if slashes % 2 == 0 { "" } else { "\"" };
            let text = format!("{}{}{quote}", "x".repeat(before), "\\".repeat(slashes));
            let parts =
                [",\"a\":{}".into(), format!(",\"a\":\"{text}\",\"b\":[\"}},{{\"]"), String::new()];
            let (document, expected) = document(&parts);
            assert_eq!(records(document.as_bytes()), Some(expected), "{document}");
        }
    }
}

#[test]
fn the_name_of_an_event_is_its_own() {
    let inner = format!(",\"a\":{{{KEYS}}},\"b\":[{{{KEYS}}},{{{KEYS}}}]");
    let (document, expected) = document(&[inner.clone(), inner]);
    assert_eq!(records(document.as_bytes()), Some(expected));
    for (from, to) in [
        ("{\"eventSource\":\"x.com\",\"eventName\":\"GetX\",", "{"),
        ("\"eventName\":\"GetX\",", ""),
        ("\"x.com\"", "\"aws:s3\""),
        ("\"x.com\",", "\"x.com\",\"a\":1,"),
        ("\"GetX\",", "\"GetX\",\"eventName\":\"GetX\","),
    ] {
        let other = document.replacen(from, to, 1);
        assert_ne!(other, document);
        assert_eq!(records(other.as_bytes()), None, "{other}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_cut_into_what_they_are(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let document = [START, &bytes, END].concat();
        for record in records(&document).unwrap_or_default() {
            prop_assert_eq!((document[record.start], document[record.end - 1]), (b'{', b'}'));
        }
    }

    #[test]
    fn any_records_are_cut(parts in prop::collection::vec("[ -~é]{0,200}", 2..6)) {
        let parts: Vec<_> =
            parts.into_iter().map(|text| format!(",\"a\":{}", serde_json::Value::from(text))).collect();
        let (document, expected) = document(&parts);
        prop_assert_eq!(records(document.as_bytes()), Some(expected));
    }
}
