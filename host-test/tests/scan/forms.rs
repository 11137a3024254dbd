//! The forms of files.

use std::io::Write as _;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::util::{Sandbox, gzip, leaving, quiet};

#[test]
fn every_form_of_a_file_gives_the_same_finding() {
    let sandbox = Sandbox::new();
    let (event, other) = (leaving(1), quiet(2));
    let records = json!({ "Records": [other, event] });
    let lookup = json!({ "Events": [{ "EventId": "1", "CloudTrailEvent": event.to_string() }] });
    let logs = json!({
        "messageType": "DATA_MESSAGE",
        "owner": "1",
        "logEvents": [{ "id": "1", "timestamp": 1, "message": event.to_string() }],
    });
    let data = base64::engine::general_purpose::STANDARD.encode(gzip(logs.to_string().as_bytes()));
    let lambda = json!({ "awslogs": { "data": data } });
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let forms = [
        ("ndjson", format!("{other}\n{event}\n")),
        ("crlf", format!("{other}\r\n{event}\r\n")),
        ("no-newline", event.to_string()),
        ("bom", format!("\u{feff}{event}\n")),
        ("pretty", pretty(&event)),
        ("several", format!("{}\n{}", pretty(&other), pretty(&event))),
        ("nothing-between", format!("{other}{event}")),
        ("records", records.to_string()),
        ("records-pretty", pretty(&records)),
        ("array", json!([other, event]).to_string()),
        ("array-pretty", pretty(&json!([other, event]))),
        ("lookup", pretty(&lookup)),
        ("lookup-line", lookup.to_string()),
        ("logs", logs.to_string()),
        ("logs-pretty", pretty(&logs)),
        ("lambda", lambda.to_string()),
        ("lambda-pretty", pretty(&lambda)),
        ("eventbridge", json!({ "detail-type": "x", "detail": event }).to_string()),
    ];
    let mut expected = None;
    for (name, content) in &forms {
        for (name, content) in [
            ((*name).to_owned(), content.clone().into_bytes()),
            (format!("{name}.gz"), gzip(content.as_bytes())),
            // The content says that it is gzip, not the name.
            (format!("{name}.json"), gzip(content.as_bytes())),
            (format!("{name}.zst"), zstd::encode_all(content.as_bytes(), 1).unwrap()),
            (format!("{name}.log"), zstd::encode_all(&gzip(content.as_bytes())[..], 1).unwrap()),
        ] {
            sandbox.file(&name, content);
            let ran = sandbox.scan(&[&name]);
            ran.expect(1, 0);
            // Where the record stood is all that differs.
            let mut finding = ran.findings().remove(0);
            finding.as_object_mut().unwrap().remove("details");
            let expected = expected.get_or_insert_with(|| finding.clone());
            assert_eq!(&finding, expected, "{name}");
        }
    }
    // All of them together still make one finding.
    sandbox.scan(&["."]).expect(1, 0).says("duplicates");
}

#[test]
fn standard_input_is_the_default_where_something_is_piped() {
    let sandbox = Sandbox::new();
    let input = gzip(leaving(1).to_string().as_bytes());
    sandbox.scan_stdin(&[], &input).expect(1, 0).says("1 event in 1 file");
}

#[test]
fn what_comes_through_a_pipe_is_found_at_once() {
    use std::io::{BufRead as _, BufReader};
    let sandbox = Sandbox::new();
    let mut child = sandbox.scan_live(&["-"]);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for id in 1..=3 {
        writeln!(stdin, "{}", leaving(id)).unwrap();
        let mut line = String::new();
        // Would wait forever for what is held back.
        stdout.read_line(&mut line).unwrap();
        assert!(line.ends_with("}\n"), "{line}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn json_that_is_no_cloudtrail_is_counted_apart() {
    let sandbox = Sandbox::new();
    let digest = json!({ "awsAccountId": "1", "digestStartTime": "2026-01-01T00:00:00Z" });
    sandbox.file("digest", format!("{digest}\n{}\n", leaving(1)));
    sandbox.scan(&["digest"]).expect(1, 0).says("not CloudTrail  1");
}
