//! Shapes that people ship, each with the record inside, and things that only look like one.

use super::*;

const RECORD: &str = r#"{"eventVersion":"1.11","userIdentity":{"type":"Root"},"eventTime":"2026-11-17T19:06:31Z","eventSource":"organizations.amazonaws.com","eventName":"LeaveOrganization","recipientAccountId":"444455556666"}"#;

/// Everything that is visited: records by their name, path and form.
fn visited(line: &str, reach: &Reach) -> Vec<String> {
    let mut seen = Vec::new();
    contents(line.as_bytes(), reach, &mut TapePool::default(), &mut |_, content| {
        seen.push(match content {
            Content::Record(Located { record, origin, .. }) => {
                let name = record.get("eventName").and_then(|name| name.text()).unwrap();
                let form = origin.form.map(|form| format!(" {form}")).unwrap_or_default();
                format!("{name} at {origin}{form}")
            }
            Content::Foreign(names) => format!("foreign {}", names.join(" ")).trim().to_owned(),
            Content::Companion(companion) => format!("{companion:?}"),
            Content::Unreadable(reason) => reason,
        });
    });
    seen
}

fn everywhere(line: &str) -> Vec<String> {
    visited(line, &Reach::everywhere())
}

fn known(line: &str) -> Vec<String> {
    visited(line, &Reach::default())
}

fn text(json: &str) -> String {
    serde_json::to_string(json).unwrap()
}

#[test]
fn known_envelopes_are_opened_everywhere() {
    let quoted = text(RECORD);
    let bridge = format!(
        r#"{{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{RECORD}}}"#
    );
    for (line, path) in [
        (RECORD.to_owned(), ""),
        (quoted.clone(), ""),
        (text(&quoted), ""),
        (format!("\0\0\u{feff}{RECORD},"), ""),
        (format!(r#"{{"Records":[{RECORD}]}}"#), ""),
        (format!("[{quoted}]"), ""),
        (bridge.clone(), "detail"),
        (format!(r#"{{"Type":"Notification","Message":{}}}"#, text(&bridge)), "Message.detail"),
        (format!(r#"{{"Records":[{{"messageId":"1","body":{}}}]}}"#, text(&bridge)), "body.detail"),
        (format!(r#"{{"Messages":[{{"Body":{quoted}}}]}}"#), "Body"),
        (
            format!(r#"{{"Records":[{{"EventSource":"aws:sns","Sns":{{"Message":{quoted}}}}}]}}"#),
            "Sns.Message",
        ),
        (format!(r#"{{"logEvents":[{{"id":"1","message":{quoted}}}]}}"#), "message"),
        (format!(r#"{{"time":1,"event":{RECORD}}}"#), "event"),
        (format!(r#"{{"event":{{"original":{quoted}}},"message":{quoted}}}"#), "event.original"),
        (format!(r#"{{"message":{}}}"#, text(&format!("1:Wazuh-AWS:{RECORD}"))), "message"),
        (format!("<134>1 2026-11-17T19:06:31Z host app 123 - [x@1 a=\"b\"] {RECORD}"), ""),
        (format!("Nov 17 19:06:31 host app[123]: @cee: {RECORD}"), ""),
        (format!(r#"{{"_index":"x","_source":{{"message":{quoted}}}}}"#), "_source.message"),
    ] {
        let want = [format!("LeaveOrganization at {path}")];
        assert_eq!(known(&line), want, "{line}");
        assert_eq!(everywhere(&line), want, "{line}");
    }
}

#[test]
fn other_keys_are_for_scans_and_settings() {
    let wazuh = format!(r#"{{"integration":"aws","data":{{"aws":{RECORD}}}}}"#);
    assert_eq!(everywhere(&wazuh), ["LeaveOrganization at data.aws"]);
    assert_eq!(known(&wazuh), ["foreign"]);
    let added = Reach::at(vec!["data.aws".into()]);
    assert_eq!(visited(&wazuh, &added), ["LeaveOrganization at data.aws"]);
    let hit = format!(r#"{{"_source":{{"full_log":{}}}}}"#, text(&wazuh));
    assert_eq!(everywhere(&hit), ["LeaveOrganization at _source.full_log.data.aws"]);
    let planted = format!(r#"{{"path":"/","user_agent":{}}}"#, text(RECORD));
    assert_eq!(known(&planted), ["foreign"]);
    // An old record has neither time nor identity: it is taken where records are known to stand.
    let old = r#"{"eventName":"A","eventSource":"b"}"#;
    assert_eq!(everywhere(old), ["A at "]);
    assert_eq!(everywhere(&format!(r#"{{"x":{old}}}"#)), ["foreign A"]);
}

#[test]
fn nothing_inside_a_record_is_searched() {
    let outer = RECORD
        .replace(r#""Root""#, &format!(r#""Root","message":{},"detail":{RECORD}"#, text(RECORD)));
    assert_eq!(everywhere(&outer), ["LeaveOrganization at "]);
}

#[test]
fn what_can_be_read_around_damage_is_read() {
    let cut = &RECORD[..RECORD.len() - 20];
    for (line, records, damaged) in [
        (format!(r#"{{"Records":[{RECORD},{RECORD},{cut}"#), 2, true),
        (format!("{cut}{RECORD}"), 1, true),
        (format!("{RECORD}{cut}"), 1, true),
        (format!("{RECORD}, {RECORD}"), 2, false),
        (format!("{RECORD}{RECORD}"), 2, false),
        (format!("{{x}} {RECORD} {{y}}"), 1, true),
        (format!("see {{x}} {RECORD} {{y}}"), 1, false),
    ] {
        let seen = everywhere(&line);
        let found = seen.iter().filter(|one| one.starts_with("LeaveOrganization")).count();
        assert_eq!(found, records, "{line}: {seen:?}");
        assert_eq!(seen.len() > found, damaged, "{line}: {seen:?}");
    }
}

#[test]
fn a_record_in_a_text_behind_prose_is_found() {
    let quoted = text(RECORD);
    let pretty = text(&format!("\n{}", RECORD.replace(',', ",\n  ").replace('{', "{\n ")));
    for (line, records) in [
        (format!("see {quoted}"), 1),
        (format!("see [{quoted}]"), 1),
        (format!("see [{quoted}, {quoted}] and {quoted}."), 3),
        (format!("time=\"x\" msg={quoted} level=\"info\""), 1),
        (format!("msg={} x", text(&quoted)), 1),
        (format!("msg={} x", text(&format!("[{quoted}]"))), 1),
        (format!("msg={pretty}"), 1),
        (format!(r#"<134>1 - host app - - - "{{\"a\":1}}" {quoted}"#), 1),
        // The quotes in front of the record belong to no text.
        (format!(r#"a "{{\" {RECORD}"#), 1),
        (format!(r#"a "b" {RECORD} "c" {RECORD}"#), 2),
        (format!(r#"a "b" {quoted} "{{\" {quoted}"#), 2),
    ] {
        let seen = everywhere(&line);
        let found = seen.iter().filter(|one| *one == "LeaveOrganization at ").count();
        assert_eq!(found, records, "{line}: {seen:?}");
    }
}

#[test]
fn quotes_in_prose_are_read_a_few_times() {
    for part in ["\"{\\", "\"{\\\"", "\"[{\\\" ", "\"\\\"{", "\"{\\\"eventName\\\":[ \""] {
        let line = format!("x {}", part.repeat(200_000));
        let start = std::time::Instant::now();
        everywhere(&line);
        assert!(start.elapsed().as_secs() < 5, "{part}");
    }
}

#[test]
fn companions_are_no_records() {
    for (line, companion) in [
        (
            r#"{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{}}"#,
            "Notification",
        ),
        (
            r#"{"Type":"Notification","Message":"{\"s3Bucket\":\"b\",\"s3ObjectKey\":[\"eventName\"]}"}"#,
            "Notification",
        ),
        (
            r#"{"detail-type":"Object Created","source":"aws.s3","detail":{"object":{}}}"#,
            "Notification",
        ),
        (r#"{"digestStartTime":"x","digestS3Bucket":"b"}"#, "Digest"),
        (
            r#"{"eventType":"AwsCloudTrailInsight","insightDetails":{"eventName":"LeaveOrganization","eventSource":"x"}}"#,
            "Insight",
        ),
        (r#"{"metadata":{"product":{"name":"orgwatch"}},"class_uid":2004}"#, "Finding"),
    ] {
        assert_eq!(everywhere(line), [companion], "{line}");
    }
}

#[test]
fn other_forms_are_mapped() {
    let ocsf = r#"{"class_uid":3005,"api":{"operation":"LeaveOrganization","service":{"name":"organizations.amazonaws.com"}},"time":1}"#;
    assert_eq!(known(ocsf), ["LeaveOrganization at  ocsf"]);
    let dotted = r#"{"event.action":"LeaveOrganization","event.provider":"organizations.amazonaws.com","event.outcome":"success","@timestamp":"x"}"#;
    assert_eq!(known(dotted), ["LeaveOrganization at  ecs"]);
    let hit = format!(r#"{{"hits":{{"hits":[{{"_source":{dotted}}}]}}}}"#);
    assert_eq!(known(&hit), ["LeaveOrganization at hits._source ecs"]);
    let with_raw = format!(
        r#"{{"event":{{"action":"X","provider":"x.amazonaws.com","original":{}}}}}"#,
        text(RECORD)
    );
    assert_eq!(known(&with_raw), ["LeaveOrganization at event.original"]);
    let row = r#"{"eventtime":"x","eventsource":"organizations.amazonaws.com","eventname":"LeaveOrganization","useridentity":"{type=Root, sessioncontext=null}"}"#;
    assert_eq!(known(row), ["LeaveOrganization at  query-row"]);
    let lake = r#"{"QueryResultRows":[[{"eventTime":"x"},{"eventName":"LeaveOrganization"},{"eventSource":"organizations.amazonaws.com"},{"userIdentity":"{type=Root}"}]]}"#;
    assert_eq!(known(lake), ["LeaveOrganization at  query-row"]);
}

#[test]
fn a_deep_or_wide_document_is_searched_once() {
    let deep = format!("{}{RECORD}{}", "{\"detail\":".repeat(900), "}".repeat(900));
    assert_eq!(known(&deep).len(), 1);
    let mut nested = RECORD.to_owned();
    for _ in 0..8 {
        nested = text(&nested);
    }
    assert_eq!(known(&nested), ["too many envelopes in one another"]);
    let braces = "{\"a\":{".repeat(20_000);
    assert_eq!(everywhere(&braces), ["expected a key at byte 6"]);
}

#[test]
fn a_place_that_several_paths_lead_to_is_searched_once() {
    let at = |paths: &[&str]| Reach::at(paths.iter().map(|path| (*path).to_owned()).collect());
    let deep =
        |key: &str| format!("{}{RECORD}{}", format!("{{\"{key}\":").repeat(900), "}".repeat(900));
    // One that a known envelope has as well, and one that is another twice.
    assert_eq!(visited(&deep("message"), &at(&["message"])).len(), 1);
    assert_eq!(visited(&deep("a"), &at(&["a", "a.a", "a.a.a"])).len(), 1);
}

#[test]
fn what_is_no_row_is_not_copied_at_every_level() {
    let level = r#"{"eventName":1,"eventSource":1,"eventTime":1,"detail":"#.repeat(990);
    let line = format!("{level}\"{}\"{}", "x".repeat(16 << 20), "}".repeat(990));
    let start = std::time::Instant::now();
    assert_eq!(known(&line), ["foreign"]);
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn broken_texts_in_one_another_are_read_a_few_times() {
    let mut nested = "[[eventName{[".to_owned();
    for _ in 0..6 {
        let braces = "{\"a\":".repeat(8);
        nested = format!("{braces}{{\"eventName\":1,\"message\":{} x", text(&nested));
    }
    let seen = everywhere(&nested).len();
    assert!(seen < 1000, "{seen}");
}

#[test]
fn the_path_of_a_record_is_no_longer_than_needed() {
    let list = vec![RECORD; 100].join(",");
    let (before, key) = ("{\"message\":".repeat(500), "k".repeat(10_000));
    let line = format!("{before}{{\"{key}\":[{list}]}}{}", "}".repeat(500));
    let mut told = 0;
    contents(line.as_bytes(), &Reach::everywhere(), &mut TapePool::default(), &mut |_, content| {
        if let Content::Record(Located { origin, .. }) = content {
            assert!(origin.keys.len() == 16 && origin.to_string().len() < 300);
            told += 1;
        }
    });
    assert_eq!(told, 100);
}
